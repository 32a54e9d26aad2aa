"""Subscriptions, who holds which role in them, what is recorded, and which alarms there are.

Roles are asked of Resource Manager and not of Resource Graph: its listing for a subscription also holds what
is given above it, at a management group or at the root, and an owner from above is an owner.
"""

from __future__ import annotations

from proofwatch.connectors.azure.graph import ANSWERS_FOR, PATH, READ, listed
from proofwatch.connectors.azure.tables.shared import resources
from proofwatch.connectors.rest.declare import Col, RestTable

_ACTIONS = "properties.permissions[]"

GOVERNANCE = (
    RestTable(
        name="azure_subscription",
        about="Subscriptions",
        path=PATH,
        resource="{parent_key}",
        service="subscription",
        reader=listed(ANSWERS_FOR),
        permission=READ,
        columns=(
            Col("id"),
            Col("name"),
            Col("subscription_id", path="subscriptionId"),
            Col("tenant_id", path="tenantId"),
            Col("state", path="properties.state"),
            Col("management_groups", "VARCHAR[]", path="properties.managementGroupAncestorsChain[].name"),
            Col("tags", "MAP(VARCHAR, VARCHAR)"),
        ),
        source="Resource Graph: resourcecontainers",
    ),
    RestTable(
        name="azure_role_assignment",
        about="Who holds a role in a subscription: given in it, above it, and below it",
        path="/subscriptions/{account}/providers/Microsoft.Authorization/roleAssignments",
        params={"api-version": "2022-04-01"},
        rows="value",
        resource="{id}",
        service="authorization",
        permission="Microsoft.Authorization/roleAssignments/read",
        columns=(
            Col("id"),
            Col("scope", path="properties.scope"),
            Col("role_definition_id", path="properties.roleDefinitionId"),
            Col("principal_id", path="properties.principalId"),
            Col("principal_type", about="User, Group, ServicePrincipal, …", path="properties.principalType"),
            Col("condition", path="properties.condition"),
            Col("created_at", "TIMESTAMPTZ", path="properties.createdOn"),
            Col("created_by", path="properties.createdBy"),
        ),
    ),
    RestTable(
        name="azure_role_definition",
        about="Roles of one's own that can be given in a subscription",
        path="/subscriptions/{account}/providers/Microsoft.Authorization/roleDefinitions",
        params={"api-version": "2022-04-01", "$filter": "type eq 'CustomRole'"},
        rows="value",
        resource="{id}",
        service="authorization",
        permission="Microsoft.Authorization/roleDefinitions/read",
        columns=(
            Col("id"),
            Col("role_name", path="properties.roleName"),
            Col("type", about="CustomRole", path="properties.type"),
            Col("description", path="properties.description"),
            Col("actions", "VARCHAR[]", path=f"{_ACTIONS}.actions[]"),
            Col("not_actions", "VARCHAR[]", path=f"{_ACTIONS}.notActions[]"),
            Col("data_actions", "VARCHAR[]", path=f"{_ACTIONS}.dataActions[]"),
            Col("assignable_scopes", "VARCHAR[]", path="properties.assignableScopes"),
        ),
    ),
    RestTable(
        name="azure_diagnostic_setting",
        about="Where the activity log of a subscription is sent",
        path="/subscriptions/{account}/providers/Microsoft.Insights/diagnosticSettings",
        params={"api-version": "2021-05-01-preview"},
        rows="value",
        resource="{id}",
        service="monitor",
        permission="Microsoft.Insights/diagnosticSettings/read",
        columns=(
            Col("id"),
            Col("name"),
            Col("workspace_id", path="properties.workspaceId"),
            Col("storage_account_id", path="properties.storageAccountId"),
            Col("event_hub_rule_id", path="properties.eventHubAuthorizationRuleId"),
            Col(
                "logs",
                "STRUCT(category VARCHAR, category_group VARCHAR, enabled BOOLEAN)[]",
                path="properties.logs",
            ),
        ),
    ),
    resources(
        "azure_activity_log_alert",
        "Alarms on the activity log",
        "microsoft.insights/activitylogalerts",
        (
            Col("enabled", "BOOLEAN", path="properties.enabled"),
            Col("scopes", "VARCHAR[]", path="properties.scopes"),
            Col("conditions", 'STRUCT(field VARCHAR, "equals" VARCHAR)[]', path="properties.condition.allOf"),
            Col("action_groups", "VARCHAR[]", path="properties.actions.actionGroups[].actionGroupId"),
        ),
        "monitor",
    ),
)
