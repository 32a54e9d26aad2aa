"""The tenant, its domains, users, their second factors and sign-ins, and its devices."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from proofwatch.connectors.base import Unread
from proofwatch.connectors.rest.collect import Place
from proofwatch.connectors.rest.declare import Col, Raw, RestTable

USER_MEMBERS = (
    "id", "userPrincipalName", "displayName", "mail", "accountEnabled", "userType", "createdDateTime",
    "creationType", "externalUserState", "externalUserStateChangeDateTime", "employeeId", "employeeType",
    "employeeHireDate", "department", "jobTitle", "companyName", "lastPasswordChangeDateTime",
    "passwordPolicies", "onPremisesSyncEnabled", "usageLocation",
)  # fmt: skip
ACTIVITY = ("lastSignInDateTime", "lastNonInteractiveSignInDateTime")
LAST_SIGN_IN = ("last_sign_in", "last_non_interactive_sign_in", "last_activity")
NOT_ASKED = "reading it was switched off in the settings (sign_in_activity)"
MOST_USERS, MOST_WITH_ACTIVITY = 999, 500
"""Users that one page may hold, without and with the time of their last sign-in."""
AUDIT_LOG = "AuditLog.Read.All"


def users(place: Place) -> Iterator[Raw]:
    """Yield every user, with the time of the last sign-in where the licence and the permissions allow it.

    Graph refuses the whole page where they do not. Then the users are read without it, and every row says
    so: the last sign-in is unread, which is not the same as never.
    """
    if not place.names["sign_in_activity"]:
        yield from _without_activity(place, NOT_ASKED)
        return
    asked = _asked("signInActivity", most=MOST_WITH_ACTIVITY)
    pages = place.pages("/users", f"User.Read.All with {AUDIT_LOG}", params=asked)
    try:
        first = next(pages, None)
    except Unread as error:
        if error.code not in ("403", "licence"):
            raise
        yield from _without_activity(place, " ".join(error.problem.split()))
        return
    if first is None:
        return
    for page in chain((first,), pages):
        for item in _items(place, page.body):
            activity = item.get("signInActivity") or {}
            times = [str(activity[name]) for name in ACTIVITY if activity.get(name)]
            yield {**item, "parent_activity": max(times, default=None)}


def _without_activity(place: Place, why: str) -> Iterator[Raw]:
    for page in place.pages("/users", "User.Read.All", params=_asked(most=MOST_USERS)):
        for item in _items(place, page.body):
            yield {**item, "_unread": dict.fromkeys(LAST_SIGN_IN, why)}


def _asked(*more: str, most: int) -> Raw:
    return {"$select": ",".join((*USER_MEMBERS, *more)), "$top": most}


def _items(place: Place, body: object) -> list[Raw]:
    found = body.get("value") if isinstance(body, dict) else None
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        problem = "Microsoft Graph answered what it does not document: value is no list of objects"
        raise Unread(f"reading users of {place.account}", problem, "Try again.", code="schema")
    return found


PEOPLE = (
    RestTable(
        name="entra_organization",
        about="The tenant itself",
        path="/organization",
        rows="value",
        resource="{id}",
        service="directory",
        permission="Organization.Read.All",
        columns=(
            Col("id"),
            Col("display_name", path="displayName"),
            Col("tenant_type", about="AAD, or AAD B2C", path="tenantType"),
            Col("created_at", "TIMESTAMPTZ", path="createdDateTime"),
            Col("country", path="countryLetterCode"),
            Col("on_premises_sync_enabled", "BOOLEAN", "NULL where it never was", "onPremisesSyncEnabled"),
            Col("verified_domains", "VARCHAR[]", path="verifiedDomains[].name"),
            Col("technical_notification_mails", "VARCHAR[]", path="technicalNotificationMails"),
            Col(
                "security_notification_mails",
                "VARCHAR[]",
                "Who is written to about security and compliance",
                "securityComplianceNotificationMails",
            ),
            Col("services", "VARCHAR[]", "Of the plans that were bought", "assignedPlans[].service"),
        ),
        drop=("onPremisesLastSyncDateTime",),
    ),
    RestTable(
        name="entra_domain",
        about="Domains of the tenant",
        path="/domains",
        rows="value",
        resource="{id}",
        service="directory",
        permission="Domain.Read.All",
        columns=(
            Col("id", about="Its name"),
            Col("authentication_type", about="Managed, or Federated", path="authenticationType"),
            Col("is_default", "BOOLEAN", path="isDefault"),
            Col("is_verified", "BOOLEAN", path="isVerified"),
            Col("is_admin_managed", "BOOLEAN", path="isAdminManaged"),
            Col(
                "password_validity_days",
                "BIGINT",
                "2147483647 where passwords do not end",
                "passwordValidityPeriodInDays",
            ),
            Col("supported_services", "VARCHAR[]", path="supportedServices"),
        ),
    ),
    RestTable(
        name="entra_user",
        about="Users, members and guests, enabled and disabled",
        path="/users",
        resource="{id}",
        service="users",
        reader=users,
        permission="User.Read.All",
        also=(AUDIT_LOG,),
        columns=(
            Col("id"),
            Col("user_principal_name", path="userPrincipalName"),
            Col("display_name", path="displayName"),
            Col("mail"),
            Col("account_enabled", "BOOLEAN", path="accountEnabled"),
            Col("user_type", about="Member, or Guest", path="userType"),
            Col("created_at", "TIMESTAMPTZ", path="createdDateTime"),
            Col("creation_type", about="Invitation, … or NULL", path="creationType"),
            Col("external_user_state", about="Accepted, or PendingAcceptance", path="externalUserState"),
            Col("external_user_state_at", "TIMESTAMPTZ", path="externalUserStateChangeDateTime"),
            Col("employee_id", path="employeeId"),
            Col("employee_type", path="employeeType"),
            Col("employee_hired_at", "TIMESTAMPTZ", path="employeeHireDate"),
            Col("department"),
            Col("job_title", path="jobTitle"),
            Col("company_name", path="companyName"),
            Col("password_changed_at", "TIMESTAMPTZ", path="lastPasswordChangeDateTime"),
            Col("password_policies", path="passwordPolicies"),
            Col("on_premises_sync_enabled", "BOOLEAN", path="onPremisesSyncEnabled"),
            Col("last_sign_in", "TIMESTAMPTZ", "Interactive", "signInActivity.lastSignInDateTime"),
            Col(
                "last_non_interactive_sign_in",
                "TIMESTAMPTZ",
                "By an application for the user",
                "signInActivity.lastNonInteractiveSignInDateTime",
            ),
            Col("last_activity", "TIMESTAMPTZ", "The later of the two; NULL where never", "parent_activity"),
        ),
        source="GET /users",
    ),
    RestTable(
        name="entra_user_registration",
        about="Which second factors each user has registered",
        path="/reports/authenticationMethods/userRegistrationDetails",
        rows="value",
        resource="{id}",
        service="reports",
        permission=AUDIT_LOG,
        columns=(
            Col("id", about="Of the user"),
            Col("user_principal_name", path="userPrincipalName"),
            Col("user_display_name", path="userDisplayName"),
            Col("user_type", about="member, or guest", path="userType"),
            Col("is_admin", "BOOLEAN", "Whether the user holds a role of the directory", "isAdmin"),
            Col("is_mfa_registered", "BOOLEAN", path="isMfaRegistered"),
            Col("is_mfa_capable", "BOOLEAN", "Registered, and allowed by policy", "isMfaCapable"),
            Col("is_passwordless_capable", "BOOLEAN", path="isPasswordlessCapable"),
            Col("is_sspr_registered", "BOOLEAN", path="isSsprRegistered"),
            Col("is_sspr_enabled", "BOOLEAN", path="isSsprEnabled"),
            Col("methods_registered", "VARCHAR[]", path="methodsRegistered"),
            Col("preferred_method", path="userPreferredMethodForSecondaryAuthentication"),
        ),
        drop=("lastUpdatedDateTime",),
    ),
    RestTable(
        name="entra_sign_in",
        about="Interactive sign-ins of the last day",
        path="/auditLogs/signIns",
        params={"$filter": "createdDateTime ge {since}", "$top": 1000},
        rows="value",
        resource="{id}",
        service="reports",
        permission=AUDIT_LOG,
        columns=(
            Col("id"),
            Col("created_at", "TIMESTAMPTZ", path="createdDateTime"),
            Col("user_id", path="userId"),
            Col("user_principal_name", path="userPrincipalName"),
            Col("app_display_name", path="appDisplayName"),
            Col("app_id", path="appId"),
            Col("client_app_used", about="Browser, IMAP4, …", path="clientAppUsed"),
            Col("conditional_access_status", path="conditionalAccessStatus"),
            Col("error_code", "BIGINT", "0 for a success", "status.errorCode"),
            Col("failure_reason", path="status.failureReason"),
            Col("is_interactive", "BOOLEAN", path="isInteractive"),
            Col("ip_address", path="ipAddress"),
            Col("country", path="location.countryOrRegion"),
            Col("risk_level", about="During the sign-in; hidden without P2", path="riskLevelDuringSignIn"),
            Col("risk_state", path="riskState"),
            Col("device_is_compliant", "BOOLEAN", path="deviceDetail.isCompliant"),
        ),
    ),
    RestTable(
        name="entra_device",
        about="Devices that are registered or joined",
        path="/devices",
        params={
            "$select": "id,deviceId,displayName,accountEnabled,operatingSystem,operatingSystemVersion,"
            "isCompliant,isManaged,trustType,profileType,registrationDateTime,approximateLastSignInDateTime",
            "$top": 999,
        },
        rows="value",
        resource="{id}",
        service="directory",
        permission="Device.Read.All",
        columns=(
            Col("id"),
            Col("device_id", path="deviceId"),
            Col("display_name", path="displayName"),
            Col("account_enabled", "BOOLEAN", path="accountEnabled"),
            Col("operating_system", path="operatingSystem"),
            Col("operating_system_version", path="operatingSystemVersion"),
            Col("is_managed", "BOOLEAN", "By a device management; NULL where none said so", "isManaged"),
            Col("is_compliant", "BOOLEAN", "With its policies; NULL where none said so", "isCompliant"),
            Col("trust_type", about="Workplace, AzureAd, or ServerAd", path="trustType"),
            Col("registered_at", "TIMESTAMPTZ", path="registrationDateTime"),
            Col("last_sign_in", "TIMESTAMPTZ", "About", "approximateLastSignInDateTime"),
        ),
    ),
)
