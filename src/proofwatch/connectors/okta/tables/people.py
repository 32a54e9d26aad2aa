"""People, groups, who administers, and their second factors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proofwatch.connectors.naming import dig
from proofwatch.connectors.okta.walk import each, listed, of_one, once
from proofwatch.connectors.ondisk import NamesOnDisk
from proofwatch.connectors.rest.collect import Place, path_of
from proofwatch.connectors.rest.declare import Call, Col, Raw, RestTable

USERS, GROUPS, ROLES = "okta.users.read", "okta.groups.read", "okta.roles.read"
GONE = "DEPROVISIONED"
PAGE = 200
"""Users or groups in a page: what Okta recommends, and for users the most it gives."""


def read_users(place: Place) -> Iterator[Raw]:
    """Yield every user. Okta leaves the deactivated out of its list, so they are listed by themselves."""
    seen = NamesOnDisk()
    for params in ({}, {"filter": f'status eq "{GONE}"'}):
        for user in listed(place, "/api/v1/users", USERS, limit=PAGE, **params):
            # Who was deactivated between the two lists stands in both.
            if seen.add(str(user.get("id"))):
                yield user


def read_groups(place: Place) -> Iterator[Raw]:
    """Yield every group, with whether it has an admin role."""
    yield from once(place, "groups", lambda: map(_group, _all_groups(place)))


def _all_groups(place: Place) -> Iterator[Raw]:
    return listed(place, "/api/v1/groups", GROUPS, limit=PAGE, expand="stats")


def _group(item: Raw) -> Raw:
    stats = dig(item, "_embedded.stats")
    if not isinstance(stats, dict):
        return item
    # Okta's description spells it without the second i.
    return {**item, "admin": stats.get("hasAdminPrivilege", stats.get("hasAdminPrivlege"))}


def _with_roles(place: Place) -> list[Raw]:
    """Return the groups that have admin roles, each with these under `roles`."""
    return once(place, "groups with roles", lambda: _ask_roles(place))


def _ask_roles(place: Place) -> Iterator[Raw]:
    # Where Okta does not say whether a group has a role, the group is asked.
    asked = (group for group in read_groups(place) if group.get("admin") is not False)
    for group, roles in each(asked, lambda group: _of(place, "/api/v1/groups/{id}/roles", ROLES, group)):
        if roles:
            yield {**group, "roles": roles}


def _of(place: Place, path: str, permission: str, thing: Raw, **params: Any) -> list[Raw]:
    return of_one(place, path_of(path, thing), permission, **params)


def read_group_roles(place: Place) -> Iterator[Raw]:
    """Yield every admin role of every group."""
    for group in _with_roles(place):
        for role in group["roles"]:
            yield {**role, "group_id": group["id"], "group_name": dig(group, "profile.name")}


def read_members(place: Place) -> Iterator[Raw]:
    """Yield the members of groups with admin roles, or of all groups where the settings say so."""
    if place.names["group_members"] == "all":
        yield from _members(place, read_groups(place))
    else:
        yield from _by_role(place)


def _by_role(place: Place) -> list[Raw]:
    """Return the members of groups that have admin roles."""
    return once(place, "members with roles", lambda: _members(place, iter(_with_roles(place))))


def _members(place: Place, groups: Iterator[Raw]) -> Iterator[Raw]:
    def ask(group: Raw) -> list[Raw]:
        return _of(place, "/api/v1/groups/{id}/users", GROUPS, group, limit=PAGE)

    for group, members in each(groups, ask):
        for user in members:
            yield {**user, "group_id": group["id"], "group_name": dig(group, "profile.name")}


def read_admins(place: Place) -> Iterator[Raw]:
    """Yield every admin role of every user, their own and those of their groups."""
    yield from once(place, "admins", lambda: _admins(place))


def _admins(place: Place) -> Iterator[Raw]:
    known: dict[str, Raw] = {}
    for item in listed(place, "/api/v1/iam/assignees/users", ROLES, "value", limit=100):
        known.setdefault(str(item.get("id")), {"id": item.get("id")})
    for member in _by_role(place):
        known.setdefault(str(member.get("id")), {"id": member.get("id")})
    asked = each(known.values(), lambda user: _of(place, "/api/v1/users/{id}/roles", ROLES, user))
    for user, roles in asked:
        # An old id is the role's name in other letters: the same for a person's own role and a group's.
        keyed = {f"{role.get('assignmentType') or 'USER'}:{role.get('id')}": role for role in roles}
        for key, role in keyed.items():
            yield {**role, "user_id": user["id"], "key": key}


def read_enrolled(place: Place) -> Iterator[Raw]:
    """Yield whom we ask about second factors: who has an admin role, or everybody who may sign in."""
    if place.names["factors"] == "all":
        for user in read_users(place):
            if user.get("status") not in (GONE, "STAGED"):
                yield {"id": user["id"], "status": user.get("status"), "login": dig(user, "profile.login")}
        return
    yield from ({"id": user} for user in dict.fromkeys(role["user_id"] for role in read_admins(place)))


FACTOR = "STRUCT(id VARCHAR, factor_type VARCHAR, provider VARCHAR, status VARCHAR, created TIMESTAMPTZ)[]"
ROLE = (
    Col("role_id", path="id"),
    Col("type", about="SUPER_ADMIN, ORG_ADMIN, READ_ONLY_ADMIN, CUSTOM, …"),
    Col("label"),
    Col("status"),
    Col("created", "TIMESTAMPTZ"),
    Col("custom_role", about="Of a custom role: which", path="role"),
    Col("resource_set", about="Of a custom role: over what", path="resource-set"),
)

PEOPLE = (
    RestTable(
        name="okta_user", service="users", path="/api/v1/users", permission=USERS, resource="{id}",
        about="People and accounts, those that were deactivated too.", reader=read_users,
        columns=(
            Col("user_id", path="id"),
            Col("status", about="ACTIVE, STAGED, PROVISIONED, RECOVERY, PASSWORD_EXPIRED, LOCKED_OUT, "
                "SUSPENDED, DEPROVISIONED"),
            Col("login", path="profile.login"),
            Col("email", path="profile.email"),
            Col("first_name", path="profile.firstName"),
            Col("last_name", path="profile.lastName"),
            Col("user_type", about="As the profile says, e.g. Contractor", path="profile.userType"),
            Col("type_id", path="type.id"),
            Col("department", path="profile.department"),
            Col("title", path="profile.title"),
            Col("manager", path="profile.manager"),
            Col("manager_id", path="profile.managerId"),
            Col("employee_number", path="profile.employeeNumber"),
            Col("provider", about="Where the password is: OKTA, ACTIVE_DIRECTORY, FEDERATION, …",
                path="credentials.provider.type"),
            Col("created", "TIMESTAMPTZ"),
            Col("activated", "TIMESTAMPTZ"),
            Col("status_changed", "TIMESTAMPTZ", path="statusChanged"),
            Col("last_login", "TIMESTAMPTZ", path="lastLogin"),
            Col("password_changed", "TIMESTAMPTZ", path="passwordChanged"),
            Col("realm_id", path="realmId"),
        ),
        drop=("lastUpdated",),
    ),
    RestTable(
        name="okta_group", service="people", path="/api/v1/groups", permission=GROUPS, resource="{id}",
        about="Groups, with how many people and apps each has, and whether it makes administrators.",
        reader=read_groups,
        columns=(
            Col("group_id", path="id"),
            Col("name", path="profile.name"),
            Col("description", path="profile.description"),
            Col("type", about="OKTA_GROUP, APP_GROUP or BUILT_IN"),
            Col("users", "BIGINT", path="_embedded.stats.usersCount"),
            Col("apps", "BIGINT", path="_embedded.stats.appsCount"),
            Col("has_admin_role", "BOOLEAN", path="admin"),
            Col("created", "TIMESTAMPTZ"),
            Col("membership_changed", "TIMESTAMPTZ", path="lastMembershipUpdated"),
        ),
        drop=("lastUpdated", "admin"),
    ),
    RestTable(
        name="okta_group_role", service="people", path="/api/v1/groups/{id}/roles", permission=ROLES,
        resource="{group_id}/{id}", about="Admin roles that a group gives to its members.",
        reader=read_group_roles, also=(GROUPS,),
        columns=(Col("group_id"), Col("group_name"), *ROLE),
        drop=("lastUpdated", "group_id", "group_name"),
    ),
    RestTable(
        name="okta_group_member", service="people", path="/api/v1/groups/{id}/users", permission=GROUPS,
        resource="{group_id}/{id}", reader=read_members, also=(ROLES,),
        about="Members of the groups with an admin role; of all groups where `group_members` is `all`.",
        columns=(
            Col("group_id"), Col("group_name"), Col("user_id", path="id"), Col("login", path="profile.login"),
            Col("status"),
        ),
        drop=("lastUpdated", "lastLogin", "group_id", "group_name"),
    ),
    RestTable(
        name="okta_admin_assignment", service="people", path="/api/v1/iam/assignees/users", permission=ROLES,
        resource="{user_id}/{key}", reader=read_admins, also=(GROUPS,),
        about="Admin roles of each person, their own and those that they have by a group.",
        source="GET /api/v1/iam/assignees/users, GET /api/v1/users/{id}/roles",
        columns=(
            Col("user_id"), *ROLE,
            Col("assignment_type", about="USER, or GROUP where it comes by a group", path="assignmentType"),
        ),
        drop=("lastUpdated", "user_id", "key"),
    ),
    RestTable(
        name="okta_user_factor", service="people", path="/api/v1/users/{id}/factors", permission=USERS,
        resource="{id}", reader=read_enrolled, also=(ROLES,), source="GET /api/v1/users/{id}/factors",
        about="People who were asked about, with their second factors: those with an admin role, or all who "
        "may sign in where `factors` is `all`. Who is not in this table was not asked about.",
        columns=(Col("user_id", path="id"),),
        calls=(
            Call(
                path="/api/v1/users/{id}/factors", permission=USERS,
                columns=(Col("factors", FACTOR, "Empty: none", "items"),),
            ),
        ),
    ),
)  # fmt: skip
