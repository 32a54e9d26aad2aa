"""The whole connector over HTTP: who it is, what it may, and every row of every table."""

import pytest

from proofwatch.connectors.base import ReadStats
from proofwatch.connectors.entra import EntraConnector
from proofwatch.connectors.entra.access import GRAPH_APP, is_read
from proofwatch.connectors.entra.documents import IDS
from proofwatch.demo.fakes.base import Said
from proofwatch.demo.fakes.entra import PERMISSIONS
from proofwatch.demo.fakes.entra_shapes import GLOBAL_ADMIN, SECURITY_GROUP
from proofwatch.demo.fakes.microsoft_login import CLIENT, OBJECT, TENANT, guid

ROWS = {
    "entra_organization": 1, "entra_domain": 2, "entra_user": 10, "entra_user_registration": 10,
    "entra_sign_in": 7, "entra_device": 7, "entra_group": 4, "entra_directory_role": 4,
    "entra_role_assignment": 5, "entra_conditional_access_policy": 4, "entra_security_defaults": 1,
    "entra_authorization_policy": 1, "entra_application": 4, "entra_service_principal": 4,
}  # fmt: skip


def test_every_table_yields_its_rows_over_all_pages(connected):
    connector, found = connected(), {}
    for shard in connector.shards(connector.scope(), list(connector.tables())):
        for name in shard.tables:
            stats = ReadStats()
            rows = list(connector.read(shard, name, stats))
            assert len({row["resource"] for row in rows}) == len(rows), name
            assert {row["account_id"] for row in rows} == {TENANT}
            assert not any(row["_unread"] for row in rows), name
            found[name] = len(rows)
            if len(rows) > 3:
                assert stats.pages > 1, f"{name}: no second page was read"
    assert found == ROWS


def test_it_says_who_it_is_and_when_its_secret_ends(connected, entra):
    identity = connected().identity()
    assert (identity.account_id, identity.principal) == (TENANT, "application proofwatch")
    assert identity.details["credential_expires_at"] == entra.data.ago(-160)
    assert identity.details["kind"] == "client secret"


def test_of_secrets_that_begin_alike_the_first_end_counts(connected, entra):
    first = entra.data.own["passwordCredentials"][0]
    entra.data.own["passwordCredentials"] = [
        first, {**first, "endDateTime": entra.data.ago(-10)}, {**first, "hint": "xyz", "endDateTime": "2020"}
    ]  # fmt: skip
    assert connected().identity().details["credential_expires_at"] == entra.data.ago(-10)


def test_without_its_own_application_it_is_silent_about_the_end(connected, entra):
    entra.broken[f"/v1.0/applications(appId='{CLIENT}')"] = Said({"error": {"code": "x"}}, 403)
    identity = connected().identity()
    assert identity.principal == f"application {CLIENT}"
    assert "credential_expires_at" not in identity.details


def test_it_proves_that_it_only_reads(connected):
    proof = connected().prove_read_only()
    assert proof.read_only is True and proof.writes == ()
    assert proof.evidence["roles"] == list(PERMISSIONS)


def test_a_permission_that_writes_is_named(connected, entra):
    entra.granted = ("User.Read.All", "User.ReadWrite.All", "Mail.Send")
    proof = connected().prove_read_only()
    assert proof.read_only is False and proof.writes == ("Mail.Send", "User.ReadWrite.All")


def test_a_role_of_the_directory_is_a_write_too(connected, entra):
    entra.data.lists["/roleManagement/directory/roleAssignments"].append(
        {"id": "x", "roleDefinitionId": GLOBAL_ADMIN, "principalId": OBJECT, "directoryScopeId": "/"}
    )
    proof = connected().prove_read_only()
    assert proof.read_only is False and proof.writes == (f"directory role {GLOBAL_ADMIN}",)


def test_what_cannot_be_told_is_not_called_read_only(connected, entra):
    refused = Said({"error": {"code": "Authorization_RequestDenied", "message": "no"}}, 403)
    entra.broken["/v1.0/roleManagement/directory/roleAssignments"] = refused
    proof = connected().prove_read_only()
    assert proof.read_only is None and "role of the directory is unknown" in proof.reason
    entra.granted = ("User.ReadWrite.All",)
    assert connected().prove_read_only().read_only is False


def test_where_the_token_tells_nothing_graph_is_asked(connected, entra, monkeypatch):
    monkeypatch.setattr("proofwatch.connectors.microsoft.claims_of", lambda token: {})
    graph = {"appId": GRAPH_APP, "appRoles": [{"id": OBJECT, "value": "User.ReadWrite.All"}]}
    entra.broken[f"/v1.0/servicePrincipals/{guid(404)}"] = Said(graph)
    proof = connected().prove_read_only()
    assert proof.read_only is False and proof.writes == ("Microsoft Graph: User.ReadWrite.All",)


def test_what_it_may_do_at_another_interface_is_a_write_too(connected, entra):
    exchange = {"appId": guid(7), "appRoles": [{"id": "r1", "value": "full_access_as_app"}]}
    entra.broken[f"/v1.0/servicePrincipals/{guid(8)}"] = Said(exchange)
    held = entra.data.lists[f"/servicePrincipals/{OBJECT}/appRoleAssignments"]
    held.append({"appRoleId": "r1", "resourceDisplayName": "Exchange Online", "resourceId": guid(8)})
    proof = connected().prove_read_only()
    assert proof.read_only is False and proof.writes == ("Exchange Online: full_access_as_app",)
    entra.broken[f"/v1.0/servicePrincipals/{OBJECT}/appRoleAssignments"] = Said({}, 403)
    proof = connected().prove_read_only()
    assert proof.read_only is None and "app roles it holds is unknown" in proof.reason


