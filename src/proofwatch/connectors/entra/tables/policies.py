"""What the tenant demands: conditional access, security defaults, what users and guests may do."""

from __future__ import annotations

from proofwatch.connectors.rest.declare import Col, RestTable

POLICY = "Policy.Read.All"
_WHO = "conditions.users"
_WHAT = "conditions.applications"

POLICIES = (
    RestTable(
        name="entra_conditional_access_policy",
        about="Policies of conditional access, on, off, and only reported",
        path="/identity/conditionalAccess/policies",
        rows="value",
        resource="{id}",
        service="policies",
        permission=POLICY,
        columns=(
            Col("id"),
            Col("display_name", path="displayName"),
            Col("state", about="enabled, disabled, or enabledForReportingButNotEnforced"),
            Col("created_at", "TIMESTAMPTZ", path="createdDateTime"),
            Col("modified_at", "TIMESTAMPTZ", path="modifiedDateTime"),
            Col(
                "include_users",
                "VARCHAR[]",
                "All, None, GuestsOrExternalUsers, or ids",
                f"{_WHO}.includeUsers",
            ),
            Col("exclude_users", "VARCHAR[]", path=f"{_WHO}.excludeUsers"),
            Col("include_groups", "VARCHAR[]", path=f"{_WHO}.includeGroups"),
            Col("exclude_groups", "VARCHAR[]", path=f"{_WHO}.excludeGroups"),
            Col("include_roles", "VARCHAR[]", "Template ids", f"{_WHO}.includeRoles"),
            Col("exclude_roles", "VARCHAR[]", path=f"{_WHO}.excludeRoles"),
            Col("exclude_guests", "JSON", path=f"{_WHO}.excludeGuestsOrExternalUsers"),
            Col(
                "include_applications", "VARCHAR[]", "All, Office365, or ids", f"{_WHAT}.includeApplications"
            ),
            Col("exclude_applications", "VARCHAR[]", path=f"{_WHAT}.excludeApplications"),
            Col("application_filter", "JSON", path=f"{_WHAT}.applicationFilter"),
            Col("include_user_actions", "VARCHAR[]", path=f"{_WHAT}.includeUserActions"),
            Col("client_app_types", "VARCHAR[]", path="conditions.clientAppTypes"),
            Col("user_risk_levels", "VARCHAR[]", path="conditions.userRiskLevels"),
            Col("sign_in_risk_levels", "VARCHAR[]", path="conditions.signInRiskLevels"),
            Col("insider_risk_levels", path="conditions.insiderRiskLevels"),
            Col("platforms", "JSON", path="conditions.platforms"),
            Col("locations", "JSON", path="conditions.locations"),
            Col("devices", "JSON", path="conditions.devices"),
            Col("authentication_flows", "JSON", path="conditions.authenticationFlows"),
            Col("grant_operator", about="AND, or OR", path="grantControls.operator"),
            Col("grant_controls", "VARCHAR[]", "block, mfa, …", "grantControls.builtInControls"),
            Col("custom_controls", "VARCHAR[]", path="grantControls.customAuthenticationFactors"),
            Col("terms_of_use", "VARCHAR[]", path="grantControls.termsOfUse"),
            Col("authentication_strength", path="grantControls.authenticationStrength.displayName"),
            Col("session_controls", "JSON", path="sessionControls"),
        ),
    ),
    RestTable(
        name="entra_security_defaults",
        about="Whether Microsoft's security defaults are on",
        path="/policies/identitySecurityDefaultsEnforcementPolicy",
        resource="security-defaults",
        single=True,
        service="policies",
        permission=POLICY,
        columns=(Col("is_enabled", "BOOLEAN", path="isEnabled"),),
    ),
    RestTable(
        name="entra_authorization_policy",
        about="What ordinary users and guests may do",
        path="/policies/authorizationPolicy",
        resource="authorization-policy",
        single=True,
        service="policies",
        permission=POLICY,
        columns=(
            Col(
                "allow_invites_from",
                about="none, adminsAndGuestInviters, … everyone",
                path="allowInvitesFrom",
            ),
            Col(
                "guest_user_role_id",
                about="a0b1b346-… as members, 10dae51f-… limited, 2af84b1e-… restricted",
                path="guestUserRoleId",
            ),
            Col("users_can_create_apps", "BOOLEAN", path="defaultUserRolePermissions.allowedToCreateApps"),
            Col(
                "users_can_create_security_groups",
                "BOOLEAN",
                path="defaultUserRolePermissions.allowedToCreateSecurityGroups",
            ),
            Col(
                "users_can_create_tenants",
                "BOOLEAN",
                path="defaultUserRolePermissions.allowedToCreateTenants",
            ),
            Col(
                "users_can_read_others", "BOOLEAN", path="defaultUserRolePermissions.allowedToReadOtherUsers"
            ),
            Col(
                "consent_policies",
                "VARCHAR[]",
                "By which users may consent to applications",
                "defaultUserRolePermissions.permissionGrantPoliciesAssigned",
            ),
            Col("self_service_password_reset", "BOOLEAN", "Of administrators", "allowedToUseSSPR"),
            Col("email_verified_users_can_join", "BOOLEAN", path="allowEmailVerifiedUsersToJoinOrganization"),
            Col("block_msol_powershell", "BOOLEAN", path="blockMsolPowerShell"),
        ),
    ),
)
