"""What cannot be read is unread, with the reason and the permission: never an empty table."""

import pytest

from proofwatch.connectors.base import ReadStats, Unread
from proofwatch.demo.fakes.base import Said

DENIED = {"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges."}}


def refused(read, table="entra_group"):
    with pytest.raises(Unread) as raised:
        read(table)
    return raised.value


def test_a_missing_permission_is_named(read, entra):
    entra.broken["/v1.0/groups"] = Said(DENIED, 403)
    error = refused(read)
    assert (error.code, error.permission) == ("403", "Group.Read.All")
    assert "Insufficient privileges." in error.problem


@pytest.mark.parametrize("table", ["entra_sign_in", "entra_user_registration"])
def test_a_missing_licence_is_told_from_a_missing_permission(read, entra, table):
    entra.premium = False
    error = refused(read, table)
    assert "no licence" in error.problem and error.permission == ""


def test_a_token_that_is_refused_is_asked_for_once_more(read, entra):
    entra.broken["/v1.0/groups"] = Said({"error": {"code": "InvalidAuthenticationToken"}}, 401)
    assert refused(read).code == "401"
    assert sum(asked.path.endswith("/token") for asked in entra.asked) == 2


@pytest.mark.parametrize("status", [400, 404, 422])
def test_other_refusals_are_final(read, entra, status):
    entra.broken["/v1.0/groups"] = Said({"error": {"code": "BadRequest", "message": "odd"}}, status)
    assert "odd" in refused(read).problem


def test_throttling_waits_as_long_as_it_is_asked_to(read, entra, impatient):
    entra.broken["/v1.0/groups"] = Said({"error": {"code": "TooManyRequests"}}, 429, {"Retry-After": "7"})
    stats = ReadStats()
    with pytest.raises(Unread) as raised:
        read("entra_group", stats)
    assert (raised.value.code, raised.value.permanent) == ("429", False)
    assert stats.throttled == 4 and all(7 <= wait < 8 for wait in impatient)


def test_a_server_that_fails_is_asked_again(read, entra, impatient):
    entra.broken["/v1.0/groups"] = Said({"error": {"code": "ServiceNotAvailable"}}, 503)
    assert refused(read).permanent is False and len(impatient) == 3


@pytest.mark.parametrize(
    "body", [b'{"value": [{"id": "1"}, {"i', {"values": []}, {"value": {"id": "1"}}, {"value": ["x"]}, []]
)
@pytest.mark.parametrize("table", ["entra_group", "entra_user", "entra_role_assignment"])
def test_half_a_page_and_another_shape_are_no_table(read, entra, body, table):
    path = {
        "entra_group": "/groups", "entra_user": "/users",
        "entra_role_assignment": "/roleManagement/directory/roleAssignments",
    }[table]  # fmt: skip
    entra.broken[f"/v1.0{path}"] = Said(body)
    assert refused(read, table).code in ("json", "schema")


@pytest.mark.parametrize("table", ["entra_group", "entra_user"])
def test_a_next_page_on_another_host_is_not_asked_for(read, entra, table):
    page = {"value": [{"id": "1"}], "@odata.nextLink": "https://evil.example/v1.0/groups?$skiptoken=2"}
    path = "/v1.0/groups" if table == "entra_group" else "/v1.0/users"
    entra.broken[path] = Said(page)
    error = refused(read, table)
    assert error.code == "host" and "evil.example" in error.problem


def test_a_redirect_to_another_host_is_not_followed(read, entra):
    entra.broken["/v1.0/groups"] = Said(None, 302, {"Location": "https://evil.example/"})
    assert refused(read).code == "host"


def test_a_second_page_that_fails_fails_the_table(read, entra):
    # The first page of users comes from the licence's path; the second is broken off.
    page = {"value": [{"id": "1"}], "@odata.nextLink": f"{entra.url}/v1.0/half"}
    entra.broken["/v1.0/users"] = Said(page)
    entra.broken["/v1.0/half"] = Said(DENIED, 403)
    assert refused(read, "entra_user").code == "403"


def test_members_that_cannot_be_read_fail_the_assignments(read, entra):
    group = next(iter(entra.data.members))
    entra.broken[f"/v1.0/groups/{group}/members"] = Said(DENIED, 403)
    error = refused(read, "entra_role_assignment")
    assert error.permission == "Group.Read.All"
