"""Merged pull requests with their approvals: the population of changes (CC8.1).

GitHub's search answers at most 1,000 of a query, so a span of time that has more is halved until it has not.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from proofwatch.connectors.base import Unread
from proofwatch.connectors.github.graphql import ask, nodes
from proofwatch.connectors.rest.collect import Place
from proofwatch.connectors.rest.declare import Col, Raw, RestTable

PULLS = "Pull requests: read"
MOST = 1000
SHORTEST = timedelta(seconds=2)
_COUNT = """query($query: String!) { search(query: $query, type: ISSUE, first: 1) { issueCount } }"""
_SEARCH = """query($query: String!, $after: String) {
  search(query: $query, type: ISSUE, first: 100, after: $after) {
    issueCount pageInfo { hasNextPage endCursor }
    nodes { ... on PullRequest { number title url createdAt mergedAt baseRefName headRefOid
      author { login } mergedBy { login } mergeCommit { oid } reviewDecision
      repository { nameWithOwner visibility defaultBranchRef { name } }
      latestOpinionatedReviews(first: 50) { nodes { state submittedAt author { login } commit { oid } } }
      commits(last: 1) { nodes { commit { statusCheckRollup { state } } } } } } } }"""


def _merged(place: Place) -> Iterator[Raw]:
    """Yield every pull request that was merged in the last days, oldest first."""
    now = datetime.now(UTC).replace(microsecond=0)
    yield from _between(place, now - timedelta(days=place.names["pull_request_days"]), now)


def _between(place: Place, since: datetime, until: datetime) -> Iterator[Raw]:
    span = f"{since:%Y-%m-%dT%H:%M:%SZ}..{until:%Y-%m-%dT%H:%M:%SZ}"
    query = f"org:{place.account} is:pr is:merged merged:{span}"
    data, errors = ask(place, _COUNT, PULLS, query=query)
    count = (data.get("search") or {}).get("issueCount")
    if count is None or errors:
        raise Unread(f"reading pull requests of {place.account}", "GitHub did not answer how many there are")
    if count > MOST:
        if until - since < SHORTEST:
            problem = f"GitHub has {count} merged within {SHORTEST.seconds} seconds and shows {MOST}"
            raise Unread(f"reading pull requests of {place.account}", problem)
        middle = since + (until - since) / 2
        middle = middle.replace(microsecond=0)
        yield from _between(place, since, middle)
        yield from _between(place, middle + timedelta(seconds=1), until)
        return
    seen = 0
    for item in nodes(place, _SEARCH, "search", PULLS, query=query):
        seen += 1
        yield _row(item)
    if seen < count:
        problem = f"GitHub said that there are {count} and showed {seen}"
        raise Unread(f"reading pull requests of {place.account}", problem, "Try again.", permanent=False)


def _row(item: Raw) -> Raw:
    reviews = (item.get("latestOpinionatedReviews") or {}).get("nodes") or []
    author = (item.get("author") or {}).get("login")
    approved = [
        review for review in reviews
        if (review or {}).get("state") == "APPROVED" and _login(review) and _login(review) != author
    ]  # fmt: skip
    repository = item.get("repository") or {}
    commits = (item.get("commits") or {}).get("nodes") or [{}]
    rollup = ((commits[0] or {}).get("commit") or {}).get("statusCheckRollup") or {}
    default = (repository.get("defaultBranchRef") or {}).get("name")
    row: Raw = {
        **{key: value for key, value in item.items() if key != "_marks"},
        "repository": repository.get("nameWithOwner"),
        "visibility": repository.get("visibility"),
        "approvers": sorted({_login(review) for review in approved}),
        "approvals": len({_login(review) for review in approved}),
        "approvals_of_last_commit": len(
            {
                _login(one)
                for one in approved
                if (one.get("commit") or {}).get("oid") == item.get("headRefOid")
            }
        ),
        "into_default_branch": None if default is None else item.get("baseRefName") == default,
        "checks_state": rollup.get("state"),
    }
    row["_unread"] = _unread(item, reviews, approved)
    return row


def _unread(item: Raw, reviews: list[Any], approved: list[Any]) -> dict[str, str]:
    """Return what is not known of a change: what GitHub refused, and approvals of accounts that are gone."""
    marks = item.get("_marks", {})
    found = {column: marks[member] for column, member in _MEMBERS.items() if member in marks}
    if item.get("latestOpinionatedReviews") is None:
        found |= dict.fromkeys(
            _APPROVALS, marks.get("latestOpinionatedReviews", "GitHub did not answer its reviews")
        )
    ghosts = [one for one in reviews if (one or {}).get("state") == "APPROVED" and not _login(one)]
    if ghosts and not approved:
        found |= dict.fromkeys(
            _APPROVALS, "it was approved by an account that was deleted: nobody can say whose"
        )
    return found


def _login(review: Any) -> str:
    return str(((review or {}).get("author") or {}).get("login") or "")


_APPROVALS = ("approvers", "approvals", "approvals_of_last_commit")
_MEMBERS = {
    **dict.fromkeys(_APPROVALS, "latestOpinionatedReviews"), "checks_state": "commits", "author": "author",
    "merged_by": "mergedBy", "merge_commit": "mergeCommit", "review_decision": "reviewDecision",
    "into_default_branch": "repository",
}  # fmt: skip
"""Column → the member of GitHub's answer that it rests on."""

CHANGES = (
    RestTable(
        name="github_pull_request",
        about="Pull requests merged in the last days, with who approved them: the population of changes.",
        service="changes",
        path="/graphql",
        source="GraphQL search(is:pr is:merged)",
        reader=_merged,
        resource="{repository}#{number}",
        permission=PULLS,
        also=("Contents: read", "Checks: read", "Commit statuses: read"),
        columns=(
            Col("repository"),
            Col("visibility"),
            Col("number", "BIGINT"),
            Col("title"),
            Col("url"),
            Col("author", "VARCHAR", "NULL where the account was deleted", "author.login"),
            Col("merged_by", "VARCHAR", "", "mergedBy.login"),
            Col("created_at", "TIMESTAMPTZ", "", "createdAt"),
            Col("merged_at", "TIMESTAMPTZ", "", "mergedAt"),
            Col("base_branch", "VARCHAR", "", "baseRefName"),
            Col("into_default_branch", "BOOLEAN"),
            Col("head_commit", "VARCHAR", "", "headRefOid"),
            Col("merge_commit", "VARCHAR", "", "mergeCommit.oid"),
            Col("approvers", "VARCHAR[]", "Who approved it last, the author excepted"),
            Col("approvals", "BIGINT"),
            Col("approvals_of_last_commit", "BIGINT", "Approvals of the very commit that was merged"),
            Col("review_decision", "VARCHAR", "GitHub's own: APPROVED, REVIEW_REQUIRED …", "reviewDecision"),
            Col(
                "checks_state", "VARCHAR", "Of the last commit: SUCCESS, FAILURE, PENDING … NULL without any"
            ),
        ),
    ),
)
