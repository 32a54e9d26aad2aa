"""Every permission that the chosen tables need, tested by name, and how each answer is known.

Three ways, from best to worst: AWS's own policy simulation; judging the policies attached to us; making the
listing call. What none of them can tell is said to be unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from proofwatch.connectors.aws import errors
from proofwatch.connectors.aws.clients import Clients
from proofwatch.connectors.aws.identity import Principal, read_policies, read_principal
from proofwatch.connectors.aws.policy import Decision, decide
from proofwatch.connectors.aws.scope import selected_accounts
from proofwatch.connectors.base import GLOBAL, ConnectorError, Permission, Table

SUPPORT = ("ec2:DescribeRegions", "organizations:ListAccounts")
"""What telling the scope needs, whatever tables are chosen."""

BATCH = 100
"""Action names in one simulation."""

Answers = dict[str, tuple[bool | None, str]]
_Call = tuple[str, str, Mapping[str, Any], str]
_SUPPORT_CALLS: dict[str, _Call] = {
    "ec2:DescribeRegions": ("ec2", "DescribeRegions", {}, "region"),
    "organizations:ListAccounts": ("organizations", "ListAccounts", {}, "global"),
}


@dataclass(frozen=True, slots=True)
class Simulated:
    """AWS's own answer for one action: `allowed`, `explicitDeny` or `implicitDeny`, and what it missed."""

    decision: str
    policies: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    organization_denies: bool = False

    @property
    def allowed(self) -> bool | None:
        """Whether the action is allowed; None when that hangs on facts of the request."""
        if self.decision == "allowed":
            return True
        return None if self.missing and self.decision == "implicitDeny" else False


def check_permissions(clients: Clients, tables: Sequence[Table]) -> list[Permission]:
    """Test every permission of `tables`, and those of the scope, in each selected account.

    Raises:
        ConnectorError: STS did not say who we are.
    """
    needs: dict[str, list[str]] = {name: [] for name in SUPPORT}
    for table in tables:
        for name in table.permissions:
            needs.setdefault(name, []).append(table.name)
    found: list[Permission] = []
    for account in selected_accounts(clients)[0]:
        answers = _account_answers(clients, account, needs, tables)
        found += [
            Permission(name, *answers[name], tables=tuple(needs[name]), account_id=account)
            for name in sorted(needs)
            if name != "organizations:ListAccounts" or account == clients.caller["Account"]
        ]
    return found


def simulate(clients: Clients, principal: Principal, actions: Sequence[str]) -> dict[str, Simulated]:
    """Ask AWS to simulate `actions` on every resource for `principal`.

    Raises:
        ClientError, BotoCoreError: the simulation itself is refused or not offered.
    """
    iam = clients.client(principal.account_id, GLOBAL, "iam")
    found: dict[str, Simulated] = {}
    for start in range(0, len(actions), BATCH):
        batch = list(actions[start : start + BATCH])
        request: dict[str, Any] = {"PolicySourceArn": principal.arn, "ActionNames": batch}
        while True:
            answer = iam.simulate_principal_policy(**request)
            for item in answer["EvaluationResults"]:
                found[item["EvalActionName"]] = _simulated(item)
            if not answer.get("IsTruncated"):
                break
            request["Marker"] = answer["Marker"]
    return found


def _simulated(item: Mapping[str, Any]) -> Simulated:
    organization = item.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True)
    return Simulated(
        item["EvalDecision"],
        tuple(
            sorted({match.get("SourcePolicyId", "") for match in item.get("MatchedStatements", ())} - {""})
        ),
        tuple(item.get("MissingContextValues", ())),
        organization_denies=not organization,
    )


