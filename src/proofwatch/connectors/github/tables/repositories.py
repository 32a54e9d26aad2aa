"""Repositories, read by GraphQL with all about them: protection of the default branch, access, keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from proofwatch.connectors.base import Unread
from proofwatch.connectors.github.graphql import ask, nodes
from proofwatch.connectors.github.protection import COLUMNS, QUERY, effective
from proofwatch.connectors.github.tables.organization import HOOK
from proofwatch.connectors.rest.collect import Place, once
from proofwatch.connectors.rest.declare import Col, Raw, RestTable

METADATA = "Metadata: read"
ADMINISTRATION = "Administration: read"
PAGE = {"per_page": 100}
_FACTS = """nameWithOwner databaseId visibility isPrivate isArchived isFork isTemplate isEmpty isDisabled
  isLocked isMirror createdAt archivedAt pushedAt description forkingAllowed deleteBranchOnMerge
  mergeCommitAllowed squashMergeAllowed rebaseMergeAllowed autoMergeAllowed webCommitSignoffRequired
  isSecurityPolicyEnabled
  hasVulnerabilityAlertsEnabled licenseInfo { spdxId } primaryLanguage { name }
  codeowners { errors { kind } }"""
_LIST = """query($org: String!, $after: String) { organization(login: $org) {
  repositories(first: 100, after: $after, orderBy: {field: CREATED_AT, direction: ASC}) {
    pageInfo { hasNextPage endCursor } nodes { %s } } } }"""
_REPOSITORIES = _LIST % (
    f"{_FACTS} vulnerabilityAlerts(states: OPEN) {{ totalCount }} defaultBranchRef {{ name {QUERY} }}"
)
_WITH = {
    "collaborators": (
        "edges { permission node { login databaseId } }",
        "collaborators(affiliation: DIRECT, first: 100, after: $more)",
    ),
    "deployKeys": (
        "nodes { id title readOnly verified enabled createdAt }",
        "deployKeys(first: 100, after: $more)",
    ),
    "environments": (
        "nodes { databaseId name protectionRules(first: 10) { nodes { type timeout preventSelfReview "
        "reviewers(first: 1) { totalCount } } } }",
        # What is within each counts against GitHub's limit as if there were ten: few have more.
        "environments(first: 10, after: $more)",
    ),
}
"""What each repository has many of: what is asked of each, and the connection with its next page."""
_ACCESS = _LIST % (
    "nameWithOwner isArchived "
    + " ".join(
        f"{head.replace(', after: $more', '')} {{ pageInfo {{ hasNextPage endCursor }} {inner} }}"
        for inner, head in _WITH.values()
    )
)
"""All of them in one listing. GitHub refuses a query that could answer more than 500,000 nodes."""


def _listed(place: Place) -> Iterator[Raw]:
    """Yield the rows of github_repository."""
    for item in nodes(place, _REPOSITORIES, "organization.repositories", METADATA):
        marks = item.get("_marks", {})
        row = {key: value for key, value in item.items() if key != "_marks"}
        row["default_branch"] = (item.get("defaultBranchRef") or {}).get("name")
        row["open_alerts"] = (item.get("vulnerabilityAlerts") or {}).get("totalCount")
        row["has_codeowners"] = item.get("codeowners") is not None
        # What GitHub refused is no answer, though it stands as null where others mean that there is none.
        unread = {name: marks[member] for name, member in _MEMBERS_OF.items() if member in marks}
        if row["open_alerts"] is None:
            why = "GitHub did not answer (Dependabot alerts: read is needed)"
            unread.setdefault("open_vulnerability_alerts", why)
        yield {**row, "_unread": unread, "_marks": marks}


def _protections(place: Place) -> Iterator[Raw]:
    """Yield the effective protection of every default branch, of the same listing."""
    for item in place.rows("github_repository"):
        row = effective(item)
        if row is not None:
            yield row


def _access(place: Place, permission: str) -> Iterator[Raw]:
    """Yield repositories with what each has many of, listed once for the tables of a sweep."""
    listing = partial(nodes, place, _ACCESS, "organization.repositories", permission)
    yield from once(place, "access of repositories", listing)


def _within(name: str, kind: str, permission: str) -> Any:
    """Return a reader of one of those, from the listing that serves all."""
    inner, head = _WITH[name]
    rest = (
        f"query($owner: String!, $name: String!, $more: String) {{ repository(owner: $owner, name: $name) {{ "
        f"{head} {{ pageInfo {{ hasNextPage endCursor }} {inner} }} }} }}"
    )

    def reader(place: Place) -> Iterator[Raw]:
        for item in _access(place, permission):
            found = item.get(name)
            if found is None:
                # One repository that is not shown makes the whole list incomplete: it is unread.
                said = item.get("_marks", {}).get(
                    name, f"GitHub does not show them of {item['nameWithOwner']}"
                )
                problem = f"{item['nameWithOwner']}: {said}"
                raise Unread(
                    f"reading {name} of {place.account}", problem, f"Grant {permission}.",
                    permission=permission, code="403",
                )  # fmt: skip
            while True:
                for each in found[kind] or []:
                    yield {
                        **_flat(each),
                        "repository": item["nameWithOwner"],
                        "is_archived": item["isArchived"],
                    }
                info = found["pageInfo"]
                if not info["hasNextPage"]:
                    break
                found = _more(place, rest, item["nameWithOwner"], name, permission, info["endCursor"])

    return reader


def _more(place: Place, query: str, full_name: str, name: str, permission: str, after: str) -> Any:
    owner, _, short = full_name.partition("/")
    data, errors = ask(place, query, permission, owner=owner, name=short, more=after)
    found = (data.get("repository") or {}).get(name)
    if found is None or errors:
        raise Unread(f"reading {name} of {full_name}", "GitHub answered a part of them only", code="graphql")
    return found


def _flat(item: Mapping[str, Any]) -> Raw:
    rules = (item.get("protectionRules") or {}).get("nodes") or []
    row = dict(item)
    if "protectionRules" in item:
        row["rule_types"] = sorted({str(rule.get("type")) for rule in rules})
        row["reviewers"] = sum((rule.get("reviewers") or {}).get("totalCount") or 0 for rule in rules)
        row["prevents_self_review"] = any(rule.get("preventSelfReview") for rule in rules)
        row["wait_minutes"] = max((int(rule.get("timeout") or 0) for rule in rules), default=0)
    return row


REPOSITORIES = (
    RestTable(
        name="github_repository",
        about="Repositories and their settings.",
        service="repositories",
        path="/graphql",
        source="GraphQL Organization.repositories",
        reader=_listed,
        shared=True,
        resource="{nameWithOwner}",
        permission=METADATA,
        also=("Dependabot alerts: read", "Contents: read"),
        drop=(
            "_marks",
            "pushedAt",
            "vulnerabilityAlerts",
            "defaultBranchRef",
            "open_alerts",
            "has_codeowners",
        ),
        columns=(
            Col("full_name", "VARCHAR", "", "nameWithOwner"),
            Col("id", "BIGINT", "", "databaseId"),
            Col("visibility", "VARCHAR", "PUBLIC, PRIVATE or INTERNAL"),
            Col("is_private", "BOOLEAN", "", "isPrivate"),
            Col("is_archived", "BOOLEAN", "", "isArchived"),
            Col("is_fork", "BOOLEAN", "", "isFork"),
            Col("is_template", "BOOLEAN", "", "isTemplate"),
            Col("is_empty", "BOOLEAN", "Whether nothing was ever pushed", "isEmpty"),
            Col("is_disabled", "BOOLEAN", "Whether GitHub switched it off", "isDisabled"),
            Col("created_at", "TIMESTAMPTZ", "", "createdAt"),
            Col("archived_at", "TIMESTAMPTZ", "", "archivedAt"),
            Col("pushed_at", "TIMESTAMPTZ", "The last push", "pushedAt"),
            Col("description"),
            Col("default_branch"),
            Col("forking_allowed", "BOOLEAN", "", "forkingAllowed"),
            Col("delete_branch_on_merge", "BOOLEAN", "", "deleteBranchOnMerge"),
            Col("auto_merge_allowed", "BOOLEAN", "", "autoMergeAllowed"),
            Col("web_commit_signoff_required", "BOOLEAN", "", "webCommitSignoffRequired"),
            Col(
                "has_security_policy",
                "BOOLEAN",
                "Whether it says how to report a hole",
                "isSecurityPolicyEnabled",
            ),
            Col("has_vulnerability_alerts", "BOOLEAN", "Dependabot alerts", "hasVulnerabilityAlertsEnabled"),
            Col("open_vulnerability_alerts", "BIGINT", "", "open_alerts"),
            Col("license", "VARCHAR", "SPDX id", "licenseInfo.spdxId"),
            Col("language", "VARCHAR", "", "primaryLanguage.name"),
            Col("has_codeowners", "BOOLEAN", "Whether there is a file CODEOWNERS"),
            Col(
                "codeowners_errors",
                "VARCHAR[]",
                "Faults of CODEOWNERS; NULL without one",
                "codeowners.errors[].kind",
            ),
        ),
    ),
    RestTable(
        name="github_branch_protection",
        about="What holds on each default branch: classic protection and all rulesets together.",
        service="repositories",
        path="/graphql",
        source="GraphQL Repository.defaultBranchRef",
        reader=_protections,
        resource="{repository}",
        permission=ADMINISTRATION,
        also=("Contents: read",),
        columns=(
            Col("repository"),
            Col("branch"),
            Col("visibility"),
            Col("is_archived", "BOOLEAN"),
            Col("is_fork", "BOOLEAN"),
            *(
                Col(
                    name,
                    {
                        "required_approvals": "BIGINT",
                        "rulesets": "VARCHAR[]",
                        "status_checks": "VARCHAR[]",
                    }.get(name, "BOOLEAN"),
                )
                for name in COLUMNS
            ),
        ),
    ),
    RestTable(
        name="github_repository_security",
        about="Secret scanning, push protection and updates of each repository.",
        service="repositories",
        path="/orgs/{account}/repos",
        params={**PAGE, "type": "all"},
        resource="{full_name}",
        permission=ADMINISTRATION,
        drop=(
            "pushed_at",
            "updated_at",
            "size",
            "stargazers_count",
            "watchers_count",
            "watchers",
            "forks",
            "forks_count",
            "open_issues",
            "open_issues_count",
            "permissions",
        ),
        columns=(
            Col("full_name"),
            Col("visibility", "VARCHAR", "public, private or internal"),
            Col("is_archived", "BOOLEAN", "", "archived"),
            Col(
                "secret_scanning",
                "VARCHAR",
                "enabled or disabled",
                "security_and_analysis.secret_scanning.status",
            ),
            Col(
                "secret_scanning_push_protection",
                "VARCHAR",
                "enabled or disabled",
                "security_and_analysis.secret_scanning_push_protection.status",
            ),
            Col(
                "advanced_security",
                "VARCHAR",
                "enabled or disabled",
                "security_and_analysis.advanced_security.status",
            ),
            Col(
                "dependabot_security_updates",
                "VARCHAR",
                "enabled or disabled",
                "security_and_analysis.dependabot_security_updates.status",
            ),
        ),
    ),
    RestTable(
        name="github_repository_collaborator",
        about="Who was given access to a repository directly, and how much.",
        service="access",
        path="/graphql",
        source="GraphQL Repository.collaborators",
        reader=_within("collaborators", "edges", ADMINISTRATION),
        resource="{repository}/{node.login}",
        permission=ADMINISTRATION,
        columns=(
            Col("repository"),
            Col("is_archived", "BOOLEAN"),
            Col("login", "VARCHAR", "", "node.login"),
            Col("permission", "VARCHAR", "READ, TRIAGE, WRITE, MAINTAIN or ADMIN"),
        ),
    ),
    RestTable(
        name="github_deploy_key",
        about="Keys that let a machine into a repository.",
        service="access",
        path="/graphql",
        source="GraphQL Repository.deployKeys",
        reader=_within("deployKeys", "nodes", ADMINISTRATION),
        resource="{repository}/{id}",
        permission=ADMINISTRATION,
        columns=(
            Col("repository"),
            Col("is_archived", "BOOLEAN"),
            Col("title"),
            Col("read_only", "BOOLEAN", "", "readOnly"),
            Col("verified", "BOOLEAN"),
            Col("enabled", "BOOLEAN"),
            Col("created_at", "TIMESTAMPTZ", "", "createdAt"),
        ),
    ),
    RestTable(
        name="github_environment",
        about="Where Actions deploy to, and what must be met before they do.",
        service="access",
        path="/graphql",
        source="GraphQL Repository.environments",
        reader=_within("environments", "nodes", "Environments: read"),
        resource="{repository}/{name}",
        permission="Environments: read",
        columns=(
            Col("repository"),
            Col("is_archived", "BOOLEAN"),
            Col("name"),
            Col("rule_types", "VARCHAR[]", "REQUIRED_REVIEWERS, WAIT_TIMER, BRANCH_POLICY"),
            Col("reviewers", "BIGINT"),
            Col("prevents_self_review", "BOOLEAN"),
            Col("wait_minutes", "BIGINT"),
        ),
    ),
    RestTable(
        name="github_repository_webhook",
        about="Where GitHub sends the events of each repository.",
        service="repository-webhooks",
        path="/repos/{+nameWithOwner}/hooks",
        parent="github_repository",
        keep=("nameWithOwner",),
        params=PAGE,
        resource="{parent_nameWithOwner}/hook/{id}",
        permission="Webhooks: read",
        drop=("updated_at", "last_response"),
        columns=(*HOOK,),
    ),
)

_MEMBERS_OF = {
    "default_branch": "defaultBranchRef", "open_vulnerability_alerts": "vulnerabilityAlerts",
    "has_codeowners": "codeowners",
    **{
        item.name: (item.path or item.name).partition(".")[0]
        for item in REPOSITORIES[0].columns
        if item.name not in ("default_branch", "open_vulnerability_alerts", "has_codeowners")
    },
}  # fmt: skip
"""Column of github_repository → the member of GitHub's answer that fills it."""
