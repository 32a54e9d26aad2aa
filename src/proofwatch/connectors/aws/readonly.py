"""What could this identity write? Answered by AWS, kept as evidence.

Two independent answers are sought: AWS's simulation of every writing action of the services that we read,
and the policy documents attached to us. One that shows a write decides. Neither available: it cannot be told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from proofwatch.connectors.aws import errors
from proofwatch.connectors.aws.clients import Clients
from proofwatch.connectors.aws.identity import Policies, Principal, read_policies, read_principal
from proofwatch.connectors.aws.permissions import simulate
from proofwatch.connectors.aws.policy import Document, Statement, allowed_patterns, decide
from proofwatch.connectors.aws.scope import selected_accounts
from proofwatch.connectors.aws.writes import CONTENTS, may_write, write_actions
from proofwatch.connectors.base import ConnectorError, ReadOnlyProof

BECOME = "sts:AssumeRole"
"""Leads to other identities, which are proven by themselves where they are selected."""

_READING_SESSION = '{"StringEquals": {"s3express:SessionMode": "ReadOnly"}}'
"""The one condition that we understand: AWS's ReadOnlyAccess allows sessions with it that only read."""

_MOST_NAMED = 50


@dataclass(slots=True)
class _Proof:
    """The proof of one account. `simulated`, `judged`: whether that way gave a complete answer."""

    principal: str = ""
    writes: set[str] = field(default_factory=set)
    maybe: set[str] = field(default_factory=set)
    contents: set[str] = field(default_factory=set)
    becomes: bool = False
    simulated: bool = False
    judged: bool = False
    reasons: list[str] = field(default_factory=list)
    evidence: dict[str, Any] = field(default_factory=dict)

    @property
    def read_only(self) -> bool | None:
        if self.writes:
            return False
        if self.maybe or not (self.simulated or self.judged):
            return None
        return True

    @property
    def methods(self) -> list[str]:
        ways = [("iam:SimulatePrincipalPolicy", self.simulated), ("attached policy documents", self.judged)]
        return [name for name, complete in ways if complete]


def prove(clients: Clients) -> ReadOnlyProof:
    """Prove for every selected account what the identity that reads it could write.

    Raises:
        ConnectorError: STS did not say who we are.
    """
    accounts, unknown = selected_accounts(clients)
    return _combine(clients, {account: _prove(clients, account) for account in accounts}, unknown)


def _prove(clients: Clients, account: str) -> _Proof:
    proof = _Proof()
    try:
        principal = read_principal(clients, account)
    except ConnectorError as error:
        proof.reasons.append(f"who reads {account} is unknown: {error.problem}")
        return proof
    proof.principal = principal.arn
    if principal.kind == "root":
        proof.writes.add("*:*")
        proof.judged = True
        proof.reasons.append("the root user may do everything")
        return proof
    _by_simulation(clients, principal, proof)
    _by_documents(read_policies(clients, principal), proof)
    return proof


def _by_simulation(clients: Clients, principal: Principal, proof: _Proof) -> None:
    actions = write_actions()
    try:
        answers = simulate(clients, principal, [*actions, *CONTENTS, BECOME])
    except errors.failures() as error:
        problem = errors.unread(error, "simulating", "iam:SimulatePrincipalPolicy").problem
        proof.reasons.append(f"iam:SimulatePrincipalPolicy: {problem}")
        return
    proof.writes |= {name for name in actions if name in answers and answers[name].allowed}
    proof.maybe |= {name for name in actions if name in answers and answers[name].allowed is None}
    proof.contents |= {name for name in CONTENTS if name in answers and answers[name].allowed}
    proof.becomes |= BECOME in answers and bool(answers[BECOME].allowed)
    left_out = [name for name in actions if name not in answers]
    proof.simulated = not left_out
    if left_out:
        proof.reasons.append(f"the simulation left out {len(left_out)} of {len(actions)} writing actions")
    proof.evidence["simulation"] = {
        "actions": len(answers),
        "decisions": _count(answer.decision for answer in answers.values()),
        "allowed": sorted(name for name, answer in answers.items() if answer.decision == "allowed"),
    }


