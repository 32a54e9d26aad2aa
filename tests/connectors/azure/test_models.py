"""The fake's answers, and our queries, read by Microsoft's own models of Azure, from PyPI.

Nobody wrote a server of Resource Manager, and its description is in no registry. So this is the only judge of
the fake: that it says nothing which Microsoft's own clients would not know. That Azure says it is not proven.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from proofwatch.demo.fakes.azure_shapes import PRODUCTION
from tests import servers

PACKAGES = (
    "azure-mgmt-storage==25.3.0", "azure-mgmt-sql==4.0.0", "azure-mgmt-keyvault==14.1.0",
    "azure-mgmt-network==33.1.0", "azure-mgmt-compute==39.0.0", "azure-mgmt-web==11.0.1",
    "azure-mgmt-containerservice==41.8.0", "azure-mgmt-monitor==6.0.2", "azure-mgmt-security==7.0.0",
    "azure-mgmt-authorization==4.0.0", "azure-mgmt-resourcegraph==8.0.1",
    "azure-mgmt-resource-subscriptions==1.0.0",
)  # fmt: skip
OF_TYPE = {
    "microsoft.storage/storageaccounts": ("storage.models", "StorageAccount"),
    "microsoft.sql/servers": ("sql.models", "Server"),
    "microsoft.sql/servers/databases": ("sql.models", "Database"),
    "microsoft.keyvault/vaults": ("keyvault.models", "Vault"),
    "microsoft.network/networksecuritygroups": ("network.models", "NetworkSecurityGroup"),
    "microsoft.network/publicipaddresses": ("network.models", "PublicIPAddress"),
    "microsoft.compute/virtualmachines": ("compute.models", "VirtualMachine"),
    "microsoft.compute/disks": ("compute.models", "Disk"),
    "microsoft.web/sites": ("web.models", "Site"),
    "microsoft.containerservice/managedclusters": ("containerservice.models", "ManagedCluster"),
    "microsoft.insights/activitylogalerts": ("monitor.v2020_10_01.models", "ActivityLogAlertResource"),
    "microsoft.security/pricings": ("security.models", "Pricing"),
    "microsoft.security/assessments": ("security.models", "SecurityAssessmentResponse"),
}
OF_PATH = {
    "blobservices/default": ("storage.models", "BlobServiceProperties"),
    "administrators": ("sql.models", "ServerAzureADAdministrator"),
    "auditingsettings/default": ("sql.models", "ServerBlobAuditingPolicy"),
    "transparentdataencryption/current": ("sql.models", "LogicalDatabaseTransparentDataEncryption"),
    "config/web": ("web.models", "SiteConfigResource"),
}
OF_LIST = {
    "/Microsoft.Insights/diagnosticSettings": (
        "monitor.v2021_05_01_preview.models",
        "DiagnosticSettingsResource",
    ),
    "/Microsoft.Authorization/roleAssignments": ("authorization.v2022_04_01.models", "RoleAssignment"),
    "/Microsoft.Authorization/roleDefinitions": ("authorization.v2022_04_01.models", "RoleDefinition"),
}
GRAPHS_OWN = {"subscriptionId", "resourceGroup", "tenantId"}
"""Members that Resource Graph adds to what a resource itself says."""


@pytest.fixture(scope="module")
def judge():
    """Return a function that gives items to Microsoft's models and returns their problems."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--retries", "1", "--only-binary", ":all:"]
    folder = servers._once(
        "azure-models", lambda fresh: servers._run([*pip, "--target", str(fresh), *PACKAGES], fresh)
    )
    script = Path(__file__).with_name("microsofts_models.py")

    def ask(items):
        given = [[f"azure.mgmt.{module}", name, item] for (module, name), item in items]
        told = subprocess.run(
            [sys.executable, "-P", str(script)], input=json.dumps(given), capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": str(folder)}, timeout=120,
        )  # fmt: skip
        assert told.returncode == 0, told.stderr[-2000:]
        return json.loads(told.stdout)

    return ask


def plain(row):
    """Return a row of Resource Graph as the resource itself would answer, whose empty members are absent.

    Of what was assessed, Resource Graph writes `Source` and `Id`, and Defender itself `source` and `id`.
    """
    kept = {key: value for key, value in row.items() if key not in GRAPHS_OWN and value not in (None, "")}
    properties = kept["properties"]
    if "resourceDetails" in properties:
        details = {key.lower(): value for key, value in properties["resourceDetails"].items()}
        kept["properties"] = {**properties, "resourceDetails": details}
    return kept


def test_they_know_every_resource_of_the_fake(azure, judge):
    rows = azure.data.rows
    items = [(OF_TYPE[kind], plain(row)) for kind in OF_TYPE for row in rows[kind]]
    assert len(items) > 40
    assert judge(items) == []


def test_they_know_every_detail_of_the_fake(azure, judge):
    items = []
    for path, found in azure.data.details.items():
        names = [name for end, name in OF_PATH.items() if path.endswith(f"/{end}")]
        assert names or path.endswith("/firewallrules"), path
        items += [(names[0], item) for item in (found if isinstance(found, list) else [found]) if names]
    for path, name in OF_LIST.items():
        items += [(name, item) for item in azure.data.lists[path][PRODUCTION]]
    items += [(("authorization.v2022_04_01.models", "Permission"), item) for item in azure.permissions]
    items += [
        (("resource.subscriptions.models", "Subscription"), item)
        for item in azure.data.subscriptions.values()
    ]
    assert judge(items) == []


def test_they_know_what_we_ask_resource_graph_and_what_it_answers(azure, judge, read, monkeypatch):
    said = []
    answer = azure.answer

    def noting(asked):
        made = answer(asked)
        if asked.path.endswith("/resources"):
            said.append((asked.json(), made.body))
        return made

    monkeypatch.setattr(azure, "answer", noting)
    read("azure_network_security_group")
    assert len(said) >= 3 and any("$skipToken" in body for _, body in said)
    items = []
    for question, body in said:
        items.append((("resourcegraph.models", "QueryRequest"), question))
        # The models declare the rows as anything.
        items.append((("resourcegraph.models", "QueryResponse"), {**body, "data": []}))
    assert judge(items) == []


def test_a_member_that_does_not_exist_is_noticed(judge):
    wrong = {"properties": {"suportsHttpsTrafficOnly": True}}
    assert judge([(("storage.models", "StorageAccount"), wrong)])
    wrong = {"properties": {"principalid": "x"}}
    assert judge([(("authorization.v2022_04_01.models", "RoleAssignment"), wrong)])
