"""Whatever goes wrong, a table is unread with the reason and never an empty one."""

from __future__ import annotations

import time

import pytest

from proofwatch.connectors.base import ConnectorError, Unread
from proofwatch.connectors.rest import api
from proofwatch.demo.fakes import okta_shapes as shapes
from proofwatch.demo.fakes.base import Asked, Said
from proofwatch.demo.fakes.okta import FakeOkta, refuse
from tests.connectors.okta.reading import by_token, connector, read

LATER = str(int(time.time()) + 5000)
PATHS = {
    "okta_user": "/api/v1/users", "okta_group": "/api/v1/groups", "okta_app": "/api/v1/apps",
    "okta_admin_assignment": "/api/v1/iam/assignees/users", "okta_policy": "/api/v1/policies",
    "okta_authenticator": "/api/v1/authenticators", "okta_network_zone": "/api/v1/zones",
    "okta_api_token": "/api/v1/api-tokens", "okta_log_event": "/api/v1/logs", "okta_log": "/api/v1/logs",
    "okta_threat_insight": "/api/v1/threats/configuration", "okta_org": "/api/v1/org",
    "okta_group_role": f"/api/v1/groups/{shapes.ident('00g', 'Help desk')}/roles",
    "okta_group_member": f"/api/v1/groups/{shapes.ident('00g', 'Help desk')}/users",
    "okta_app_assignment": f"/api/v1/apps/{shapes.ident('0oa', 'github')}/users",
    "okta_policy_rule": f"/api/v1/policies/{shapes.ident('00p', 'PASSWORD Default Policy')}/rules",
    "okta_user_factor": "/api/v1/users",
}  # fmt: skip


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.time, "sleep", lambda seconds: None)


@pytest.mark.parametrize(
    ("said", "code", "words", "permanent"),
    [
        (refuse(401, "E0000011", "Invalid token provided"), "401", "Invalid token provided", True),
        (refuse(403, "E0000006", "You do not have permission"), "403", "okta.users.read is needed", True),
        (refuse(404, "E0000007", "Not found"), "404", "Not found", True),
        (refuse(400, "E0000031", "Invalid search criteria."), "400", "Invalid search criteria", True),
        (refuse(422, "E0000001", "Api validation failed"), "422", "refuses the request", True),
        (Said({}, 429, {"Retry-After": "900"}), "429", "asks to wait 900 seconds", False),
        (Said({}, 429, {"X-Rate-Limit-Reset": LATER}), "429", "asks to wait", False),
        (refuse(500, "E0000009", "Internal Server Error"), "500", "failed with status 500", False),
        (Said(b'[{"id": "00u1", "sta', 200), "json", "no JSON", False),
        (Said({"users": []}, 200), "schema", "no list of objects", True),
        (Said([{"status": "ACTIVE"}], 200), "schema", "has no id", True),
        (Said(None, 302, {"Location": "https://evil.example/users"}), "host", "not the connection's", True),
        (Said([], 200, {"Link": '<https://evil.example>; rel="next"'}), "host", "the connection's", True),
        (Said([], 200, {"Link": '</api/v1/users?limit=200>; rel="next"'}), "loop", "read before", False),
    ],
)  # fmt: skip
def test_people_who_cannot_be_listed_are_unread(
    okta: FakeOkta, said: Said, code: str, words: str, permanent: bool
) -> None:
    made = by_token(okta.url)
    okta.broken["/api/v1/users"] = said
    with pytest.raises(Unread, match=words) as caught:
        read(made, "okta_user")
    assert (caught.value.code, caught.value.permanent) == (code, permanent)


@pytest.mark.parametrize("table", sorted(PATHS))
@pytest.mark.parametrize("status", [403, 500])
def test_each_table_is_unread_where_one_of_its_listings_fails(
    okta: FakeOkta, table: str, status: int
) -> None:
    okta.broken[PATHS[table]] = refuse(status, "E", "no")
    with pytest.raises(Unread) as caught:
        read(connector(okta), table)
    assert caught.value.code == str(status)


def test_a_page_that_fails_after_the_first_fails_the_table(okta: FakeOkta) -> None:
    plain = okta.answer

    def second_fails(asked: Asked) -> Said:
        return refuse(500, "E0000009", "no") if asked.query.get("after") == "3" else plain(asked)

    okta.answer = second_fails  # type: ignore[method-assign]
    with pytest.raises(Unread, match="500"):
        read(connector(okta), "okta_user")