def _by_documents(policies: Policies, proof: _Proof) -> None:
    proof.evidence.update(policies.facts())
    if policies.unread:
        proof.reasons.append(f"attached policies: {policies.unread[0]}")
    proof.judged = not policies.unread
    for pattern, document, statement in allowed_patterns(policies.documents):
        for action in _may_write(pattern, statement):
            _judge(action, document, statement, policies, proof)
    for action in CONTENTS:
        if decide(policies.documents, action, policies.boundary).answer in ("allowed", "partly"):
            proof.contents.add(action)
    proof.becomes |= decide(policies.documents, BECOME, policies.boundary).answer == "allowed"


def _may_write(pattern: str, statement: Statement) -> list[str]:
    if statement.not_action:
        return [action for action in write_actions() if statement.covers(action)] or ["*"]
    if statement.condition == _READING_SESSION and pattern.lower() == "s3express:createsession":
        return []
    return may_write(pattern)


def _judge(action: str, document: Document, statement: Statement, policies: Policies, proof: _Proof) -> None:
    answer = decide(policies.documents, action, policies.boundary).answer
    if answer == "not allowed" and "*" in action:
        # The pattern is no action itself; the statement that holds it allows what it covers.
        answer = "conditional" if statement.condition else "allowed"
    if answer in ("allowed", "partly"):
        # AWS's own answer outranks our reading: it also knows organization policies.
        known = proof.simulated and action in write_actions() and answer == "allowed"
        if not known:
            proof.writes.add(action)
            proof.evidence.setdefault("allowed_by", {})[action] = document.name
    elif answer == "conditional":
        proof.maybe.add(action)


def _combine(clients: Clients, proofs: dict[str, _Proof], unknown: list[str]) -> ReadOnlyProof:
    verdicts = [proof.read_only for proof in proofs.values()]
    read_only: bool | None = None
    if verdicts and not unknown and all(verdict is True for verdict in verdicts):
        read_only = True
    elif False in verdicts:
        read_only = False
    methods = sorted({name for proof in proofs.values() for name in proof.methods})
    writes = sorted(set().union(*(proof.writes for proof in proofs.values())))
    evidence = {
        "caller": clients.caller["Arn"],
        "accounts": {account: _facts(proof) for account, proof in proofs.items()},
    }
    return ReadOnlyProof(
        read_only,
        " and ".join(methods) or "none available",
        tuple(writes),
        "; ".join([_reason(read_only, proofs, writes), *unknown]),
        evidence,
    )


def _facts(proof: _Proof) -> dict[str, Any]:
    return {
        "principal": proof.principal,
        "read_only": proof.read_only,
        "methods": proof.methods,
        "writes": sorted(proof.writes),
        "writes_under_condition": sorted(proof.maybe),
        "can_read_contents": sorted(proof.contents),
        "may_assume_every_role": proof.becomes,
        "not_told": list(proof.reasons),
        **proof.evidence,
    }


def _reason(read_only: bool | None, proofs: dict[str, _Proof], writes: list[str]) -> str:
    parts: list[str] = []
    if read_only is False:
        named = ", ".join(writes[:_MOST_NAMED])
        rest = f" and {len(writes) - _MOST_NAMED} more" if len(writes) > _MOST_NAMED else ""
        parts.append(f"this identity may write: {named}{rest}")
    elif read_only is None:
        parts.append("it cannot be told whether this identity may write")
        for account, proof in proofs.items():
            if proof.read_only is None:
                if proof.maybe:
                    parts.append(f"{account}: under a condition it may {', '.join(sorted(proof.maybe)[:5])}")
                parts += [f"{account}: {reason}" for reason in proof.reasons]
    else:
        parts.append(f"no writing action of {len(write_actions())} is allowed")
    contents = sorted(set().union(*(proof.contents for proof in proofs.values())))
    if contents:
        parts.append(f"it can read contents, which no table needs: {', '.join(contents)}")
    if any(proof.becomes for proof in proofs.values()):
        parts.append(f"it may ask for every role ({BECOME} on *), whose own policies then count")
    return "; ".join(parts)


def _count(values: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return dict(sorted(counts.items()))
