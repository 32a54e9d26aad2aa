"""Judging IAM policy documents: what they allow, what they deny, and where that cannot be told.

The order of AWS's evaluation is kept (an explicit deny wins, then an allow is needed, then the permissions
boundary must allow it, too). Conditions are never guessed: a statement that depends on one makes the
answer "conditional". Organization and session policies are not in sight here and can only take away.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

Answer = Literal["allowed", "partly", "conditional", "denied", "not allowed"]
"""`partly`: for some resources only; `denied`: by an explicit deny; `not allowed`: by no statement."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, its lists made whole and perhaps inverted (Not…), its condition as JSON text."""

    effect: Literal["Allow", "Deny"]
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_action: bool = False
    not_resource: bool = False
    condition: str = ""

    def covers(self, action: str) -> bool:
        """Tell whether the statement speaks of `action`."""
        return any(matches(pattern, action) for pattern in self.actions) != self.not_action

    @property
    def everywhere(self) -> bool:
        """Whether the statement holds for every resource."""
        if self.not_resource:
            return not self.resources
        return any(not resource.strip("*") for resource in self.resources)


@dataclass(frozen=True, slots=True)
class Document:
    """One policy as read: where it is attached, and its SHA-256 over the text that AWS gave."""

    name: str
    kind: str
    arn: str
    version: str
    sha256: str
    statements: tuple[Statement, ...]

    def facts(self) -> dict[str, str]:
        """Return what goes into evidence: names, version and digest, never the text."""
        return {
            "name": self.name,
            "kind": self.kind,
            "arn": self.arn,
            "version": self.version,
            "sha256": self.sha256,
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for one action, and the policy that decided."""

    answer: Answer
    by: str = ""


def matches(pattern: str, action: str) -> bool:
    """Match an IAM pattern (`*`, `?`, any case) against an action name."""
    return _pattern(pattern).fullmatch(action) is not None


@lru_cache(maxsize=8192)
def _pattern(pattern: str) -> re.Pattern[str]:
    parts = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern)
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)


def parse(document: Mapping[str, Any] | str) -> tuple[Statement, ...]:
    """Return the statements of a policy document.

    Raises:
        ValueError: the document is not a policy; the message says what is missing.
    """
    body = json.loads(document) if isinstance(document, str) else document
    if not isinstance(body, Mapping) or "Statement" not in body:
        raise ValueError("the policy has no Statement")
    return tuple(_statement(item) for item in _list(body["Statement"]))


def make_document(
    name: str, kind: str, document: Mapping[str, Any] | str, *, arn: str = "", version: str = ""
) -> Document:
    """Parse and fingerprint one policy. A mapping is fingerprinted in its shortest sorted JSON."""
    text = (
        document
        if isinstance(document, str)
        else json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    )
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Document(name, kind, arn, version, digest, parse(document))


def decide(documents: Sequence[Document], action: str, boundary: Document | None = None) -> Decision:
    """Judge `action` on every resource by identity policies and, if given, a permissions boundary."""
    own = _decide(documents, action)
    if boundary is None or own.answer in ("denied", "not allowed"):
        return own
    limit = _decide([boundary], action)
    if limit.answer == "not allowed":
        return Decision("denied", f"permissions boundary {boundary.name}")
    return limit if _ORDER[limit.answer] > _ORDER[own.answer] else own


_ORDER: dict[Answer, int] = {"allowed": 0, "partly": 1, "conditional": 2, "not allowed": 3, "denied": 4}


def _decide(documents: Sequence[Document], action: str) -> Decision:
    allows: list[Decision] = []
    limits: list[Decision] = []
    for document in documents:
        for statement in document.statements:
            if not statement.covers(action):
                continue
            answer: Answer = "allowed"
            if statement.condition:
                answer = "conditional"
            elif not statement.everywhere:
                answer = "partly"
            if statement.effect == "Allow":
                allows.append(Decision(answer, document.name))
            elif answer == "allowed":
                return Decision("denied", document.name)
            else:
                limits.append(Decision(answer, document.name))
    if not allows:
        return Decision("not allowed")
    best = min(allows, key=lambda decision: _ORDER[decision.answer])
    # A deny for some resources or under a condition leaves less than the allow gave.
    return max([best, *limits], key=lambda decision: _ORDER[decision.answer])


def allowed_patterns(documents: Iterable[Document]) -> list[tuple[str, Document, Statement]]:
    """Return every action pattern that some statement allows (an inverted list counts as `*`)."""
    found: list[tuple[str, Document, Statement]] = []
    for document in documents:
        for statement in document.statements:
            if statement.effect == "Allow":
                patterns = ("*",) if statement.not_action else statement.actions
                found += [(pattern, document, statement) for pattern in patterns]
    return found


def _statement(item: Any) -> Statement:
    if not isinstance(item, Mapping) or item.get("Effect") not in ("Allow", "Deny"):
        raise ValueError("a statement has no Effect of Allow or Deny")
    not_action = "Action" not in item
    not_resource = "Resource" not in item and "NotResource" in item
    return Statement(
        item["Effect"],
        tuple(_list(item.get("NotAction" if not_action else "Action"))),
        tuple(_list(item.get("NotResource" if not_resource else "Resource", "*"))),
        not_action,
        not_resource,
        json.dumps(item["Condition"], sort_keys=True) if item.get("Condition") else "",
    )


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
