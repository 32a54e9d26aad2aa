"""What the checks say of the simulated company: its faults, and nothing else."""

from proofwatch.demo.fakes.azure_shapes import DEVELOPMENT, PRODUCTION
from proofwatch.demo.fakes.azure_watch import OWNER
from proofwatch.demo.fakes.microsoft_login import guid
from tests.connectors.verdicts import catalog_of, failing, verdicts

FAULTS = {
    "azure.defender.plan-on": ["keyvaults"],
    "azure.keyvault.purge-protection": ["acme-dev-vault"],
    "azure.network.rdp-not-open": ["jump-nsg"],
    "azure.storage.no-public-blobs": ["acmelegacy"],
    "azure.storage.tls-1-2": ["acmelegacy"],
}


def names(fails):
    return {check: [resource.rpartition("/")[2] for resource in found] for check, found in fails.items()}


def test_the_faults_are_found_and_nothing_else(connected, tmp_path):
    connector = connected()
    found = verdicts(connector, tmp_path)
    assert set(found) == set(catalog_of(type(connector)).checks)
    assert names(failing(found)) == FAULTS
    assert not any("inconclusive" in status for status in found.values())


def test_worse_clouds_are_told_from_better_ones(connected, azure, tmp_path):
    data = azure.data
    lists = data.lists["/Microsoft.Authorization/roleAssignments"][PRODUCTION]
    for number in (1, 2):
        given = {**lists[0], "id": f"{lists[0]['id']}{number}"}
        given["properties"] = {**lists[0]["properties"], "principalId": guid(number)}
        lists.append(given)
    # Who owns only a group of resources owns no subscription.
    lists.append({"id": "below", "properties": {
        "scope": f"/subscriptions/{PRODUCTION}/resourceGroups/x", "principalId": guid(9),
        "principalType": "User",
        "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{OWNER}",
    }})  # fmt: skip
    setting = data.lists["/Microsoft.Insights/diagnosticSettings"][DEVELOPMENT][0]
    setting["properties"]["logs"][0]["enabled"] = False
    alerts = data.rows["microsoft.insights/activitylogalerts"]
    alerts[0]["properties"]["enabled"] = False
    rule = data.rows["microsoft.network/networksecuritygroups"][2]["properties"]["securityRules"][0][
        "properties"
    ]
    rule |= {"sourceAddressPrefix": "", "sourceAddressPrefixes": ["10.0.0.0/8", "0.0.0.0/0"], "protocol": "*"}
    rule |= {"destinationPortRange": "", "destinationPortRanges": ["20-30", "8000-9999"]}
    data.rows["microsoft.policyinsights/policystates"][0] |= {"noncompliant": 2, "examples": ["", "/a"]}
    more = names(failing(verdicts(connected(), tmp_path)))
    assert {check: found for check, found in more.items() if check not in FAULTS} == {
        "azure.subscription.owners-few": [PRODUCTION],
        "azure.subscription.activity-log-kept": [DEVELOPMENT],
        "azure.monitor.alarm-policy-assignments": [PRODUCTION],
        "azure.network.ssh-not-open": ["db-nsg"],
        "azure.network.not-all-ports-open": ["db-nsg"],
        "azure.policy.compliant": [f"{PRODUCTION}|baseline|tls|1"],
    }


def test_a_subscription_that_is_not_seen_passes_nothing(connected, azure, tmp_path):
    azure.unseen = {DEVELOPMENT}
    found = verdicts(connected(), tmp_path)
    vaults = found["azure.keyvault.rbac"]
    assert set(vaults) == {"pass"} and all(PRODUCTION in resource for resource in vaults["pass"])
    assert "acme-dev-vault" not in str(found)
