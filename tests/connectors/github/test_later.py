"""What changes at GitHub while the process lives is seen by the next sweep; no empty answer is believed."""

import pytest

from proofwatch.connectors.base import ConnectorError, ReadStats, Shard, Unread
from proofwatch.demo.fakes.base import Said
from proofwatch.demo.fakes.github import ORG

INSTALLED = "/api/v3/app/installations"
OUTSIDE = f"/api/v3/orgs/{ORG}/outside_collaborators"
TEAMS = Shard(ORG, "global", "people", ("github_team",))


def teams(connector):
    return list(connector.read(TEAMS, "github_team", ReadStats()))


def as_app(connected, private_key, **more):
    return connected(token=None, app_id="9", private_key=private_key, **more)


def test_an_app_that_is_installed_later_is_found_by_the_next_sweep(github, connected, private_key):
    connector = as_app(connected, private_key)
    github.broken[INSTALLED] = Said([])
    connector.begin("one")
    with pytest.raises(ConnectorError, match="not installed"):
        teams(connector)
    del github.broken[INSTALLED]
    connector.begin("two")
    assert len(teams(connector)) == 2


def test_a_token_of_an_installation_lives_longer_than_a_sweep(github, connected, private_key):
    connector = as_app(connected, private_key)
    for sweep in ("one", "two"):
        connector.begin(sweep)
        teams(connector)
    asked = [asked.path for asked in github.asked]
    assert asked.count(f"{INSTALLED}/900/access_tokens") == 1 and asked.count(INSTALLED) == 2


def test_an_app_that_was_installed_anew_gets_the_token_of_the_new_installation(
    github, connected, private_key
):
    connector = as_app(connected, private_key)
    connector.begin("one")
    teams(connector)
    account = {"login": ORG, "id": 77}
    github.broken[INSTALLED] = Said([{"id": 901, "account": account, "target_type": "Organization"}])
    github.broken[f"{INSTALLED}/901/access_tokens"] = Said({"token": "new", "expires_in": 3600}, 201)
    connector.begin("two")
    teams(connector)
    assert github.asked[-1].headers["authorization"] == "Bearer new"


def test_an_installation_in_an_enterprise_itself_is_no_organisation(github, connected, private_key):
    github.broken[INSTALLED] = Said([{"id": 7, "account": {"slug": "acme", "id": 1}}, {"id": 8}])
    assert as_app(connected, private_key, organizations=None).scope().places == ()


@pytest.mark.parametrize("body", [None, {}, {"message": "proxy"}, [1], [{"id": None}]])
def test_an_answer_without_installations_is_not_an_app_that_is_installed_nowhere(
    github, connected, private_key, body
):
    github.broken[INSTALLED] = Said(body)
    scope = as_app(connected, private_key, organizations=None).scope()
    assert scope.unlisted and "does not document" in scope.unknown[0]


def test_an_answer_without_organisations_is_not_a_token_of_no_member(github, connected):
    github.broken["/api/v3/user/orgs"] = Said({})
    scope = connected(organizations=None).scope()
    assert scope.unlisted and "does not document" in scope.unknown[0]


@pytest.mark.parametrize("body", [None, {}, [{"id": 1}]])
def test_an_answer_without_outside_collaborators_is_not_that_there_is_none(github, read, body):
    github.broken[OUTSIDE] = Said(body)
    with pytest.raises(Unread, match="does not document"):
        read("github_outside_collaborator")


def test_an_answer_without_events_is_not_an_empty_audit_log(github, read):
    github.broken[f"/api/v3/orgs/{ORG}/audit-log"] = Said({})
    with pytest.raises(Unread, match="does not document"):
        read("github_audit_log_event", audit_log=True)