def test_one_person_whose_factors_cannot_be_read_is_marked_and_the_others_are_read(okta: FakeOkta) -> None:
    ada = shapes.ident("00u", "ada")
    okta.broken[f"/api/v1/users/{ada}/factors"] = refuse(403, "E0000006", "no permission for this person")
    rows = {row["user_id"]: row for row in read(connector(okta), "okta_user_factor")}
    assert "no permission for this person" in rows[ada]["_unread"]["factors"]
    assert rows[ada]["factors"] is None
    assert [row["user_id"] for row in rows.values() if row["_unread"]] == [ada]


def test_one_administrator_whose_roles_cannot_be_read_fails_the_table(okta: FakeOkta) -> None:
    ada = shapes.ident("00u", "ada")
    okta.broken[f"/api/v1/users/{ada}/roles"] = refuse(403, "E0000006", "no")
    with pytest.raises(Unread, match=r"okta\.roles\.read is needed"):
        read(connector(okta), "okta_admin_assignment")
    with pytest.raises(Unread, match=r"okta\.roles\.read is needed"):
        read(connector(okta, factors="admins"), "okta_user_factor")


@pytest.mark.parametrize(
    ("table", "path"),
    [
        ("okta_admin_assignment", f"/api/v1/users/{shapes.ident('00u', 'ada')}/roles"),
        ("okta_app_assignment", f"/api/v1/apps/{shapes.ident('0oa', 'github')}/users"),
        ("okta_group_member", f"/api/v1/groups/{shapes.ident('00g', 'Help desk')}/users"),
    ],
)
def test_what_okta_says_is_not_there_is_not_taken_for_none(okta: FakeOkta, table: str, path: str) -> None:
    # An administrator of a part of the organisation is told so of all the rest.
    okta.broken[path] = refuse(404, "E0000007", "Not found: Resource not found")
    with pytest.raises(Unread, match="or that we may not see it"):
        read(connector(okta), table)


def test_support_that_cannot_be_asked_about_is_unknown_and_not_off(okta: FakeOkta) -> None:
    okta.broken["/api/v1/org/privacy/oktaSupport"] = refuse(403, "E0000006", "no")
    row = read(connector(okta), "okta_org")[0]
    assert row["support_access"] is None
    assert set(row["_unread"]) == {"support_access", "support_until"}


def test_a_log_without_any_event_is_not_a_log_that_could_not_be_read(okta: FakeOkta) -> None:
    okta.broken["/api/v1/logs"] = Said([])
    assert read(connector(okta), "okta_log")[0]["newest_event"] is None
    assert read(connector(okta), "okta_log_event") == []


def test_a_value_of_another_type_marks_its_column(okta: FakeOkta) -> None:
    okta.users[0]["lastLogin"] = "yesterday"
    row = read(connector(okta), "okta_user")[0]
    assert row["last_login"] is None
    assert "yesterday" in row["_unread"]["last_login"]


def test_a_credential_that_okta_does_not_take_any_more_leaves_the_table_unread(okta: FakeOkta) -> None:
    said = {"error": "invalid_client", "error_description": "Invalid value for 'client_id' parameter."}
    okta.broken["/oauth2/v1/token"] = Said(said, 401)
    with pytest.raises(Unread, match="Invalid value for 'client_id'") as caught:
        read(connector(okta), "okta_user")
    assert caught.value.code == "credential"
    with pytest.raises(ConnectorError, match="Invalid value for 'client_id'"):
        connector(okta).identity()


def test_a_demand_for_dpop_says_where_to_turn_it_off(okta: FakeOkta) -> None:
    said = {"error": "invalid_dpop_proof", "error_description": "The DPoP proof JWT header is missing."}
    okta.broken["/oauth2/v1/token"] = Said(said, 400)
    with pytest.raises(ConnectorError) as caught:
        connector(okta).identity()
    assert "Proof of possession" in caught.value.remedy


def test_a_token_that_was_revoked_meanwhile_is_had_again(okta: FakeOkta) -> None:
    made = connector(okta)
    assert len(read(made, "okta_authenticator")) == 5
    okta._tokens.clear()
    assert len(read(made, "okta_authenticator")) == 5


def test_the_proof_is_unknown_and_not_good_where_okta_does_not_answer(okta: FakeOkta) -> None:
    okta.broken["/api/v1/users/me"] = refuse(500, "E0000009", "no")
    proof = by_token(okta.url).prove_read_only()
    assert proof.read_only is None
    assert "500" in proof.reason
    assert by_token(okta.url).identity().principal == "API token of an unknown owner"