def _account_answers(
    clients: Clients, account: str, needs: Mapping[str, list[str]], tables: Sequence[Table]
) -> Answers:
    try:
        principal = read_principal(clients, account)
    except ConnectorError as error:
        return dict.fromkeys(needs, (None, f"cannot tell: {error.problem}"))
    if principal.kind == "root":
        return dict.fromkeys(needs, (True, "the root user may do everything in its account"))
    try:
        return _by_simulation(simulate(clients, principal, sorted(needs)), needs)
    except errors.failures() as error:
        why = errors.unread(error, "simulating", "iam:SimulatePrincipalPolicy").problem
    answers = _by_policies(clients, principal, needs)
    open_names = [name for name, (allowed, _) in answers.items() if allowed is None]
    answers.update(_by_probes(clients, account, open_names, tables, answers))
    note = f" (iam:SimulatePrincipalPolicy: {why})"
    return {
        name: (allowed, how + note if allowed is None else how) for name, (allowed, how) in answers.items()
    }


def _by_simulation(simulated: Mapping[str, Simulated], needs: Mapping[str, list[str]]) -> Answers:
    answers: Answers = {}
    for name in needs:
        result = simulated.get(name)
        if result is None:
            answers[name] = (None, "cannot tell: the simulation left it out")
            continue
        how = f"simulated by AWS: {result.decision}"
        if result.policies:
            how += f" by {', '.join(result.policies)}"
        if result.organization_denies:
            how += ", denied by the organization's policies"
        if result.allowed is None:
            how += f", depends on {', '.join(result.missing)}"
        answers[name] = (result.allowed, how)
    return answers


def _by_policies(clients: Clients, principal: Principal, needs: Mapping[str, list[str]]) -> Answers:
    policies = read_policies(clients, principal)
    answers: Answers = {}
    for name in needs:
        decision = decide(policies.documents, name, policies.boundary)
        if decision.answer == "denied":
            answers[name] = (False, f"denied by {decision.by}")
        elif policies.unread:
            answers[name] = (None, f"cannot tell from policies: {policies.unread[0]}")
        else:
            answers[name] = _judged(decision)
    return answers


def _judged(decision: Decision) -> tuple[bool | None, str]:
    if decision.answer == "allowed":
        return True, f"allowed by {decision.by}; organization policies were not in sight"
    if decision.answer == "not allowed":
        return False, "no attached policy allows it"
    limit = "for some resources only" if decision.answer == "partly" else "under a condition"
    return None, f"{decision.by} decides it {limit}"


def _by_probes(
    clients: Clients, account: str, names: Sequence[str], tables: Sequence[Table], before: Answers
) -> Answers:
    """Make one page of each listing call whose permission is still open: reading is all it does."""
    calls = _listing_calls(tables) | _SUPPORT_CALLS
    open_calls = [name for name in names if name in calls]
    with ThreadPoolExecutor(clients.settings.max_concurrency) as pool:
        results = dict(
            zip(
                open_calls,
                pool.map(lambda name: _probe(clients, account, *calls[name]), open_calls),
                strict=True,
            )
        )
    rest = {name: (None, f"{before[name][1]}; needs a resource to try it on") for name in names}
    return {**rest, **results}


def _listing_calls(tables: Sequence[Table]) -> dict[str, _Call]:
    from proofwatch.connectors.aws.tables import declaration

    calls: dict[str, _Call] = {}
    for table in tables:
        if not table.permissions:
            continue  # As of one that is made from what was read: it has no declaration.
        declared = declaration(table.name)
        if declared.parent or declared.reader:
            continue
        name = declared.permission or table.permissions[0]
        calls.setdefault(name, (declared.service, declared.op, declared.params, declared.place))
    return calls


def _probe(
    clients: Clients, account: str, service: str, operation: str, params: Mapping[str, Any], place: str
) -> tuple[bool | None, str]:
    from botocore import xform_name

    region = GLOBAL if place == "global" else clients.home_region
    try:
        client = clients.client(account, region, service)
        getattr(client, xform_name(operation))(**_filled(params, account))
    except errors.failures() as error:
        reason = errors.describe(error)
        if reason.kind == "denied":
            return False, f"tried {operation}: {reason.code}"
        return None, f"cannot tell, tried {operation}: {reason.code or reason.words}"
    return True, f"tried {operation}: answered"


def _filled(params: Mapping[str, Any], account: str) -> dict[str, Any]:
    return {
        key: value.replace("{account}", account) if isinstance(value, str) else value
        for key, value in params.items()
    }
