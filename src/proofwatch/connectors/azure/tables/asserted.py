"""What Microsoft's own services say of the subscriptions: Defender for Cloud and Azure Policy.

These are their verdicts and not ours. They are kept as they were said, and judged as said by them.
"""

from __future__ import annotations

from proofwatch.connectors.azure.graph import PATH, READ, listed, of_type
from proofwatch.connectors.rest.declare import Col, RestTable

_SECURITY = "id, name, type, subscriptionId, resourceGroup"
POLICY = (
    "policyresources | where type =~ 'microsoft.policyinsights/policystates' "
    "| extend state = tostring(properties.complianceState), "
    "assignment = tostring(properties.policyAssignmentId), "
    "definition = tostring(properties.policyDefinitionId), "
    "reference = tostring(properties.policyDefinitionReferenceId), found = tostring(properties.resourceId) "
    "effect = tostring(properties.policyDefinitionAction), "
    "assignmentName = tostring(properties.policyAssignmentName), "
    "definitionName = tostring(properties.policyDefinitionName) "
    "| summarize compliant = sum(iff(state =~ 'Compliant', 1, 0)), "
    "noncompliant = sum(iff(state =~ 'NonCompliant', 1, 0)), exempt = sum(iff(state =~ 'Exempt', 1, 0)), "
    "total = count(), examples = make_set(iff(state =~ 'NonCompliant', found, ''), 20) "
    "by subscriptionId, assignment, definition, reference, effect, assignmentName, definitionName "
    "| extend other = total - compliant - noncompliant - exempt, "
    "id = strcat(subscriptionId, '|', assignment, '|', definition, '|', reference, '|', effect) "
    "| order by id asc"
)
"""One row for each policy of an assignment: the states themselves are as many as resources times policies."""

ASSERTED = (
    RestTable(
        name="azure_defender_plan",
        about="Plans of Defender for Cloud",
        path=PATH,
        resource="{parent_key}",
        service="security",
        reader=listed(of_type("microsoft.security/pricings", "securityresources", project=_SECURITY)),
        permission=READ,
        columns=(
            Col("id"),
            Col("name"),
            Col("tier", about="Standard is on, Free is off", path="properties.pricingTier"),
            Col("sub_plan", path="properties.subPlan"),
            Col("deprecated", "BOOLEAN", path="properties.deprecated"),
        ),
        source="Resource Graph: securityresources of type microsoft.security/pricings",
    ),
    RestTable(
        name="azure_security_assessment",
        about="What Defender for Cloud says of each resource",
        path=PATH,
        resource="{parent_key}",
        service="security",
        reader=listed(of_type("microsoft.security/assessments", "securityresources", project=_SECURITY)),
        permission=READ,
        columns=(
            Col("id"),
            Col("assessment", about="The same in every subscription", path="name"),
            Col("display_name", path="properties.displayName"),
            Col("status", about="Healthy, Unhealthy, NotApplicable", path="properties.status.code"),
            Col("cause", path="properties.status.cause"),
            Col("description", path="properties.status.description"),
            Col("assessed_resource", "JSON", "Where it is and which", "properties.resourceDetails"),
            Col("severity", about="High, Medium, Low", path="properties.metadata.severity"),
            Col("categories", "VARCHAR[]", path="properties.metadata.categories"),
        ),
        source="Resource Graph: securityresources of type microsoft.security/assessments",
    ),
    RestTable(
        name="azure_policy_state",
        about="What Azure Policy says: how many resources comply with each policy of each assignment",
        path=PATH,
        resource="{parent_key}",
        service="policy",
        reader=listed(POLICY, alone=True),
        permission=READ,
        columns=(
            Col("assignment"),
            Col("assignment_name", path="assignmentName"),
            Col("definition"),
            Col("definition_name", path="definitionName"),
            Col("reference", about="Of the policy in its initiative"),
            Col("effect", about="audit, deny, …"),
            Col("compliant", "BIGINT"),
            Col("noncompliant", "BIGINT"),
            Col("exempt", "BIGINT"),
            Col("other", "BIGINT", "Unknown, Conflict, Protected, …"),
            Col("examples", "VARCHAR[]", "Some that do not comply; empty text stands for the others"),
        ),
        source="Resource Graph: policyresources of type microsoft.policyinsights/policystates",
    ),
)
