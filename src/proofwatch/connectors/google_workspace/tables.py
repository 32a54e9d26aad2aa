"""The tables of Google Workspace, over the Directory and Reports interfaces of the Admin SDK."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from proofwatch.connectors.google_workspace.access import (
    DOMAIN,
    GROUP,
    MEMBER,
    MOBILE,
    ORG_UNIT,
    REPORTS,
    ROLE,
    USER,
)
from proofwatch.connectors.rest.collect import Place, items_of
from proofwatch.connectors.rest.declare import Col, Raw, Reader, RestTable

BASE = "/admin/directory/v1"
PRIVATE = (
    "recoveryEmail", "recoveryPhone", "phones", "addresses", "relations", "locations", "ims", "gender",
    "notes", "posixAccounts", "sshPublicKeys", "keywords", "websites", "customSchemas",
)  # fmt: skip
"""What of a person no control asks for; it is not kept."""
EVENT = (
    Col("time", "TIMESTAMPTZ"),
    Col("actor_email", about="Who did it; NULL where Google names nobody"),
    Col("ip_address"),
    Col("event_type", about="Google's group of events"),
    Col("event_name", about="What happened, by Google's name"),
    Col("parameters", "MAP(VARCHAR, VARCHAR)", "Its parameters; lists stand with commas between"),
)


def events(application: str, days: str) -> Reader:
    """Return a reader of one application's activity: a row for each event of each activity."""

    def read(place: Place) -> Iterator[Raw]:
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=int(place.names[days]))
        params = {"startTime": start.isoformat().replace("+00:00", "Z"), "maxResults": 1000}
        path = f"/admin/reports/v1/activity/users/all/applications/{application}"
        declared = place.tables[f"google_workspace_{application}_event"]
        for page in place.pages(path, REPORTS, params=params):
            for item in items_of(declared, place, page):
                yield from _events(item)

    return read


def _events(item: Raw) -> Iterator[Raw]:
    known = item.get("id") or {}
    for number, event in enumerate(item.get("events") or []):
        yield {
            "resource": f"{known.get('time')}/{known.get('uniqueQualifier')}/{number}",
            "time": known.get("time"),
            "actor_email": (item.get("actor") or {}).get("email"),
            "ip_address": item.get("ipAddress"),
            "event_type": event.get("type"),
            "event_name": event.get("name"),
            "parameters": {
                str(part["name"]): _value(part) for part in event.get("parameters") or [] if "name" in part
            },
            "event": event,
            "actor": item.get("actor"),
        }


def _value(part: Raw) -> str | None:
    for name in ("value", "boolValue", "intValue"):
        found = part.get(name)
        if found is not None:
            return str(found).lower() if isinstance(found, bool) else str(found)
    many: list[Any] = part.get("multiValue") or part.get("multiIntValue") or []
    return ",".join(map(str, many)) if many else None


