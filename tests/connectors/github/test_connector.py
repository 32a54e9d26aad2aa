"""The whole connector against the simulated company."""

import json

import pytest

from proofwatch.connectors.base import ConnectorError, ReadStats, Unread
from proofwatch.connectors.github import GithubConnector
from proofwatch.demo.fakes.base import Said
from proofwatch.demo.fakes.github import ORG, PERMISSIONS
from proofwatch.demo.staff import LEAVER

COUNTS = {
    "github_organization": 1, "github_app_installation": 2, "github_organization_webhook": 2,
    "github_organization_ruleset": 1, "github_actions_policy": 1, "github_member": 7,
    "github_outside_collaborator": 1, "github_invitation": 1, "github_team": 2, "github_team_member": 9,
    "github_repository": 60, "github_branch_protection": 60, "github_repository_security": 60,
    "github_repository_collaborator": 2, "github_deploy_key": 1, "github_environment": 2,
    "github_dependabot_alert": 2, "github_code_scanning_alert": 1, "github_secret_scanning_alert": 1,
    "github_pull_request": 130,
}  # fmt: skip


def test_every_table_is_read_in_few_requests(github, connected):
    connector = connected()
    scope = connector.scope()
    assert [place.account_id for place in scope.places] == [ORG] and not scope.gaps()
    asked = {name for name in connector.tables() if name not in OPTIONAL}
    found, calls = {}, 0
    for shard in connector.shards(scope, sorted(connector.tables())):
        for table in shard.tables:
            stats = ReadStats()
            rows = list(connector.read(shard, table, stats))
            assert len({row["resource"] for row in rows}) == len(rows), table
            assert not any(row["_unread"] for row in rows), table
            found[table], calls = len(rows), calls + stats.calls
    assert found == COUNTS and set(found) == asked
    # 60 repositories with protections in one request; keys, people and environments of all in one.
    assert calls <= 26


OPTIONAL = ("github_audit_log_event", "github_repository_webhook")


def test_what_was_asked_for_is_read_too(github, read):
    assert read("github_repository_webhook", repository_webhooks=True) == []
    assert len([asked for asked in github.asked if asked.path.endswith("/hooks")]) == 60
    github.route(f"GET /api/v3/orgs/{ORG}/audit-log", lambda asked: Said([EVENT]))
    (row,) = read("github_audit_log_event", audit_log=True)
    assert (row["action"], row["actor"], row["resource"]) == ("org.add_member", "ada", "x1")


EVENT = {"_document_id": "x1", "action": "org.add_member", "actor": "ada", "created_at": 1_700_000_000_000}


def test_the_faults_of_the_company_are_seen(read):
    protections = {row["repository"].split("/")[1]: row for row in read("github_branch_protection")}
    assert protections["billing-api"]["requires_pull_request"] is False
    assert protections["firmware"]["required_approvals"] == 1
    assert protections["firmware"]["enforced_for_everyone"] is True
    members = {row["login"]: row for row in read("github_member")}
    assert members["linus"]["has_two_factor"] is False and members["ada"]["role"] == "ADMIN"
    assert members[LEAVER.login]["emails"] == [LEAVER.email]
    alone = [row for row in read("github_pull_request") if row["approvals"] == 0]
    assert [(row["repository"], row["author"]) for row in alone] == [(f"{ORG}/billing-api", "linus")]


def test_a_secret_that_github_shows_is_not_kept(read):
    (row,) = read("github_secret_scanning_alert")
    assert "worthless" not in json.dumps(row["raw"]) and row["validity"] == "active"


def test_who_we_are_and_what_a_token_may_write(github, connected):
    connector = connected()
    assert connector.identity().principal == "user ada"
    assert connector.prove_read_only().read_only is True
    github.scopes = "repo, read:org, admin:org_hook"
    proof = connector.prove_read_only()
    assert (proof.read_only, proof.writes) == (False, ("repo", "admin:org_hook"))


def test_the_end_of_a_token_is_told(github, connected):
    ends = {"github-authentication-token-expiration": "2026-12-24 10:00:00 UTC"}
    github.broken["/api/v3/user"] = Said({"login": "ada"}, 200, ends)
    assert connected().identity().details["credential_expires_at"] == "2026-12-24T10:00:00Z"


def test_of_a_fine_grained_token_nobody_can_tell_what_it_may_write(github, connected, monkeypatch):
    answer = github.answer

    def without_scopes(asked):
        said = answer(asked)
        return Said(said.body, said.status, {k: v for k, v in said.headers.items() if k != "x-oauth-scopes"})

    monkeypatch.setattr(github, "answer", without_scopes)
    proof = connected().prove_read_only()
    assert proof.read_only is None and "fine-grained token" in proof.reason


@pytest.mark.parametrize(("token", "only"), [("github_pat_1", None), ("ghu_1", None), ("ghp_1", True)])
def test_a_token_of_permissions_that_names_no_scope_proves_nothing_by_that(
    github, connected, monkeypatch, token, only
):
    monkeypatch.setenv("DEMO_GITHUB_TOKEN", token)
    monkeypatch.setattr(github, "scopes", "")
    assert connected().prove_read_only().read_only is only


def test_an_app_signs_in_by_its_key_and_its_token_says_what_it_may(github, connected, private_key):
    connector = connected(token=None, app_id="9", private_key=private_key)
    assert connector.identity().principal == "app proofwatch"
    assert connector.scope().gaps() == () and connector.prove_read_only().read_only is True
    (shard,) = connector.shards(connector.scope(), ["github_team"])
    assert len(list(connector.read(shard, "github_team", ReadStats()))) == 2
    bearers = {asked.headers["authorization"] for asked in github.asked if "/app" in asked.path}
    assert all(text.count(".") == 2 for text in bearers), "the App shows a signed token"


