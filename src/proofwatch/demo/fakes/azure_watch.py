"""Who watches over the simulated company's subscriptions, and who may do what. All of it is DEMO DATA."""

from __future__ import annotations

from proofwatch.demo.fakes.azure_shapes import DEVELOPMENT, PRODUCTION, ROOT, Cloud, Item
from proofwatch.demo.fakes.microsoft_login import OBJECT, guid

OWNER, READER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "acdd72a7-3385-48ef-bd42-f606fba81ae7"
WATCHED = (
    "Microsoft.Authorization/policyAssignments/write", "Microsoft.Authorization/policyAssignments/delete",
    "Microsoft.Network/networkSecurityGroups/write", "Microsoft.Network/networkSecurityGroups/delete",
    "Microsoft.Security/securitySolutions/write", "Microsoft.Security/securitySolutions/delete",
    "Microsoft.Sql/servers/firewallRules/write", "Microsoft.Sql/servers/firewallRules/delete",
    "Microsoft.Network/publicIPAddresses/write", "Microsoft.Network/publicIPAddresses/delete",
)  # fmt: skip
PLANS = ("VirtualMachines", "SqlServers", "AppServices", "StorageAccounts", "Containers", "KeyVaults", "Arm")


def watch(cloud: Cloud) -> None:
    """Add all of it."""
    both = (PRODUCTION, DEVELOPMENT)
    watching(cloud)
    access = "/Microsoft.Authorization"
    cloud.lists[f"{access}/roleAssignments"] = {where: assignments(cloud, where) for where in both}
    cloud.lists[f"{access}/roleDefinitions"] = {where: [custom_role(where)] for where in both}
    cloud.lists["/Microsoft.Insights/diagnosticSettings"] = {where: [diagnostics(where)] for where in both}


def watching(cloud: Cloud) -> None:
    """Add alarms, and what Defender and Azure Policy say."""
    for where in (PRODUCTION, DEVELOPMENT):
        here = f"/subscriptions/{where}"
        for operation in WATCHED:
            cloud.add(
                "Microsoft.Insights/activityLogAlerts", operation.replace("/", "-").lower(),
                {
                    "enabled": True, "scopes": [f"/subscriptions/{where}"],
                    "condition": {
                        "allOf": [
                            {"field": "category", "equals": "Administrative"},
                            {"field": "operationName", "equals": operation},
                        ]
                    },
                    "actions": {"actionGroups": [{"actionGroupId": f"{here}/actionGroups/oncall"}]},
                },
                where, location="global",
            )  # fmt: skip
        for plan in PLANS:
            off = where == PRODUCTION and plan == "KeyVaults"
            _security(cloud, where, "pricings", plan, {"pricingTier": "Free" if off else "Standard"})
        for name, status in (("a1", "Healthy"), ("a2", "NotApplicable")):
            _security(
                cloud, where, "assessments", guid(int(name[1]) + 40),
                {
                    "displayName": "Machines should be patched", "status": {"code": status},
                    "resourceDetails": {"Source": "Azure", "Id": f"/subscriptions/{where}/vm"},
                    "metadata": {"severity": "High", "categories": ["Compute"]},
                },
            )  # fmt: skip
        cloud.rows.setdefault("microsoft.policyinsights/policystates", []).append(
            {
                "id": f"{where}|baseline|tls|1", "subscriptionId": where, "assignment": "baseline",
                "assignmentName": "Acme baseline", "definition": "tls",
                "definitionName": "TLS 1.2 everywhere",
                "reference": "1", "effect": "audit", "compliant": 12, "noncompliant": 0, "exempt": 0,
                "other": 0,
                "examples": [],
            }
        )  # fmt: skip


def _security(cloud: Cloud, where: str, kind: str, name: str, properties: Item) -> None:
    cloud.rows.setdefault(f"microsoft.security/{kind}", []).append(
        {
            "id": f"/subscriptions/{where}/providers/Microsoft.Security/{kind}/{name}", "name": name,
            "type": f"microsoft.security/{kind}", "subscriptionId": where, "resourceGroup": "",
            "properties": properties,
        }
    )  # fmt: skip


def assignments(cloud: Cloud, where: str) -> list[Item]:
    """Return who holds a role in a subscription."""
    here = f"/subscriptions/{where}"
    return [
        _assignment(cloud, where, 1, here, OWNER, guid(61), "Group"),
        _assignment(cloud, where, 2, ROOT, OWNER, guid(62), "User"),
        _assignment(cloud, where, 3, ROOT, READER, OBJECT, "ServicePrincipal"),
    ]


def _assignment(cloud: Cloud, where: str, number: int, scope: str, role: str, who: str, kind: str) -> Item:
    access = f"/subscriptions/{where}/providers/Microsoft.Authorization"
    named = f"{where[:8]}-0000-4000-8000-{number:012x}"
    return {
        "id": f"{scope}/providers/Microsoft.Authorization/roleAssignments/{named}", "name": named,
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {
            "roleDefinitionId": f"{access}/roleDefinitions/{role}",
            "principalId": who, "principalType": kind, "scope": scope, "condition": None,
            "createdOn": cloud.ago(400), "updatedOn": cloud.ago(400), "createdBy": guid(62),
            "updatedBy": guid(62),
        },
    }  # fmt: skip


def custom_role(where: str) -> Item:
    """Return a role of the company's own."""
    number = f"/subscriptions/{where}/providers/Microsoft.Authorization/roleDefinitions/{guid(70)}"
    held = {
        "actions": ["Microsoft.Compute/virtualMachines/restart/action", "*/read"], "notActions": [],
        "dataActions": [], "notDataActions": [],
    }  # fmt: skip
    return {
        "id": number, "name": guid(70), "type": "Microsoft.Authorization/roleDefinitions",
        "properties": {
            "roleName": "Machine restarter", "type": "CustomRole", "description": "Restarts machines.",
            "permissions": [held], "assignableScopes": [f"/subscriptions/{where}"],
        },
    }  # fmt: skip


def diagnostics(where: str) -> Item:
    """Return where the activity log of a subscription is sent."""
    categories = ("Administrative", "Security", "ServiceHealth", "Alert", "Recommendation", "Policy")
    return {
        "id": f"subscriptions/{where}/providers/microsoft.insights/diagnosticSettings/all", "name": "all",
        "type": "Microsoft.Insights/diagnosticSettings",
        "properties": {
            "workspaceId": f"/subscriptions/{where}/workspaces/logs", "storageAccountId": None,
            "eventHubAuthorizationRuleId": None, "metrics": [],
            "logs": [{"category": name, "categoryGroup": None, "enabled": True} for name in categories],
        },
    }  # fmt: skip