DIRECTORY = (
    RestTable(
        name="google_workspace_user",
        about="People of the customer, with their second factor and their rights as administrators.",
        path=f"{BASE}/users",
        params={"customer": "my_customer", "maxResults": 500, "orderBy": "email"},
        rows="users",
        omits_empty=True,
        resource="{primaryEmail}",
        permission=USER,
        drop=("etag", "thumbnailPhotoEtag", "thumbnailPhotoUrl", *PRIVATE),
        columns=(
            Col("id", about="Google's id, which stays when the address changes"),
            Col("primary_email", path="primaryEmail"),
            Col("full_name", path="name.fullName"),
            Col("is_admin", "BOOLEAN", "Whether they are super administrator", "isAdmin"),
            Col("is_delegated_admin", "BOOLEAN", "Whether they hold another role", "isDelegatedAdmin"),
            Col("is_enrolled_in_2sv", "BOOLEAN", "Whether they use 2-step verification", "isEnrolledIn2Sv"),
            Col("is_enforced_in_2sv", "BOOLEAN", "Whether they must use it", "isEnforcedIn2Sv"),
            Col("suspended", "BOOLEAN"),
            Col("suspension_reason", path="suspensionReason"),
            Col("archived", "BOOLEAN"),
            Col("is_guest_user", "BOOLEAN", path="isGuestUser"),
            Col("creation_time", "TIMESTAMPTZ", path="creationTime"),
            Col("last_login_time", "TIMESTAMPTZ", "1970 where they never signed in", "lastLoginTime"),
            Col("org_unit_path", path="orgUnitPath"),
            Col("change_password_at_next_login", "BOOLEAN", path="changePasswordAtNextLogin"),
            Col("ip_whitelisted", "BOOLEAN", "Whether their address is on the list", "ipWhitelisted"),
            Col("aliases", "VARCHAR[]"),
        ),
    ),
    RestTable(
        name="google_workspace_group",
        about="Groups of the customer.",
        shared=True,
        path=f"{BASE}/groups",
        params={"customer": "my_customer", "maxResults": 200},
        rows="groups",
        omits_empty=True,
        resource="{email}",
        permission=GROUP,
        drop=("etag",),
        columns=(
            Col("id"),
            Col("email"),
            Col("name"),
            Col("description"),
            Col("admin_created", "BOOLEAN", "Whether an administrator made it", "adminCreated"),
            Col("direct_members_count", "BIGINT", path="directMembersCount"),
            Col("aliases", "VARCHAR[]"),
        ),
    ),
    RestTable(
        name="google_workspace_group_member",
        about="Members of each group, as they were put in: one row for each group and member.",
        path=f"{BASE}/groups/{{id}}/members",
        params={"maxResults": 200},
        rows="members",
        omits_empty=True,
        resource="{parent_email}/{id}",
        parent="google_workspace_group",
        keep=("email", "id"),
        absent=(404,),
        permission=MEMBER,
        drop=("etag",),
        columns=(
            Col("id"),
            Col("email", about="NULL for the whole customer as a member"),
            Col("role", about="OWNER, MANAGER or MEMBER"),
            Col("type", about="USER, GROUP, CUSTOMER or EXTERNAL"),
            Col("status", about="ACTIVE or SUSPENDED, where Google tells"),
        ),
    ),
    RestTable(
        name="google_workspace_role",
        about="Roles of administrators, with their privileges.",
        path=f"{BASE}/customer/my_customer/roles",
        params={"maxResults": 100},
        rows="items",
        omits_empty=True,
        resource="{roleId}",
        permission=ROLE,
        drop=("etag",),
        columns=(
            Col("role_id", path="roleId"),
            Col("role_name", path="roleName"),
            Col("role_description", path="roleDescription"),
            Col("is_system_role", "BOOLEAN", path="isSystemRole"),
            Col("is_super_admin_role", "BOOLEAN", path="isSuperAdminRole"),
            Col("privileges", "VARCHAR[]", path="rolePrivileges[].privilegeName"),
        ),
    ),
    RestTable(
        name="google_workspace_role_assignment",
        about="Who holds which role.",
        path=f"{BASE}/customer/my_customer/roleassignments",
        params={"maxResults": 200},
        rows="items",
        omits_empty=True,
        resource="{roleAssignmentId}",
        permission=ROLE,
        drop=("etag",),
        columns=(
            Col("role_assignment_id", path="roleAssignmentId"),
            Col("role_id", path="roleId"),
            Col("assigned_to", about="Id of the person or group", path="assignedTo"),
            Col("assignee_type", about="user or group", path="assigneeType"),
            Col("scope_type", about="CUSTOMER, or ORG_UNIT", path="scopeType"),
            Col("org_unit_id", path="orgUnitId"),
            Col("condition"),
        ),
    ),
    RestTable(
        name="google_workspace_org_unit",
        about="Organisational units, to which settings are tied.",
        path=f"{BASE}/customer/my_customer/orgunits",
        params={"type": "all"},
        rows="organizationUnits",
        omits_empty=True,
        resource="{orgUnitPath}",
        permission=ORG_UNIT,
        drop=("etag",),
        columns=(
            Col("org_unit_id", path="orgUnitId"),
            Col("name"),
            Col("description"),
            Col("org_unit_path", path="orgUnitPath"),
            Col("parent_org_unit_path", path="parentOrgUnitPath"),
            Col("block_inheritance", "BOOLEAN", path="blockInheritance"),
        ),
    ),
    RestTable(
        name="google_workspace_domain",
        about="Domains of the customer.",
        path=f"{BASE}/customer/my_customer/domains",
        rows="domains",
        omits_empty=True,
        resource="{domainName}",
        permission=DOMAIN,
        drop=("etag",),
        columns=(
            Col("domain_name", path="domainName"),
            Col("is_primary", "BOOLEAN", path="isPrimary"),
            Col("verified", "BOOLEAN", "Whether it was shown that the domain is yours"),
            Col("domain_aliases", "VARCHAR[]", path="domainAliases[].domainAliasName"),
        ),
    ),
)
DEVICES = (
    RestTable(
        name="google_workspace_mobile_device",
        about="Mobile devices that work data was synchronised to.",
        service="devices",
        path=f"{BASE}/customer/my_customer/devices/mobile",
        params={"maxResults": 100, "projection": "FULL"},
        rows="mobiledevices",
        omits_empty=True,
        resource="{resourceId}",
        permission=MOBILE,
        drop=(
            "etag",
            "imei",
            "meid",
            "wifiMacAddress",
            "networkOperator",
            "otherAccountsInfo",
            "applications",
        ),
        columns=(
            Col("resource_id", path="resourceId"),
            Col("device_id", path="deviceId"),
            Col("emails", "VARCHAR[]", path="email"),
            Col("model"),
            Col("os", about="Operating system with its version"),
            Col("type", about="ANDROID, IOS_SYNC, …"),
            Col("status", about="APPROVED, BLOCKED, PENDING, WIPING, …"),
            Col("encryption_status", about="As the device says", path="encryptionStatus"),
            Col("device_password_status", about="As the device says", path="devicePasswordStatus"),
            Col("device_compromised_status", about="As the device says", path="deviceCompromisedStatus"),
            Col("first_sync", "TIMESTAMPTZ", path="firstSync"),
            Col("last_sync", "TIMESTAMPTZ", path="lastSync"),
            Col("security_patch_level", about="Milliseconds since 1970", path="securityPatchLevel"),
            Col("adb_status", "BOOLEAN", "Whether USB debugging is on", "adbStatus"),
        ),
    ),
)
REPORTS_TABLES = (
    RestTable(
        name="google_workspace_login_event",
        about="What happened at sign-in in the last days, as many as the settings say.",
        service="reports",
        path="/admin/reports/v1/activity/users/all/applications/login",
        rows="items",
        omits_empty=True,
        resource="{resource}",
        permission=REPORTS,
        reader=events("login", "login_days"),
        columns=EVENT,
        drop=("resource", "time", "parameters", "actor_email", "ip_address", "event_type", "event_name"),
    ),
    RestTable(
        name="google_workspace_admin_event",
        about="What administrators changed in the last days, as many as the settings say.",
        service="reports",
        path="/admin/reports/v1/activity/users/all/applications/admin",
        rows="items",
        omits_empty=True,
        resource="{resource}",
        permission=REPORTS,
        reader=events("admin", "admin_days"),
        columns=EVENT,
        drop=("resource", "time", "parameters", "actor_email", "ip_address", "event_type", "event_name"),
    ),
)
TABLES = (*DIRECTORY, *DEVICES, *REPORTS_TABLES)