def test_a_missing_licence_is_no_missing_permission(connected, entra):
    entra.premium = False
    (found,) = connected().permissions(["entra_sign_in"])
    assert found.allowed is None and "no licence" in found.how


def test_without_the_permission_users_are_read_and_it_is_named(read, entra, monkeypatch):
    answer = entra.answer

    def deny(asked):
        if "signInActivity" in asked.query.get("$select", ""):
            return Said({"error": {"code": "Authorization_RequestDenied", "message": "no"}}, 403)
        return answer(asked)

    monkeypatch.setattr(entra, "answer", deny)
    rows = read("entra_user")
    assert len(rows) == ROWS["entra_user"]
    assert all("AuditLog.Read.All is needed" in row["_unread"]["last_activity"] for row in rows)


@pytest.mark.parametrize(
    ("permission", "reads"),
    [
        ("User.Read.All", True), ("User.ReadBasic.All", True), ("RoleManagement.Read.Directory", True),
        ("User.ReadWrite.All", False), ("Mail.Send", False), ("Sites.FullControl.All", False),
        ("TeamsAppInstallation.ReadWriteSelfForChat.All", False), ("Reading", False),
        ("Application.ReadUpdate.All", False), ("Mail.ReadBasic", True),
    ],
)  # fmt: skip
def test_a_permission_reads_by_its_name(permission, reads):
    assert is_read(permission) is reads


def test_every_permission_is_tried(connected, entra):
    names = list(EntraConnector.tables())
    assert {item.name: item.allowed for item in connected().permissions(names)} == dict.fromkeys(
        sorted(PERMISSIONS), True
    )
    entra.broken["/v1.0/devices"] = Said({"error": {"code": "Authorization_RequestDenied"}}, 403)
    allowed = {item.name: item.allowed for item in connected().permissions(names)}
    assert allowed.pop("Device.Read.All") is False and all(allowed.values())


def test_the_documents_ask_for_what_the_tables_need_and_nothing_else():
    needed = {name for table in EntraConnector.tables().values() for name in table.permissions}
    assert needed == set(PERMISSIONS) == set(IDS)
    steps, manifest = EntraConnector.documents()
    assert all(name in steps.text for name in needed) and all(IDS[name] in manifest.text for name in needed)
    assert all(map(is_read, needed))


def test_the_scope_is_the_tenant(connected, entra):
    (place,) = connected().scope().places
    assert (place.account_id, place.account_name, place.gap) == (TENANT, "Acme Robotics", "")
    entra.broken["/v1.0/organization"] = Said({}, 403)
    (place,) = connected().scope().places
    assert (place.account_id, place.account_name) == (TENANT, "")


def test_a_group_that_holds_a_role_gives_it_to_its_members(read):
    rows = {row["resource"]: row for row in read("entra_role_assignment")}
    group = next(row for row in rows.values() if row["principal_kind"] == "group")
    member = next(row for row in rows.values() if row["via_group"])
    assert group["principal_id"] == member["via_group"] == SECURITY_GROUP
    assert member["user_principal_name"] == "katherine@acme-robotics.example"
    assert member["role_name"] == group["role_name"] == "Security Administrator"
    assert member["resource"] == f"{group['resource']}/{member['principal_id']}"


def test_the_last_sign_in_is_the_later_of_the_two(read, entra):
    rows = {row["user_principal_name"]: row for row in read("entra_user")}
    ada = rows["ada@acme-robotics.example"]
    assert ada["last_activity"] == max(ada["last_sign_in"], ada["last_non_interactive_sign_in"])
    guest = next(row for row in rows.values() if row["user_type"] == "Guest")
    assert guest["last_activity"] is None and guest["_unread"] is None


def test_without_a_licence_users_are_read_and_their_last_sign_in_is_unread(read, entra):
    entra.premium = False
    rows = read("entra_user")
    assert len(rows) == ROWS["entra_user"]
    for row in rows:
        assert "no licence" in row["_unread"]["last_activity"] and row["last_activity"] is None
        assert set(row["_unread"]) == {"last_sign_in", "last_non_interactive_sign_in", "last_activity"}


def test_what_was_switched_off_is_not_asked_for(connected, entra):
    connector = connected(sign_in_activity=False, sign_ins=False, registration_details=False)
    shards = connector.shards(connector.scope(), list(connector.tables()))
    assert {"entra_sign_in", "entra_user_registration"}.isdisjoint(t for s in shards for t in s.tables)
    (shard,) = connector.shards(connector.scope(), ["entra_user"])
    rows = list(connector.read(shard, "entra_user", ReadStats()))
    assert all("switched off" in row["_unread"]["last_activity"] for row in rows)
    assert not any("signInActivity" in asked.query.get("$select", "") for asked in entra.asked)


def test_sign_ins_of_the_last_day_are_asked_for(read, entra):
    read("entra_sign_in")
    asked = next(asked for asked in entra.asked if asked.path.endswith("/signIns"))
    assert asked.query["$filter"].startswith("createdDateTime ge 20")


def test_the_token_is_asked_for_once(connected, entra):
    connector = connected()
    for shard in connector.shards(connector.scope(), list(connector.tables())):
        for name in shard.tables:
            list(connector.read(shard, name, ReadStats()))
    assert sum(asked.path.endswith("/token") for asked in entra.asked) == 1
