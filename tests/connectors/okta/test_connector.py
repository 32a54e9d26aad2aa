"""The connector against the fake over HTTP: who, what may be written, every table, pages, requests."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from proofwatch.connectors.base import ConnectorError, ReadStats
from proofwatch.demo.fakes import okta_shapes as shapes
from proofwatch.demo.fakes.base import Asked, Said
from proofwatch.demo.fakes.okta import ORG, TOKEN, FakeOkta
from proofwatch.demo.staff import EMPLOYED, LEAVER, STAFF
from tests.connectors.okta.reading import TABLES, by_token, connector, read

READ_ONLY = "Read-only Administrator"


def test_it_says_which_organisation_and_which_app(okta: FakeOkta) -> None:
    found = connector(okta).identity()
    assert (found.account_id, found.principal) == (ORG, "app 0oaproofwatch0000001")
    assert found.details["engine"] == "Identity Engine"
    assert "okta.users.read" in found.details["scopes"]


def test_a_token_is_known_by_its_owner(okta: FakeOkta) -> None:
    found = by_token(okta.url).identity()
    assert found.principal == "user proofwatch@acme-robotics.example"
    assert "Bearer" not in {asked.headers.get("authorization", "")[:6] for asked in okta.asked}


def test_without_the_scope_for_it_the_organisation_is_known_by_what_is_told_to_all(okta: FakeOkta) -> None:
    made = connector(okta, scopes=["okta.users.read"])
    assert made.identity().account_id == ORG
    assert [place.account_id for place in made.scope().places] == [ORG]


def test_every_permission_is_tried_and_named_with_its_tables(okta: FakeOkta) -> None:
    found = connector(okta).permissions(TABLES)
    assert {item.allowed for item in found} == {True}
    assert {table for item in found for table in item.tables} == set(TABLES)
    okta.granted.discard("okta.logs.read")
    scopes = sorted(okta.granted)
    denied = [item for item in connector(okta, scopes=scopes).permissions(TABLES) if not item.allowed]
    assert [(item.name, item.tables) for item in denied] == [
        ("okta.logs.read", ("okta_log", "okta_log_event"))
    ]
    assert "okta.logs.read is needed" in denied[0].how


@pytest.mark.parametrize("table", TABLES)
def test_every_table_is_read_wholly(okta: FakeOkta, table: str) -> None:
    rows = read(connector(okta), table)
    assert rows
    assert {row["_unread"] for row in rows} == {None}
    assert len({row["resource"] for row in rows}) == len(rows)
    assert {(row["account_id"], row["region"]) for row in rows} == {(ORG, "global")}


def test_people_come_in_pages_and_with_those_who_were_deactivated(okta: FakeOkta) -> None:
    stats = ReadStats()
    rows = {row["login"]: row for row in read(connector(okta), "okta_user", stats)}
    assert len(rows) == len(STAFF) + 1
    assert rows[LEAVER.email]["status"] == "DEPROVISIONED"
    assert rows["ada@acme-robotics.example"]["last_login"] is not None
    # Three pages of three who are there, one of who is gone.
    assert (stats.pages, stats.calls) == (4, 4)
    assert "lastUpdated" not in rows[LEAVER.email]["raw"]


def test_who_was_deactivated_while_being_listed_is_one_row(okta: FakeOkta) -> None:
    gone = next(user for user in okta.users if user["profile"]["login"] == EMPLOYED[0].email)

    def both(asked: Asked) -> list[Any]:
        return [gone]

    okta._some_users = both  # type: ignore[method-assign]
    okta._routes.clear()
    okta._people()
    assert len(read(by_token(okta.url), "okta_user")) == 1


def test_administrators_are_found_by_themselves_and_by_their_groups(okta: FakeOkta) -> None:
    rows = read(connector(okta), "okta_admin_assignment")
    found = {(row["user_id"], row["type"], row["assignment_type"]) for row in rows}
    assert found == {
        *((shapes.ident("00u", name), "SUPER_ADMIN", "USER") for name in ("ada", "katherine")),
        *((shapes.ident("00u", name), "HELP_DESK_ADMIN", "GROUP") for name in ("grace", "margaret")),
        (shapes.ident("00u", shapes.BOT), "READ_ONLY_ADMIN", "USER"),
    }
    assert [row["group_name"] for row in read(connector(okta), "okta_group_role")] == ["Help desk"]


def test_a_role_with_the_same_id_by_oneself_and_by_a_group_is_two_rows(okta: FakeOkta) -> None:
    ada = shapes.ident("00u", "ada")
    own = shapes.role("SUPER_ADMIN", "Super Administrator")
    okta.roles[ada] = [own, {**own, "assignmentType": "GROUP"}, own]
    rows = [row for row in read(connector(okta), "okta_admin_assignment") if row["user_id"] == ada]
    assert sorted(row["assignment_type"] for row in rows) == ["GROUP", "USER"]
    assert len({row["resource"] for row in rows}) == 2


def test_groups_are_asked_for_roles_where_okta_does_not_say(okta: FakeOkta, monkeypatch: Any) -> None:
    def silent(*given: Any) -> dict[str, Any]:
        return {key: value for key, value in plain(*given).items() if key != "_embedded"}

    plain = shapes.group
    monkeypatch.setattr(shapes, "group", silent)
    assert [row["group_name"] for row in read(connector(okta), "okta_group_role")] == ["Help desk"]
    asked = [item.path for item in okta.asked if item.path.endswith("/roles")]
    assert len(asked) == 4
    assert {row["has_admin_role"] for row in read(connector(okta), "okta_group")} == {None}


def test_second_factors_are_asked_of_administrators_alone_unless_of_all(okta: FakeOkta) -> None:
    admins = read(connector(okta, factors="admins"), "okta_user_factor")
    assert {row["user_id"] for row in admins} == {
        shapes.ident("00u", name) for name in ("ada", "grace", "katherine", "margaret", shapes.BOT)
    }
    everybody = {row["user_id"]: row for row in read(connector(okta), "okta_user_factor")}
    assert len(everybody) == len(EMPLOYED) + 1
    assert everybody[shapes.ident("00u", "linus")]["factors"] == []
    kinds = [item["factor_type"] for item in everybody[shapes.ident("00u", "katherine")]["factors"]]
    assert kinds == ["push", "webauthn"]
    assert shapes.ident("00u", LEAVER.login) not in everybody


def test_tables_of_one_service_share_what_they_list(okta: FakeOkta) -> None:
    made = connector(okta, factors="admins")
    for table in (
        "okta_admin_assignment",
        "okta_group",
        "okta_group_member",
        "okta_group_role",
        "okta_user_factor",
    ):
        read(made, table)
    paths = [asked.path for asked in okta.asked]
    desk = f"/api/v1/groups/{shapes.ident('00g', 'Help desk')}"
    assert (paths.count(f"{desk}/users"), paths.count(f"{desk}/roles")) == (1, 1)
    # Two pages of groups, two of administrators, and one question about each of five people.
    assert paths.count("/api/v1/groups") == 2
    assert paths.count("/api/v1/iam/assignees/users") == 2
    assert len([path for path in paths if path.startswith("/api/v1/users/") and path.endswith("/roles")]) == 5


def test_applications_are_listed_once_for_their_assignments(okta: FakeOkta) -> None:
    made = connector(okta)
    assert len(read(made, "okta_app")) == 5
    assert len({row["parent_id"] for row in read(made, "okta_app_assignment")}) == 4
    assert [asked.path for asked in okta.asked].count("/api/v1/apps") == 2


def test_members_of_all_groups_are_read_where_that_is_wanted(okta: FakeOkta) -> None:
    few = read(connector(okta), "okta_group_member")
    assert {row["group_name"] for row in few} == {"Help desk"}
    all_of_them = read(connector(okta, group_members="all"), "okta_group_member")
    assert {row["group_name"] for row in all_of_them} == {"Everyone", "Engineering", "Help desk", "Finance"}


def test_assignments_can_be_left_out(okta: FakeOkta) -> None:
    made = connector(okta, app_assignments=False)
    planned = {name for shard in made.shards(made.scope(), TABLES) for name in shard.tables}
    assert set(TABLES) - planned == {"okta_app_assignment"}


def test_secrets_and_what_moves_by_itself_are_in_no_row(okta: FakeOkta) -> None:
    apps = {row["label"]: row for row in read(connector(okta), "okta_app")}
    assert apps["Fleet manager"]["raw"]["credentials"]["oauthClient"]["client_secret"] == "(left out)"
    assert apps["Fleet manager"]["grant_types"] == ["authorization_code"]
    token = read(connector(okta), "okta_api_token")[0]["raw"]
    assert not {"expiresAt", "lastUpdated"} & set(token)
    events = read(connector(okta), "okta_log_event")
    assert not {"debugContext", "authenticationContext"} & {key for row in events for key in row["raw"]}


def test_only_events_that_matter_are_asked_for_and_with_an_end(okta: FakeOkta) -> None:
    kinds = [row["event_type"] for row in read(connector(okta), "okta_log_event")]
    assert kinds == ["user.mfa.factor.activate", "policy.rule.update", "application.lifecycle.update"]
    asked = next(item for item in okta.asked if item.path == "/api/v1/logs")
    assert asked.query["until"] > asked.query["since"]
    assert len(read(connector(okta, log_days=2), "okta_log_event")) == 3


def test_classic_engine_has_no_policies_of_single_apps(okta: FakeOkta) -> None:
    assert "ACCESS_POLICY" in {row["type"] for row in read(connector(okta), "okta_policy")}
    okta.pipeline = "v1"
    okta.asked.clear()
    assert "ACCESS_POLICY" not in {row["type"] for row in read(connector(okta), "okta_policy")}
    assert "ACCESS_POLICY" not in {asked.query.get("type") for asked in okta.asked}


def test_an_enrolment_policy_of_either_engine_says_what_it_requires(okta: FakeOkta) -> None:
    rows = {row["type"]: row for row in read(connector(okta), "okta_policy")}
    assert rows["MFA_ENROLL"]["required_authenticators"] == ["okta_password", "okta_verify"]
    assert rows["MFA_ENROLL"]["required_factors"] == ["okta_verify"]
    classic = {
        "factors": {
            "okta_sms": {"enroll": {"self": "REQUIRED"}},
            "okta_otp": {"enroll": {"self": "OPTIONAL"}},
        }
    }
    policy, _ = okta.policies[shapes.ident("00p", "MFA_ENROLL Default Policy")]
    policy["settings"] = classic
    rows = {row["type"]: row for row in read(connector(okta), "okta_policy")}
    assert rows["MFA_ENROLL"]["required_factors"] == ["okta_sms"]
    assert rows["MFA_ENROLL"]["optional_authenticators"] == ["okta_otp"]
    assert rows["PASSWORD"]["required_factors"] is None


@pytest.mark.parametrize(
    ("method", "resists"),
    [
        ({"type": "ASSURANCE", "factorMode": "2FA", "constraints": []}, False),
        ({"type": "ASSURANCE", "constraints": [{"possession": {"phishingResistant": "REQUIRED"}}]}, True),
        (
            {"type": "ASSURANCE", "constraints": [{"possession": {"phishingResistant": "REQUIRED"}},
             {"knowledge": {"types": ["password"]}}]},
            False,
        ),
        ({"type": "AUTH_METHOD_CHAIN", "chains": []}, None),
    ],
)  # fmt: skip
def test_a_rule_resists_phishing_if_every_way_in_does(
    okta: FakeOkta, method: dict[str, Any], resists: bool | None
) -> None:
    _, rules = okta.policies[shapes.ident("00p", "ACCESS_POLICY Okta Dashboard")]
    rules[0]["actions"] = {"appSignOn": {"access": "ALLOW", "verificationMethod": method}}
    rows = {row["policy_name"]: row for row in read(connector(okta), "okta_policy_rule")}
    assert rows["Okta Dashboard"]["phishing_resistant"] is resists


def test_the_app_reads_only_and_its_grants_show_it(okta: FakeOkta) -> None:
    proof = connector(okta).prove_read_only()
    assert (proof.read_only, proof.writes, proof.evidence["roles"]) == (True, (), ["READ_ONLY_ADMIN"])


def test_a_grant_that_writes_is_shown_though_no_token_of_ours_has_it(okta: FakeOkta) -> None:
    okta.granted.add("okta.users.manage")
    proof = connector(okta).prove_read_only()
    assert (proof.read_only, proof.writes) == (False, ("grant okta.users.manage",))


def test_without_the_grants_a_read_only_role_is_proof_and_another_is_none(okta: FakeOkta) -> None:
    scopes = ["okta.users.read", "okta.roles.read"]
    assert connector(okta, scopes=scopes).prove_read_only().read_only is True
    okta.role.update(shapes.role("ORG_ADMIN", "Organization Administrator"))
    proof = connector(okta, scopes=scopes).prove_read_only()
    assert proof.read_only is None
    assert "okta.appGrants.read" in proof.reason


@pytest.mark.parametrize(
    ("roles", "read_only", "writes"),
    [
        ([shapes.role("READ_ONLY_ADMIN", READ_ONLY)], True, ()),
        ([shapes.role("SUPER_ADMIN", "Super")], False, ("role SUPER_ADMIN",)),
        (
            [shapes.role("READ_ONLY_ADMIN", READ_ONLY), shapes.role("APP_ADMIN", "App")],
            False,
            ("role APP_ADMIN",),
        ),
        ([], None, ()),
    ],
)  # fmt: skip
def test_a_token_may_what_the_roles_of_its_owner_allow(
    okta: FakeOkta, roles: list[Any], read_only: bool | None, writes: tuple[str, ...]
) -> None:
    okta.roles[shapes.ident("00u", shapes.BOT)] = roles
    proof = by_token(okta.url).prove_read_only()
    assert (proof.read_only, proof.writes) == (read_only, writes)
    assert bool(proof.reason) is (read_only is None)


@pytest.mark.parametrize(
    ("permissions", "read_only"),
    [
        (["okta.users.read", "okta.iam.read"], True),
        (["okta.users.read", "okta.users.manage"], False),
        (None, None),
    ],
)
def test_a_role_of_ones_own_is_judged_by_its_permissions(
    okta: FakeOkta, permissions: list[str] | None, read_only: bool | None
) -> None:
    own = {**shapes.role("CUSTOM", "Auditor"), "role": "cr0auditor"}
    okta.roles[shapes.ident("00u", shapes.BOT)] = [own]
    if permissions is not None:
        body = {"permissions": [{"label": name} for name in permissions]}
        okta.route("GET /api/v1/iam/roles/cr0auditor/permissions", lambda asked: Said(body))
    proof = by_token(okta.url).prove_read_only()
    assert proof.read_only is read_only
    assert proof.writes == (("role Auditor: okta.users.manage",) if read_only is False else ())


def test_a_scope_that_was_not_granted_is_named_with_what_mends_it(okta: FakeOkta) -> None:
    okta.granted.discard("okta.logs.read")
    with pytest.raises(ConnectorError, match="One or more scopes are not configured") as caught:
        connector(okta).identity()
    assert "setting `scopes`" in caught.value.remedy


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"key_id": "other"}, "kid"), ({"client_id": "0oaother"}, "issuer")],
)
def test_an_assertion_that_okta_does_not_take_is_refused_in_its_words(
    okta: FakeOkta, settings: dict[str, str], words: str
) -> None:
    with pytest.raises(ConnectorError, match=words):
        connector(okta, **settings).identity()


def test_a_key_as_jwk_signs_as_well(okta: FakeOkta, monkeypatch: pytest.MonkeyPatch) -> None:
    from base64 import urlsafe_b64encode

    def text(number: int) -> str:
        return urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8)).rstrip(b"=").decode()

    numbers = okta.key.private_numbers()
    parts = {
        "d": numbers.d,
        "p": numbers.p,
        "q": numbers.q,
        "n": numbers.public_numbers.n,
        "e": numbers.public_numbers.e,
    }
    jwk = {"kty": "RSA", "kid": "DEMO-key-1", **{name: text(value) for name, value in parts.items()}}
    monkeypatch.setenv("OKTA_JWK", json.dumps(jwk))
    assert connector(okta, private_key="env:OKTA_JWK", key_id="").identity().account_id == ORG
    del jwk["d"]
    monkeypatch.setenv("OKTA_JWK", json.dumps(jwk))
    with pytest.raises(ConnectorError, match="no 'd'"):
        connector(okta, private_key="env:OKTA_JWK").identity()


def test_a_limit_is_waited_for_until_okta_lifts_it(okta: FakeOkta) -> None:
    path, answers = "/api/v1/authenticators", []
    plain = okta.answer

    def limited(asked: Asked) -> Said:
        if asked.path == path and not answers:
            answers.append(asked)
            reset = str(int(time.time()) + 2)
            return Said({"errorCode": "E0000047"}, 429, {"X-Rate-Limit-Reset": reset})
        return plain(asked)

    okta.answer = limited  # type: ignore[method-assign]
    made, stats, began = connector(okta), ReadStats(), time.monotonic()
    made.scope()
    assert len(read(made, "okta_authenticator", stats)) == 5
    assert stats.throttled == 1
    assert time.monotonic() - began >= 1


def test_no_secret_of_ours_is_in_what_is_told(okta: FakeOkta) -> None:
    proof = by_token(okta.url).prove_read_only()
    assert TOKEN not in repr(proof) + repr(by_token(okta.url).identity())
    assert "PRIVATE KEY" not in repr(connector(okta).identity()) + repr(connector(okta).prove_read_only())


def test_what_a_person_is_given_names_every_scope() -> None:
    from proofwatch.connectors.okta import OktaConnector
    from proofwatch.connectors.okta.settings import SCOPES

    steps, scopes = OktaConnector.documents()
    assert json.loads(scopes.text)["scopes"] == list(SCOPES)
    assert all(name in steps.text for name in SCOPES)
    wanted = {name for table in OktaConnector.tables().values() for name in table.permissions}
    assert wanted | {"okta.appGrants.read"} == set(SCOPES)
