"""Who belongs to the organisation, who works beside it, and who was invited."""

from __future__ import annotations

from collections.abc import Iterator

from proofwatch.connectors.github.graphql import nodes
from proofwatch.connectors.rest.collect import Place
from proofwatch.connectors.rest.declare import Col, Raw, RestTable
from proofwatch.connectors.rest.paging import Request

MEMBERS = "Members: read"
PAGE = {"per_page": 100}
_MEMBERS = """query($org: String!, $after: String) { organization(login: $org) {
  membersWithRole(first: 100, after: $after) { pageInfo { hasNextPage endCursor }
    edges { role hasTwoFactorEnabled node { login databaseId name email createdAt isSiteAdmin
      organizationVerifiedDomainEmails(login: $org) } } } } }"""


def _members(place: Place) -> Iterator[Raw]:
    """Yield members with role and second factor. GitHub shows the latter to owners only, else NULL."""
    for edge in nodes(place, _MEMBERS, "organization.membersWithRole", MEMBERS, edges=True):
        person = edge.get("node") or {}
        marks = edge.get("_marks", {})
        row = {
            "login": person.get("login"),
            "database_id": person.get("databaseId"),
            "name": person.get("name"),
            "emails": sorted(
                {*(person.get("organizationVerifiedDomainEmails") or []), person.get("email") or ""} - {""}
            ),
            "created_at": person.get("createdAt"),
            "is_site_admin": person.get("isSiteAdmin"),
            "role": edge.get("role"),
            "has_two_factor": edge.get("hasTwoFactorEnabled"),
        }
        unread = {}
        if row["has_two_factor"] is None:
            unread["has_two_factor"] = marks.get(
                "hasTwoFactorEnabled", "GitHub shows second factors to owners of the organisation only"
            )
        if "organizationVerifiedDomainEmails" in marks:
            unread["emails"] = marks["organizationVerifiedDomainEmails"]
        yield {**row, "_unread": unread}


def _outside(place: Place) -> Iterator[Raw]:
    """Yield outside collaborators; who has no second factor is asked for by GitHub's own filter."""
    without = {item["login"] for item in _outsiders(place, filter="2fa_disabled")}
    for item in _outsiders(place):
        yield {**item, "has_two_factor": item["login"] not in without}


def _outsiders(place: Place, **chosen: str) -> Iterator[Raw]:
    request = Request(f"/orgs/{place.account}/outside_collaborators", {**PAGE, **chosen})
    return place.api.items(request, ("login",), permission=MEMBERS, stats=place.stats)


PEOPLE = (
    RestTable(
        name="github_member",
        about="Members with their role and second factor.",
        service="people",
        path="/graphql",
        source="GraphQL Organization.membersWithRole",
        reader=_members,
        resource="{login}",
        permission=MEMBERS,
        columns=(
            Col("login"),
            Col("database_id", "BIGINT"),
            Col("name"),
            Col("emails", "VARCHAR[]", "Public address, and those in domains that the organisation verified"),
            Col("role", "VARCHAR", "ADMIN (owner) or MEMBER"),
            Col("has_two_factor", "BOOLEAN"),
            Col("is_site_admin", "BOOLEAN"),
            Col("created_at", "TIMESTAMPTZ", "When the account was made"),
        ),
    ),
    RestTable(
        name="github_outside_collaborator",
        about="People who are no members and have access to a repository.",
        service="people",
        path="/orgs/{account}/outside_collaborators",
        reader=_outside,
        resource="{login}",
        permission=MEMBERS,
        columns=(Col("login"), Col("id", "BIGINT"), Col("has_two_factor", "BOOLEAN")),
    ),
    RestTable(
        name="github_invitation",
        about="Invitations into the organisation that were not accepted yet.",
        service="people",
        path="/orgs/{account}/invitations",
        params=PAGE,
        resource="invitation/{id}",
        permission=MEMBERS,
        columns=(
            Col("id", "BIGINT"),
            Col("login"),
            Col("email"),
            Col("role"),
            Col("created_at", "TIMESTAMPTZ"),
            Col("inviter", "VARCHAR", "", "inviter.login"),
        ),
    ),
    RestTable(
        name="github_team",
        about="Teams.",
        service="people",
        path="/orgs/{account}/teams",
        params=PAGE,
        resource="{slug}",
        permission=MEMBERS,
        columns=(
            Col("id", "BIGINT"),
            Col("slug"),
            Col("name"),
            Col("privacy", "VARCHAR", "closed (seen by all) or secret"),
            Col("permission"),
            Col("parent", "VARCHAR", "Slug of the team it belongs to", "parent.slug"),
        ),
    ),
    RestTable(
        name="github_team_member",
        about="Who belongs to which team.",
        service="people",
        path="/orgs/{account}/teams/{slug}/members",
        params=PAGE,
        parent="github_team",
        keep=("slug",),
        resource="{parent_slug}/{login}",
        permission=MEMBERS,
        columns=(Col("login"), Col("id", "BIGINT")),
    ),
)
