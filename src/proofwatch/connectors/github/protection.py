"""What holds on the default branch: classic protection and every ruleset together, the strictest wins.

Source of the rules: GitHub's documentation, "About rulesets": rules of all rulesets and of branch protection
are aggregated, and the most restrictive version of a rule applies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofwatch.connectors.rest.declare import Raw

QUERY = """
branchProtectionRule { pattern isAdminEnforced requiresApprovingReviews requiredApprovingReviewCount
  dismissesStaleReviews requiresCodeOwnerReviews requireLastPushApproval requiresConversationResolution
  requiresStatusChecks requiredStatusCheckContexts requiresStrictStatusChecks requiresCommitSignatures
  requiresLinearHistory allowsForcePushes allowsDeletions lockBranch restrictsPushes
  bypassPullRequestAllowances(first: 1) { totalCount } bypassForcePushAllowances(first: 1) { totalCount } }
refUpdateRule { pattern }
rules(first: 100) { pageInfo { hasNextPage } nodes { type
  repositoryRuleset { name enforcement bypassActors(first: 1) { totalCount } }
  parameters { __typename
    ... on PullRequestParameters { requiredApprovingReviewCount dismissStaleReviewsOnPush
      requireCodeOwnerReview requireLastPushApproval requiredReviewThreadResolution }
    ... on RequiredStatusChecksParameters { strictRequiredStatusChecksPolicy
      requiredStatusChecks { context } } } } }
"""
UNSEEN = "GitHub says that a protection exists and does not show it (Administration: read is needed)"
UNSEEN_BYPASS = "GitHub does not show who may bypass the rulesets (write access to them would be needed)"
ACTIVE = "ACTIVE"
MANY = "more than 100 rules apply, and not all were read"


def effective(repository: Mapping[str, Any]) -> Raw | None:
    """Return the effective protection of a repository's default branch; None where it has no branch yet.

    What could not be read stands in `_unread` of the row.
    """
    branch = repository.get("defaultBranchRef")
    marks = repository.get("_marks", {})
    name = repository["nameWithOwner"]
    if branch is None:
        if "defaultBranchRef" in marks:
            return {"repository": name, "_unread": dict.fromkeys(COLUMNS, marks["defaultBranchRef"])}
        return None
    row: Raw = {
        "repository": name,
        "branch": branch["name"],
        "visibility": repository.get("visibility"),
        "is_archived": repository.get("isArchived"),
        "is_fork": repository.get("isFork"),
    }
    classic, rules = branch.get("branchProtectionRule"), branch.get("rules") or {}
    if why := _unseen(branch, classic, rules, marks.get("defaultBranchRef", "")):
        return {**row, "_unread": dict.fromkeys(COLUMNS, why)}
    active = [
        rule for rule in rules.get("nodes") or [] if _ruleset(rule).get("enforcement", ACTIVE) == ACTIVE
    ]
    made = _combined(classic or {}, active, classic is not None)
    if made["enforced_for_everyone"] is None:
        made["_unread"] = {"enforced_for_everyone": UNSEEN_BYPASS}
    return {**row, **made}


def _unseen(branch: Mapping[str, Any], classic: Any, rules: Mapping[str, Any], marked: str) -> str:
    """Return why the protection is not known; "" where it is."""
    if marked:
        return marked
    if classic is None and branch.get("refUpdateRule") is not None:
        return UNSEEN
    if branch.get("rules") is None:
        return "GitHub did not answer which rulesets apply"
    return MANY if (rules.get("pageInfo") or {}).get("hasNextPage") else ""


def _ruleset(rule: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (rule or {}).get("repositoryRuleset") or {}
    return found


def _combined(classic: Mapping[str, Any], rules: list[Any], has_classic: bool) -> Raw:
    kinds = {str(rule.get("type")) for rule in rules}
    reviews = [rule.get("parameters") or {} for rule in rules if rule.get("type") == "PULL_REQUEST"]
    checks = [rule.get("parameters") or {} for rule in rules if rule.get("type") == "REQUIRED_STATUS_CHECKS"]
    old = classic if classic.get("requiresApprovingReviews") else {}
    contexts = {
        *(classic.get("requiredStatusCheckContexts") or ()),
        *(item.get("context") for check in checks for item in check.get("requiredStatusChecks") or ()),
    }
    approvals = [
        int(old.get("requiredApprovingReviewCount") or 0),
        *(int(item.get("requiredApprovingReviewCount") or 0) for item in reviews),
    ]
    return {
        "is_protected": has_classic or bool(rules),
        "has_classic_protection": has_classic,
        "rulesets": sorted({str(_ruleset(rule).get("name")) for rule in rules}),
        "requires_pull_request": bool(old) or bool(reviews),
        "required_approvals": max(approvals),
        "dismisses_stale_reviews": _any(old, "dismissesStaleReviews", reviews, "dismissStaleReviewsOnPush"),
        "requires_code_owner_review": _any(
            old, "requiresCodeOwnerReviews", reviews, "requireCodeOwnerReview"
        ),
        "requires_last_push_approval": _any(
            old, "requireLastPushApproval", reviews, "requireLastPushApproval"
        ),
        "requires_conversation_resolution": _any(
            classic, "requiresConversationResolution", reviews, "requiredReviewThreadResolution"
        ),
        "requires_status_checks": bool(contexts),
        "status_checks": sorted(str(item) for item in contexts if item),
        "requires_up_to_date_branch": _any(
            classic, "requiresStrictStatusChecks", checks, "strictRequiredStatusChecksPolicy"
        ),
        "requires_signatures": bool(classic.get("requiresCommitSignatures"))
        or "REQUIRED_SIGNATURES" in kinds,
        "requires_linear_history": bool(classic.get("requiresLinearHistory"))
        or "REQUIRED_LINEAR_HISTORY" in kinds,
        "blocks_force_pushes": (has_classic and not classic.get("allowsForcePushes"))
        or "NON_FAST_FORWARD" in kinds,
        "blocks_deletion": (has_classic and not classic.get("allowsDeletions")) or "DELETION" in kinds,
        "is_locked": bool(classic.get("lockBranch")),
        "enforced_for_everyone": _for_everyone(classic, rules, has_classic),
    }


def _any(classic: Mapping[str, Any], name: str, rules: list[Any], other: str) -> bool:
    return bool(classic.get(name)) or any(item.get(other) for item in rules)


def _for_everyone(classic: Mapping[str, Any], rules: list[Any], has_classic: bool) -> bool | None:
    """Tell whether a review is asked of administrators, too: by one source that nobody may bypass.

    None where GitHub does not say who may bypass the only rules that ask for one.
    """
    if (
        has_classic
        and classic.get("requiresApprovingReviews")
        and classic.get("isAdminEnforced")
        and not (classic.get("bypassPullRequestAllowances") or {}).get("totalCount")
    ):
        return True
    found = [
        (_ruleset(rule).get("bypassActors") or {}).get("totalCount")
        for rule in rules
        if rule.get("type") == "PULL_REQUEST"
    ]
    if 0 in found:
        return True
    return None if None in found else False


COLUMNS = (
    "is_protected", "has_classic_protection", "rulesets", "requires_pull_request", "required_approvals",
    "dismisses_stale_reviews", "requires_code_owner_review", "requires_last_push_approval",
    "requires_conversation_resolution", "requires_status_checks", "status_checks",
    "requires_up_to_date_branch", "requires_signatures", "requires_linear_history", "blocks_force_pushes",
    "blocks_deletion", "is_locked", "enforced_for_everyone",
)  # fmt: skip
