"""Applications of the tenant with their credentials, and those of others that may do something in it."""

from __future__ import annotations

from proofwatch.connectors.rest.declare import Col, RestTable

APPLICATION = "Application.Read.All"
CREDENTIAL = (
    "STRUCT(key_id VARCHAR, display_name VARCHAR, start_date_time TIMESTAMPTZ, end_date_time TIMESTAMPTZ)[]"
)
KEY = (
    "STRUCT(key_id VARCHAR, display_name VARCHAR, type VARCHAR, usage VARCHAR, start_date_time TIMESTAMPTZ, "
    "end_date_time TIMESTAMPTZ)[]"
)

APPLICATIONS = (
    RestTable(
        name="entra_application",
        about="Applications that are registered in the tenant",
        path="/applications",
        params={
            "$select": "id,appId,displayName,createdDateTime,signInAudience,publisherDomain,"
            "passwordCredentials,keyCredentials,requiredResourceAccess,verifiedPublisher",
            "$top": 999,
        },
        rows="value",
        resource="{appId}",
        service="applications",
        permission=APPLICATION,
        columns=(
            Col("id"),
            Col("app_id", path="appId"),
            Col("display_name", path="displayName"),
            Col("created_at", "TIMESTAMPTZ", path="createdDateTime"),
            Col("sign_in_audience", about="AzureADMyOrg is this tenant alone", path="signInAudience"),
            Col("publisher_domain", path="publisherDomain"),
            Col("secrets", CREDENTIAL, path="passwordCredentials"),
            Col("certificates", KEY, path="keyCredentials"),
            Col("required_access", "JSON", path="requiredResourceAccess"),
        ),
    ),
    RestTable(
        name="entra_service_principal",
        about="What applications, own ones and those of others, are in the tenant",
        path="/servicePrincipals",
        params={
            "$select": "id,appId,displayName,accountEnabled,servicePrincipalType,appOwnerOrganizationId,"
            "appRoleAssignmentRequired,signInAudience,verifiedPublisher,passwordCredentials,keyCredentials,"
            "tags,disabledByMicrosoftStatus",
            "$top": 999,
        },
        rows="value",
        resource="{id}",
        service="applications",
        permission=APPLICATION,
        columns=(
            Col("id"),
            Col("app_id", path="appId"),
            Col("display_name", path="displayName"),
            Col("account_enabled", "BOOLEAN", path="accountEnabled"),
            Col("type", about="Application, ManagedIdentity, Legacy, …", path="servicePrincipalType"),
            Col("owner_tenant_id", about="Of the application", path="appOwnerOrganizationId"),
            Col(
                "assignment_required",
                "BOOLEAN",
                "Only who was assigned may use it",
                "appRoleAssignmentRequired",
            ),
            Col("verified_publisher", path="verifiedPublisher.displayName"),
            Col("secrets", CREDENTIAL, path="passwordCredentials"),
            Col("certificates", KEY, path="keyCredentials"),
            Col("tags", "VARCHAR[]"),
            Col("disabled_by_microsoft", path="disabledByMicrosoftStatus"),
        ),
    ),
)
