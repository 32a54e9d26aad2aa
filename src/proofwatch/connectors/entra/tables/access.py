"""Groups, roles of the directory, and who holds them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from proofwatch.connectors.base import Unread
from proofwatch.connectors.rest.collect import Place
from proofwatch.connectors.rest.declare import Col, Raw, RestTable

ROLES = "RoleManagement.Read.Directory"
GROUPS = "Group.Read.All"
_KIND = "#microsoft.graph."


def role_assignments(place: Place) -> Iterator[Raw]:
    """Yield who holds which role, and, where a group holds it, every member of the group, too.

    Groups that can hold roles hold no other groups, so one listing of each is enough.
    """
    roles = {role["id"]: role for role in place.rows("entra_directory_role") if "id" in role}
    known: dict[str, list[Raw]] = {}
    pages = place.pages("/roleManagement/directory/roleAssignments", ROLES, params={"$expand": "principal"})
    for page in pages:
        for item in _value(place, page.body):
            role = roles.get(item.get("roleDefinitionId"), {})
            principal = item.get("principal") or {}
            row = {**item, "principal": _short(principal), **_role(role)}
            yield {**row, "parent_kind": _kind(principal)}
            if _kind(principal) != "group":
                continue
            group = item.get("principalId")
            if not isinstance(group, str):
                raise _odd(place, "a role is held by a group without an id")
            if group not in known:
                listed = place.pages(f"/groups/{group}/members", GROUPS, params={"$top": 999})
                known[group] = [member for part in listed for member in _value(place, part.body)]
            for member in known[group]:
                if not isinstance(member.get("id"), str):
                    raise _odd(place, "a member of a group has no id")
                yield {
                    **row, "id": f"{item['id']}/{member['id']}", "principalId": member["id"],
                    "principal": _short(member), "parent_kind": _kind(member), "parent_group": group,
                }  # fmt: skip


def _role(role: Mapping[str, Any]) -> Raw:
    return {
        "parent_role": role.get("displayName"),
        "parent_template": role.get("templateId"),
        "parent_built_in": role.get("isBuiltIn"),
    }


def _kind(principal: Mapping[str, Any]) -> str | None:
    said = principal.get("@odata.type")
    return said.removeprefix(_KIND) if isinstance(said, str) else None


def _short(principal: Mapping[str, Any]) -> Raw:
    kept = ("@odata.type", "id", "displayName", "userPrincipalName", "appId", "mail")
    return {name: principal[name] for name in kept if name in principal}


def _value(place: Place, body: object) -> list[Raw]:
    found = body.get("value") if isinstance(body, dict) else None
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise _odd(place, "value is no list of objects")
    return found


def _odd(place: Place, what: str) -> Unread:
    problem = f"Microsoft Graph answered what it does not document: {what}"
    return Unread(f"reading role assignments of {place.account}", problem, "Try again.", code="schema")


ACCESS = (
    RestTable(
        name="entra_group",
        about="Groups, of Microsoft 365 and for security",
        path="/groups",
        params={
            "$select": "id,displayName,description,mail,mailEnabled,securityEnabled,groupTypes,visibility,"
            "isAssignableToRole,membershipRule,onPremisesSyncEnabled,createdDateTime,expirationDateTime",
            "$top": 999,
        },
        rows="value",
        resource="{id}",
        service="groups",
        permission=GROUPS,
        columns=(
            Col("id"),
            Col("display_name", path="displayName"),
            Col("mail"),
            Col("mail_enabled", "BOOLEAN", path="mailEnabled"),
            Col("security_enabled", "BOOLEAN", path="securityEnabled"),
            Col("group_types", "VARCHAR[]", "Unified is Microsoft 365", "groupTypes"),
            Col("visibility", about="Public, Private, HiddenMembership, or NULL"),
            Col("is_assignable_to_role", "BOOLEAN", path="isAssignableToRole"),
            Col("membership_rule", about="Of a group that fills itself", path="membershipRule"),
            Col("on_premises_sync_enabled", "BOOLEAN", path="onPremisesSyncEnabled"),
            Col("created_at", "TIMESTAMPTZ", path="createdDateTime"),
            Col("expires_at", "TIMESTAMPTZ", path="expirationDateTime"),
        ),
    ),
    RestTable(
        name="entra_directory_role",
        about="Roles of the directory, built in and own",
        path="/roleManagement/directory/roleDefinitions",
        rows="value",
        resource="{id}",
        service="roles",
        permission=ROLES,
        columns=(
            Col("id"),
            Col("template_id", about="The same in every tenant", path="templateId"),
            Col("display_name", path="displayName"),
            Col("is_built_in", "BOOLEAN", path="isBuiltIn"),
            Col("is_enabled", "BOOLEAN", path="isEnabled"),
            Col("allowed_actions", "VARCHAR[]", path="rolePermissions[].allowedResourceActions[]"),
        ),
    ),
    RestTable(
        name="entra_role_assignment",
        about="Who holds a role of the directory, directly or through a group; not who is only eligible",
        path="/roleManagement/directory/roleAssignments",
        resource="{id}",
        service="roles",
        reader=role_assignments,
        permission=ROLES,
        also=(GROUPS,),
        columns=(
            Col("id", about="Of the assignment; with a member of a group behind it"),
            Col("role_definition_id", path="roleDefinitionId"),
            Col("role_template_id", path="parent_template"),
            Col("role_name", path="parent_role"),
            Col("role_is_built_in", "BOOLEAN", path="parent_built_in"),
            Col("scope", about="/ is the whole tenant", path="directoryScopeId"),
            Col("principal_id", path="principalId"),
            Col("principal_kind", about="user, group or servicePrincipal", path="parent_kind"),
            Col("principal_name", path="principal.displayName"),
            Col("user_principal_name", path="principal.userPrincipalName"),
            Col("via_group", about="Id of the group through which it is held", path="parent_group"),
        ),
        source="GET /roleManagement/directory/roleAssignments",
    ),
)