def test_an_app_that_may_write_is_shown(github, connected, private_key):
    told = {
        "token": "t",
        "expires_at": "2099-01-01T00:00:00Z",
        "permissions": {**PERMISSIONS, "contents": "write"},
    }
    github.broken["/api/v3/app/installations/900/access_tokens"] = Said(told, 201)
    proof = connected(token=None, app_id="9", private_key=private_key).prove_read_only()
    assert (proof.read_only, proof.writes) == (False, (f"{ORG}: contents=write",))


@pytest.mark.parametrize("told", [{}, {"permissions": {}}, {"permissions": []}])
def test_an_app_whose_token_names_no_permission_is_not_proven(github, connected, private_key, told):
    path = "/api/v3/app/installations/900/access_tokens"
    github.broken[path] = Said({"token": "t", "expires_in": 3600, **told}, 201)
    proof = connected(token=None, app_id="9", private_key=private_key).prove_read_only()
    assert proof.read_only is None and "does not say what the token" in proof.reason


def test_an_app_of_selected_repositories_leaves_a_gap(github, connected, private_key):
    installed = [{**item, "repository_selection": "selected"} for item in installations(github)]
    github.broken["/api/v3/app/installations"] = Said(installed)
    scope = connected(token=None, app_id="9", private_key=private_key).scope()
    assert scope.unknown == (f"repositories of {ORG}: the App was installed for selected ones only",)


def test_an_app_that_is_not_installed_says_so(github, connected, private_key):
    github.broken["/api/v3/app/installations"] = Said([])
    connector = connected(token=None, app_id="9", private_key=private_key)
    (place,) = connector.scope().places
    assert "not installed" in place.gap and place.wanted
    shard = connector.shards(connector.scope(), ["github_team"])[0]
    with pytest.raises(ConnectorError, match="the App is not installed in acme-robotics"):
        list(connector.read(shard, "github_team", ReadStats()))


def test_organisations_that_are_not_read_are_gaps(github, connected):
    github.broken["/api/v3/user/orgs"] = Said([{"login": ORG}, {"login": "acme-labs"}, {"login": "acme-old"}])
    gone = [{"id": "acme-old", "reason": "sold in 2024"}]
    places = {place.account_id: place for place in connected(exclude_organizations=gone).scope().places}
    assert places[ORG].gap == "" and places["acme-labs"].gap == "it was not chosen in the settings"
    assert places["acme-old"].gap == "sold in 2024"
    everything = connected(organizations=None).scope().places
    assert {place.account_id for place in everything if not place.gap} == {ORG, "acme-labs", "acme-old"}


def test_an_organisation_that_we_may_not_see_is_a_wanted_gap(github, connected):
    github.broken["/api/v3/user/orgs"] = Said([])
    (place,) = connected().scope().places
    assert place.wanted and "may not see it" in place.gap


def test_permissions_are_tested_by_name(github, connected):
    github.broken[f"/api/v3/orgs/{ORG}/hooks"] = Said(
        {"message": "Resource not accessible by integration"}, 403
    )
    connector = connected()
    found = {item.name: item for item in connector.permissions(sorted(connector.tables()))}
    assert found["Organization webhooks: read"].allowed is False
    assert "not accessible" in found["Organization webhooks: read"].how
    assert found["Members: read"].allowed is True


def test_a_credential_that_is_refused_is_said_in_githubs_words(connected, monkeypatch):
    monkeypatch.setenv("DEMO_GITHUB_TOKEN", "revoked")
    with pytest.raises(ConnectorError, match="does not accept the credential: Bad credentials"):
        connected().identity()


def test_a_spent_limit_is_waited_for_or_unread(github, read):
    path = f"/api/v3/orgs/{ORG}/teams"
    reset = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "4102444800"}
    github.broken[path] = Said({"message": "API rate limit exceeded"}, 403, reset)
    with pytest.raises(Unread, match="limits how often we may ask") as caught:
        read("github_team")
    assert not caught.value.permanent and caught.value.permission == ""


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"token": None}, "give app_id and private_key of a GitHub App, or a token"),
        ({"app_id": "1", "private_key": "env:KEY"}, "not both"),
        ({"token": "ghp_secret"}, "the secret itself is never kept"),
        ({"organizations": "acme robotics/x"}, "is no login of an organisation"),
        ({"base_url": "http://github.acme.example/api/v3"}, "not encrypted"),
        ({"organisation": ["acme"]}, "did you mean organizations"),
        ({"pull_request_days": 0}, "greater than or equal to 1"),
    ],
)
def test_settings_are_refused_in_words(github, connected, given, words):
    with pytest.raises(ConnectorError, match=words) as caught:
        connected(**given)
    assert "ghp_secret" not in str(caught.value)


def test_the_address_of_graphql_follows_from_that_of_rest():
    parse = GithubConnector.parse_settings
    assert parse({"token": "env:T"}).graphql_url == "https://api.github.com/graphql"
    own = parse({"token": "env:T", "base_url": "https://github.acme.example/api/v3"})
    assert own.graphql_url == "https://github.acme.example/api/graphql"


def test_the_documents_ask_for_reading_and_nothing_else():
    steps, manifest = GithubConnector.documents()
    granted = json.loads(manifest.text)["default_permissions"]
    assert set(granted.values()) == {"read"} and granted == {**PERMISSIONS, **granted}
    assert "- Members: Read-only" in steps.text


def installations(github):
    from proofwatch.demo.fakes.github_shapes import installation

    return [installation(github.org, 900, "proofwatch", PERMISSIONS, github.ago(1))]
