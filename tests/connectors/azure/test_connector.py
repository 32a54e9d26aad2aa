"""The whole connector over HTTP: who it is, what it may, what there is, and every row of every table."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from proofwatch.connectors.azure import AzureConnector
from proofwatch.connectors.base import EVERY, ConnectorError, ReadStats
from proofwatch.connectors.microsoft import moment
from proofwatch.demo.fakes.azure_shapes import DEVELOPMENT, PRODUCTION, SANDBOX
from proofwatch.demo.fakes.base import Said
from proofwatch.demo.fakes.microsoft_login import CLIENT, OBJECT, TENANT, guid

ROWS = {
    "azure_subscription": (1, 1), "azure_storage_account": (3, 1), "azure_sql_server": (1, 0),
    "azure_sql_database": (3, 0), "azure_key_vault": (1, 1), "azure_network_security_group": (3, 0),
    "azure_public_ip": (2, 0), "azure_virtual_machine": (2, 0), "azure_disk": (2, 0),
    "azure_web_app": (1, 1), "azure_kubernetes_cluster": (1, 0), "azure_diagnostic_setting": (1, 1),
    "azure_activity_log_alert": (10, 10), "azure_role_assignment": (3, 3), "azure_role_definition": (1, 1),
    "azure_defender_plan": (7, 7), "azure_security_assessment": (2, 2), "azure_policy_state": (1, 1),
}  # fmt: skip


def every_row(connector):
    found = {}
    for shard in connector.shards(connector.scope(), list(connector.tables())):
        for name in shard.tables:
            found.setdefault(name, {})[shard.account_id] = list(connector.read(shard, name, ReadStats()))
    return found


def test_every_table_yields_its_rows_in_every_subscription(connected):
    found = every_row(connected())
    counts = {
        name: tuple(len(rows[key]) for key in (PRODUCTION, DEVELOPMENT)) for name, rows in found.items()
    }
    assert counts == ROWS
    for name, places in found.items():
        for account, rows in places.items():
            assert {row["account_id"] for row in rows} <= {account}
            assert len({row["resource"] for row in rows}) == len(rows), name
            assert not any(row["_unread"] for row in rows), name


def test_one_listing_serves_all_subscriptions(connected, azure):
    every_row(connected())
    queries = [asked.json()["query"] for asked in azure.asked if asked.path.endswith("/resources")]
    first = [asked for asked in azure.asked if asked.path.endswith("/resources")
             and "$skipToken" not in asked.json()["options"]]  # fmt: skip
    # 15 tables come from Resource Graph; only the sums of Azure Policy are asked for one by one.
    assert len(set(queries)) == 15 and len(first) == 16
    assert len(queries) > 16, "no second page was asked for"
    alone = [asked for asked in first if len(asked.json()["subscriptions"]) == 1]
    assert len(alone) == 2 and all("policystates" in asked.json()["query"] for asked in alone)


def test_a_resource_is_named_the_same_in_any_case(read, azure):
    row = azure.data.rows["microsoft.keyvault/vaults"][0]
    before = read("azure_key_vault")[0]["resource"]
    row["id"] = row["id"].upper()
    assert read("azure_key_vault")[0]["resource"] == before == row["id"].lower()


def test_second_calls_fill_what_no_list_tells(read):
    account = next(row for row in read("azure_storage_account") if row["name"] == "acmebackups")
    assert (account["blob_soft_delete"], account["blob_soft_delete_days"]) == (True, 30)
    (server,) = read("azure_sql_server")
    assert (server["entra_administrators"], server["entra_only"]) == (["Role: databases"], [True])
    assert (server["auditing_state"], server["firewall_rules"]) == ("Enabled", [])
    states = {row["name"]: row["encryption_state"] for row in read("azure_sql_database")}
    assert states == {"master": "Disabled", "billing": "Enabled", "fleet": "Enabled"}
    (app,) = read("azure_web_app")
    assert (app["minimum_tls_version"], app["ftps_state"]) == ("1.2", "Disabled")


def test_rules_are_typed(read):
    group = next(row for row in read("azure_network_security_group") if row["name"] == "jump-nsg")
    (rule,) = group["rules"]
    assert rule["properties"]["destination_port_range"] == "3389"
    assert rule["properties"]["priority"] == 100


def test_a_role_from_above_is_read_in_each_subscription(read):
    for account in (PRODUCTION, DEVELOPMENT):
        scopes = {row["scope"] for row in read("azure_role_assignment", account=account)}
        assert f"/subscriptions/{account}" in scopes
        assert any(scope.startswith("/providers/Microsoft.Management/") for scope in scopes)


def test_it_says_who_it_is(connected):
    identity = connected().identity()
    assert (identity.account_id, identity.principal) == (TENANT, f"application {CLIENT}")
    assert identity.details["subscriptions"] == "2" and identity.details["kind"] == "client secret"
    assert "credential_expires_at" not in identity.details


def test_a_certificate_tells_its_own_end(connected, tmp_path):
    key, now = rsa.generate_private_key(65537, 2048), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "proofwatch")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=30)).sign(key, SHA256())
    )  # fmt: skip
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "own.pem").write_bytes(pem + made.public_bytes(Encoding.PEM))
    connector = connected(client_secret=None, client_certificate=f"file:{tmp_path / 'own.pem'}")
    assert connector.identity().details["credential_expires_at"] == moment(made.not_valid_after_utc)


def test_it_proves_that_it_only_reads(connected):
    proof = connected().prove_read_only()
    assert proof.read_only is True and set(proof.evidence["permissions"]) == {PRODUCTION, DEVELOPMENT}


@pytest.mark.parametrize(
    ("held", "write"),
    [
        ({"actions": ["*"], "notActions": ["Microsoft.Authorization/*/write"]}, "*"),
        ({"actions": ["*/read", "Microsoft.Compute/virtualMachines/restart/action"]}, "restart/action"),
        ({"actions": ["*/read"], "dataActions": ["Microsoft.Storage/x/blobs/write"]}, "blobs/write"),
    ],
)
def test_whatever_does_more_than_read_is_a_write(connected, azure, held, write):
    azure.permissions.append(held)
    proof = connected().prove_read_only()
    assert proof.read_only is False and len(proof.writes) == 2
    assert all(item.endswith(write) for item in proof.writes)


def assigned(azure, scope, role):
    """Give us a role somewhere in production."""
    listed = azure.data.lists["/Microsoft.Authorization/roleAssignments"][PRODUCTION]
    known = {**listed[0]["properties"], "principalId": OBJECT, "scope": scope, "roleDefinitionId": role}
    listed.append({**listed[0], "id": f"{scope}/providers/x", "properties": known})


def test_a_role_on_one_resource_group_that_writes_is_seen(connected, azure):
    group = f"/subscriptions/{PRODUCTION}/resourceGroups/billing"
    role = f"/subscriptions/{PRODUCTION}/providers/Microsoft.Authorization/roleDefinitions/{guid(99)}"
    assigned(azure, f"/subscriptions/{PRODUCTION}", role)
    assert connected().prove_read_only().read_only is True, "the subscription's own permissions tell of it"
    assigned(azure, group, role)
    proof = connected().prove_read_only()
    assert proof.read_only is None and "no such thing" in proof.reason
    held = {"actions": ["*/read", "Microsoft.Web/sites/write"], "notActions": [], "dataActions": []}
    azure.data.details[role.lower()] = {"id": role, "properties": {"permissions": [held]}}
    proof = connected().prove_read_only()
    assert (proof.read_only, proof.writes) == (False, (f"{group}: Microsoft.Web/sites/write",))
    azure.data.details[role.lower()] = {"id": role, "properties": {}}
    assert connected().prove_read_only().read_only is None


def test_what_cannot_be_told_is_not_called_read_only(connected, azure):
    path = f"/subscriptions/{DEVELOPMENT}/providers/Microsoft.Authorization/permissions"
    azure.broken[path] = Said({"error": {"code": "AuthorizationFailed", "message": "no"}}, 403)
    proof = connected().prove_read_only()
    assert proof.read_only is None and DEVELOPMENT in proof.reason
    azure.permissions.append({"actions": ["*"]})
    assert connected().prove_read_only().read_only is False


def places(connector):
    return {place.account_id: place for place in connector.scope().places}


def test_a_subscription_without_a_role_is_a_gap(connected):
    found = places(connected())
    assert found[PRODUCTION].gap == found[DEVELOPMENT].gap == ""
    assert "Reader" in found[SANDBOX].gap and found[SANDBOX].account_name == "sandbox"
    assert connected().scope().unknown == ()


def test_what_was_chosen_and_left_out_stays_visible(connected):
    left = [{"id": DEVELOPMENT.upper(), "reason": "no customer data"}]
    found = places(connected(exclude_subscriptions=left))
    assert found[DEVELOPMENT].gap == "no customer data" and not found[DEVELOPMENT].wanted
    found = places(connected(subscriptions=f"{PRODUCTION}, {SANDBOX}"))
    assert found[DEVELOPMENT].gap == "it was not chosen in the settings"
    assert found[SANDBOX].wanted and found[PRODUCTION].gap == ""


def test_a_subscription_that_is_switched_off_is_a_gap(connected, azure):
    azure.data.subscriptions[DEVELOPMENT]["state"] = "Disabled"
    assert places(connected())[DEVELOPMENT].gap == "its state is Disabled"


def test_without_the_root_it_says_that_others_may_exist(connected, azure):
    azure.root = False
    scope = connected().scope()
    assert {place.account_id for place in scope.places} == {PRODUCTION, DEVELOPMENT}
    assert "root management group" in scope.unknown[0]


def test_where_nothing_can_be_listed_nothing_is_guessed(connected, azure):
    azure.broken["/subscriptions"] = Said({"error": {"code": "AuthorizationFailed"}}, 403)
    assert connected().scope().unlisted == (EVERY,)
    scope = connected(subscriptions=[PRODUCTION]).scope()
    assert [place.account_id for place in scope.places] == [PRODUCTION] and scope.unknown


def test_every_permission_is_tried(connected):
    found = connected().permissions(list(AzureConnector.tables()))
    assert {item.account_id for item in found} == {PRODUCTION, DEVELOPMENT}
    assert all(item.allowed for item in found)


def test_the_steps_ask_for_reader_only():
    (steps,) = AzureConnector.documents()
    assert "--role Reader" in steps.text and "--role Contributor" not in steps.text


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"subscriptions": "production"}, "no id of the form"),
        ({"exclude_subscriptions": [{"id": guid(1), "reason": ""}]}, "reason"),
        ({"exclude_subscriptions": [{"id": "x", "reason": "because"}]}, "no id of the form"),
        ({"management_url": "http://management.example"}, "not encrypted"),
        ({"subscription": guid(1)}, "did you mean subscriptions"),
    ],
)
def test_settings_are_refused_in_words(azure, more, words):
    with pytest.raises(ConnectorError, match=words):
        AzureConnector.parse_settings({**azure.settings(), **more})
