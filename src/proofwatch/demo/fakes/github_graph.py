"""What GitHub's GraphQL answers for the simulated company. All of it is DEMO DATA.

The query's language is not understood here: a question is known by the connection it asks for, and the answer
holds all that the connector asks of it. In the tests GitHub's own schema carries the queries out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from proofwatch.demo.staff import LEAVER, Person

UNREVIEWED = "billing-api"
_FIRST = re.compile(r"(?:membersWithRole|repositories|search)\([^)]*first: (\d+)")
_SPAN = re.compile(r"merged:(\S+?)\.\.(\S+)")


class Graph:
    """The company's GitHub as a graph.

    Args:
        org: login of the organisation.
        names: of its repositories.
        now: the time that ages are counted from.
        members: of the organisation.
    """

    def __init__(self, org: str, names: Sequence[str], now: datetime, members: Sequence[Person]) -> None:
        self.org, self.names, self.now, self.members = org, names, now, members
        self._pulls = [self._pull(number) for number in range(1, 131)]

    def answer(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a question as GitHub would; what is not known is an error in its form."""
        text, given = str(body.get("query", "")), body.get("variables") or {}
        found = _FIRST.search(text)
        size = int(found[1]) if found else 100
        after = given.get("after")
        if "membersWithRole" in text:
            return {
                "data": {"organization": {"membersWithRole": self.page(self.edges(), size, after, "edges")}}
            }
        if "repositories(" in text:
            page = self.page([self.repository(name) for name in self.names], size, after)
            return {"data": {"organization": {"repositories": page}}}
        if "search(" in text:
            return {"data": {"search": self.search(str(given.get("query", "")), size, after)}}
        return {
            "errors": [{"type": "NOT_FOUND", "message": "the simulated company does not know that question"}]
        }

    @staticmethod
    def page(items: Sequence[Any], size: int, after: Any, kind: str = "nodes") -> dict[str, Any]:
        """Return a page of a connection."""
        at = int(after or 0)
        more = at + size < len(items)
        return {
            kind: list(items[at : at + size]),
            "totalCount": len(items),
            "pageInfo": {"hasNextPage": more, "endCursor": str(at + size) if more else None},
        }

    def search(self, query: str, size: int, after: Any) -> dict[str, Any]:
        """Return the pull requests that were merged in the query's span."""
        span = _SPAN.search(query)
        since, until = (
            (datetime.fromisoformat(span[number]) for number in (1, 2)) if span else (self.now,) * 2
        )
        found = [
            pull for pull in self._pulls if since <= datetime.fromisoformat(str(pull["mergedAt"])) <= until
        ]
        return {**self.page(found, size, after), "issueCount": len(found)}

    def edges(self) -> list[dict[str, Any]]:
        """Return the members with role and second factor."""
        return [
            {
                "role": "ADMIN" if person.admin else "MEMBER",
                "hasTwoFactorEnabled": person.second_factor,
                "node": {
                    "login": person.login, "databaseId": 5001 + number, "name": person.name, "email": "",
                    "createdAt": self.ago(1500 - number), "isSiteAdmin": False,
                    "organizationVerifiedDomainEmails": [person.email],
                },
            }
            for number, person in enumerate(self.members)
        ]  # fmt: skip

    def ago(self, days: float) -> str:
        """Return a moment so many days ago."""
        return (self.now - timedelta(days=days)).isoformat().replace("+00:00", "Z")

    def repository(self, name: str) -> dict[str, Any]:
        """Return a repository with all that the connector asks of it."""
        number, public = self.names.index(name), name == "docs"
        return {
            "nameWithOwner": f"{self.org}/{name}", "databaseId": 1000 + number,
            "visibility": "PUBLIC" if public else "PRIVATE", "isPrivate": not public, "isArchived": False,
            "isFork": False, "isTemplate": False, "isEmpty": False, "isDisabled": False, "isLocked": False,
            "isMirror": False, "createdAt": self.ago(900 - number), "archivedAt": None,
            "pushedAt": self.ago(1), "description": None, "forkingAllowed": False,
            "deleteBranchOnMerge": True, "mergeCommitAllowed": False, "squashMergeAllowed": True,
            "rebaseMergeAllowed": False, "autoMergeAllowed": True, "webCommitSignoffRequired": False,
            "isSecurityPolicyEnabled": True, "hasVulnerabilityAlertsEnabled": True, "licenseInfo": None,
            "primaryLanguage": {"name": "Python"}, "codeowners": {"errors": []},
            "vulnerabilityAlerts": {"totalCount": 1 if name in (UNREVIEWED, "firmware") else 0},
            "defaultBranchRef": {"name": "main", **self._protection(name)},
            "collaborators": self.page(self._collaborators(name), 100, None, "edges"),
            "deployKeys": self.page(self._keys(name), 100, None),
            "environments": self.page(self._environments(name), 100, None),
        }  # fmt: skip

    def _protection(self, name: str) -> dict[str, Any]:
        """Return classic protection for the first seven repositories, a ruleset for all."""
        approvals = 0 if name == UNREVIEWED else 1
        ruleset = {"name": "default branches", "enforcement": "ACTIVE", "bypassActors": {"totalCount": 0}}
        rules: list[dict[str, Any]] = [
            {"type": "NON_FAST_FORWARD", "repositoryRuleset": ruleset, "parameters": None},
            {"type": "DELETION", "repositoryRuleset": ruleset, "parameters": None},
        ]
        if name != UNREVIEWED:
            asked = {
                "__typename": "PullRequestParameters", "requiredApprovingReviewCount": approvals,
                "dismissStaleReviewsOnPush": True, "requireCodeOwnerReview": False,
                "requireLastPushApproval": True, "requiredReviewThreadResolution": False,
            }  # fmt: skip
            checks = {
                "__typename": "RequiredStatusChecksParameters", "strictRequiredStatusChecksPolicy": False,
                "requiredStatusChecks": [{"context": "ci"}], "doNotEnforceOnCreate": False,
            }  # fmt: skip
            rules += [
                {"type": "REQUIRED_SIGNATURES", "repositoryRuleset": ruleset, "parameters": None},
                {"type": "PULL_REQUEST", "repositoryRuleset": ruleset, "parameters": asked},
                {"type": "REQUIRED_STATUS_CHECKS", "repositoryRuleset": ruleset, "parameters": checks},
            ]
        return {
            "branchProtectionRule": None,
            "refUpdateRule": None,
            "rules": {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": rules},
        }

    def _collaborators(self, name: str) -> list[dict[str, Any]]:
        if name != "firmware":
            return []
        return [
            {"permission": "WRITE", "node": {"login": LEAVER.login, "databaseId": 5008}},
            {"permission": "READ", "node": {"login": "dana-freelance", "databaseId": 6001}},
        ]

    def _keys(self, name: str) -> list[dict[str, Any]]:
        if name != "infrastructure":
            return []
        return [
            {
                "id": "DK_1", "title": "deployer", "readOnly": True, "verified": True, "enabled": True,
                "createdAt": self.ago(120),
            }
        ]  # fmt: skip

    def _environments(self, name: str) -> list[dict[str, Any]]:
        if name not in ("billing-api", "fleet-manager"):
            return []
        rule = {
            "type": "REQUIRED_REVIEWERS", "timeout": 0, "preventSelfReview": True,
            "reviewers": {"totalCount": 1},
        }  # fmt: skip
        return [{"databaseId": 81, "name": "production", "protectionRules": {"nodes": [rule]}}]

    def _pull(self, number: int) -> dict[str, Any]:
        """Return one change; the 77th went into `billing-api` without a review."""
        unreviewed = number == 77
        name = UNREVIEWED if unreviewed else self.names[number % len(self.names)]
        author = "linus" if unreviewed else ("grace", "alan", "margaret")[number % 3]
        head = f"{number:040x}"
        review = {
            "state": "APPROVED", "submittedAt": self.ago(number / 5 + 0.1), "author": {"login": "katherine"},
            "commit": {"oid": head},
        }  # fmt: skip
        return {
            "number": number, "title": f"Change {number}",
            "url": f"https://github.com/{self.org}/{name}/pull/{number}",
            "createdAt": self.ago(number / 5 + 1), "mergedAt": self.ago(number / 5), "baseRefName": "main",
            "headRefOid": head, "author": {"login": author}, "mergedBy": {"login": author},
            "mergeCommit": {"oid": f"{number + 9000:040x}"},
            "reviewDecision": None if unreviewed else "APPROVED",
            "repository": {
                "nameWithOwner": f"{self.org}/{name}", "visibility": "PRIVATE",
                "defaultBranchRef": {"name": "main"},
            },
            "latestOpinionatedReviews": {"nodes": [] if unreviewed else [review]},
            "commits": {"nodes": [{"commit": {"statusCheckRollup": {"state": "SUCCESS"}}}]},
        }  # fmt: skip
