"""GraphQL answers that hold data and errors at once, and the population of changes."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from proofwatch.connectors.base import ReadStats, Unread
from proofwatch.connectors.github.protection import effective

FORBIDDEN = "Resource not accessible by integration"


@pytest.fixture
def answered(github, monkeypatch):
    """Change what GraphQL answers."""
    answer = github.graph.answer

    def change(by):
        monkeypatch.setattr(github.graph, "answer", lambda body: by(answer(body)))

    return change


def error(*path, kind="FORBIDDEN", message=FORBIDDEN):
    return {"type": kind, "path": list(path), "message": message}


def test_an_error_beside_a_repository_marks_only_what_it_hides(answered, read):
    def hide(said):
        nodes = said["data"]["organization"]["repositories"]["nodes"]
        nodes[1]["vulnerabilityAlerts"] = None
        path = ("organization", "repositories", "nodes", 1, "vulnerabilityAlerts")
        return {**said, "errors": [error(*path)]}

    answered(hide)
    found = read("github_repository")
    hidden = [row for row in found if row["_unread"]]
    assert len(hidden) == 1
    assert hidden[0]["_unread"] == {"open_vulnerability_alerts": FORBIDDEN}
    assert hidden[0]["open_vulnerability_alerts"] is None and hidden[0]["visibility"] == "PRIVATE"


def test_what_github_refused_of_a_repository_is_not_what_it_does_not_have(answered, read):
    def hide(said):
        nodes = said["data"]["organization"]["repositories"]["nodes"]
        nodes[0]["codeowners"] = nodes[1]["codeowners"] = None
        return {**said, "errors": [error("organization", "repositories", "nodes", 0, "codeowners")]}

    answered(hide)
    refused, without = read("github_repository")[:2]
    assert refused["has_codeowners"] is None
    assert set(refused["_unread"]) == {"has_codeowners", "codeowners_errors"}
    assert without["has_codeowners"] is False and without["_unread"] is None


def test_checks_that_github_refused_are_not_checks_that_there_are_none_of(answered, read):
    def hide(said):
        found = said["data"]["search"]["nodes"]
        if len(found) == 1:  # The question how many there are.
            return said
        found[0]["commits"] = None
        return {**said, "errors": [error("search", "nodes", 0, "commits", "nodes", 0, "commit")]}

    answered(hide)
    hidden = [row for row in read("github_pull_request") if row["_unread"]]
    assert len(hidden) == 2, "one on each page"
    assert all(set(row["_unread"]) == {"checks_state"} for row in hidden)


def test_an_approval_of_an_account_that_is_gone_is_unknown(github, read):
    one = github.graph._pull(1)
    ghost = {"state": "APPROVED", "author": None, "commit": {"oid": one["headRefOid"]}}
    github.graph._pulls = [{**one, "latestOpinionatedReviews": {"nodes": [ghost]}}]
    (row,) = read("github_pull_request")
    assert row["approvals"] is None and "account that was deleted" in row["_unread"]["approvals"]


@pytest.mark.parametrize("info", [None, {}, {"hasNextPage": None}])
def test_a_page_that_does_not_say_whether_there_is_more_is_not_the_last(answered, read, info):
    def lose(said):
        said["data"]["organization"]["membersWithRole"]["pageInfo"] = info
        return said

    answered(lose)
    with pytest.raises(Unread, match="pageInfo"):
        read("github_member")


@pytest.mark.parametrize(
    ("said", "words", "code"),
    [
        (
            {"data": {"organization": None}, "errors": [error("organization", kind="NOT_FOUND")]},
            FORBIDDEN,
            "403",
        ),
        ({"data": None, "errors": [error(kind="RATE_LIMITED", message="spent")]}, "limits how much", "429"),
        ({"data": {}, "errors": [error(kind="RATE_LIMITED", message="spent")]}, "limits how much", "429"),
        ({"data": {"organization": {}}}, "answered nothing", "schema"),
        ([], "is no object", "schema"),
        ({"errors": [{"message": "Something went wrong: timeout"}]}, "limits how much", "large"),
    ],
)
def test_an_error_elsewhere_fails_the_table(answered, read, said, words, code):
    answered(lambda _: said)
    with pytest.raises(Unread, match=words) as caught:
        read("github_member")
    assert caught.value.code == code


@pytest.mark.parametrize(
    "said",
    [
        {"errors": [{"message": "Something went wrong: timeout"}]},
        {"data": None, "errors": [error(kind="MAX_NODE_LIMIT_EXCEEDED", message="too many")]},
        {"data": {}, "errors": [error("x", kind="RESOURCE_LIMITS_EXCEEDED", message="too much")]},
    ],
)
def test_a_page_that_github_does_not_manage_is_asked_for_in_halves(github, monkeypatch, read, said):
    answer, asked = github.graph.answer, []

    def manage(body):
        asked.append(int(re.findall(r"first: (\d+), after", body["query"])[0]))
        return said if asked[-1] > 50 else answer(body)

    monkeypatch.setattr(github.graph, "answer", manage)
    assert len({row["full_name"] for row in read("github_repository")}) == 60
    assert asked == [100, 50, 50]


def test_second_factors_that_github_does_not_show_are_unknown(answered, read):
    def hide(said):
        for edge in said["data"]["organization"]["membersWithRole"]["edges"]:
            edge["hasTwoFactorEnabled"] = None
        return said

    answered(hide)
    found = read("github_member")
    assert all(
        row["has_two_factor"] is None and "owners" in row["_unread"]["has_two_factor"] for row in found
    )


def test_keys_that_are_not_shown_of_one_repository_leave_the_table_unread(answered, read):
    def hide(said):
        said["data"]["organization"]["repositories"]["nodes"][3]["deployKeys"] = None
        return said

    answered(hide)
    with pytest.raises(Unread, match="does not show them of acme-robotics/web-shop") as caught:
        read("github_deploy_key")
    assert caught.value.permission == "Administration: read"


def test_a_span_with_too_many_changes_is_halved(github, read):
    now = github.now
    pulls = [
        {**github.graph._pull(1), "number": number, "mergedAt": at(now - timedelta(hours=number / 4))}
        for number in range(1, 2401)
    ]
    github.graph._pulls = pulls
    stats = ReadStats()
    found = read("github_pull_request", stats)
    assert len(found) == 2400 and len({row["number"] for row in found}) == 2400
    assert stats.calls < 70


def test_changes_that_github_counts_and_does_not_show_leave_the_table_unread(answered, read):
    def more(said):
        said["data"]["search"]["issueCount"] += 1
        return said

    answered(more)
    with pytest.raises(Unread, match="said that there are 131 and showed 130"):
        read("github_pull_request")


def test_an_approval_of_the_author_and_of_an_older_commit_are_told_apart(github, read):
    one = github.graph._pull(1)
    own = {
        "state": "APPROVED",
        "author": {"login": one["author"]["login"]},
        "commit": {"oid": one["headRefOid"]},
    }
    old = {"state": "APPROVED", "author": {"login": "ada"}, "commit": {"oid": "f" * 40}}
    late = {
        "state": "CHANGES_REQUESTED",
        "author": {"login": "katherine"},
        "commit": {"oid": one["headRefOid"]},
    }
    github.graph._pulls = [{**one, "latestOpinionatedReviews": {"nodes": [own, old, late]}}]
    (row,) = read("github_pull_request")
    assert (row["approvers"], row["approvals"], row["approvals_of_last_commit"]) == (["ada"], 1, 0)


def repository(classic=None, found=(), **more):
    branch = {
        "name": "main", "branchProtectionRule": classic, "refUpdateRule": None,
        "rules": {"pageInfo": {"hasNextPage": False}, "nodes": list(found)},
    }  # fmt: skip
    return {"nameWithOwner": "a/b", "visibility": "PRIVATE", "defaultBranchRef": {**branch, **more}}


def rule(kind, enforcement="ACTIVE", bypass=0, **parameters):
    actors = None if bypass is None else {"totalCount": bypass}
    ruleset = {"name": "r", "enforcement": enforcement, "bypassActors": actors}
    return {"type": kind, "repositoryRuleset": ruleset, "parameters": parameters or None}


CLASSIC = {
    "isAdminEnforced": False, "requiresApprovingReviews": True, "requiredApprovingReviewCount": 1,
    "allowsForcePushes": False, "allowsDeletions": True, "requiredStatusCheckContexts": ["ci"],
}  # fmt: skip


def test_the_strictest_of_protection_and_rulesets_holds():
    review = rule("PULL_REQUEST", requiredApprovingReviewCount=2, dismissStaleReviewsOnPush=True)
    row = effective(repository(CLASSIC, [review, rule("DELETION")]))
    assert (row["required_approvals"], row["dismisses_stale_reviews"]) == (2, True)
    assert row["blocks_force_pushes"] and row["blocks_deletion"] and row["status_checks"] == ["ci"]
    assert row["enforced_for_everyone"] is True


@pytest.mark.parametrize(
    ("classic", "rules", "expected"),
    [
        (None, [], (False, False, 0, False)),
        (CLASSIC, [], (True, True, 1, False)),
        ({**CLASSIC, "isAdminEnforced": True}, [], (True, True, 1, True)),
        (None, [rule("PULL_REQUEST", "EVALUATE", requiredApprovingReviewCount=2)], (False, False, 0, False)),
        (None, [rule("PULL_REQUEST", bypass=1, requiredApprovingReviewCount=2)], (True, True, 2, False)),
        (None, [rule("PULL_REQUEST", bypass=None, requiredApprovingReviewCount=2)], (True, True, 2, None)),
    ],
)
def test_the_effective_protection(classic, rules, expected):
    row = effective(repository(classic, rules))
    names = ("is_protected", "requires_pull_request", "required_approvals", "enforced_for_everyone")
    assert tuple(row[name] for name in names) == expected
    assert ("enforced_for_everyone" in row.get("_unread", {})) == (expected[3] is None)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"refUpdateRule": {"pattern": "main"}}, "exists and does not show it"),
        ({"rules": None}, "which rulesets apply"),
        ({"rules": {"pageInfo": {"hasNextPage": True}, "nodes": []}}, "more than 100 rules"),
    ],
)
def test_what_is_not_shown_of_a_protection_is_unknown(changed, words):
    row = effective(repository(**changed))
    assert words in row["_unread"]["required_approvals"] and "required_approvals" not in row


def test_a_repository_without_a_branch_has_no_protection_to_judge():
    assert effective({"nameWithOwner": "a/b", "defaultBranchRef": None}) is None
    marked = {"nameWithOwner": "a/b", "defaultBranchRef": None, "_marks": {"defaultBranchRef": "denied"}}
    assert effective(marked)["_unread"]["is_protected"] == "denied"


def at(moment):
    return moment.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def test_moments_are_utc():
    assert at(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00Z"
