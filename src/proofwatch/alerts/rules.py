"""What a rule is: when an alert begins, for which controls, how long it waits, and where it is told."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import rfc8785
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from proofwatch.alerts.base import AlertError, Policy, default_policy

When = Literal[
    "failing", "no data", "inconclusive", "connection", "coverage", "check disabled", "write permission",
    "unreviewed", "task overdue", "evidence gap", "delivery failed", "drill", "drill failed",
    "checkpoint refused", "credential ends",
]  # fmt: skip
Severity = Literal["critical", "high", "medium", "low"]
MOST_BYTES = 1_000_000
DEFAULTS = Path(str(files("proofwatch"))) / "catalog" / "rules" / "default.yaml"


class Rule(BaseModel):
    """One rule. Times that are not given follow from the severity (`alerts.base.default_policy`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$", description="Name of the rule.")
    title: str = Field(min_length=1, max_length=200, description="What it watches for, in a line.")
    why: str = Field(default="", max_length=2000, description="Why it matters; told with every message.")
    when: When = Field(description="The condition.")
    controls: tuple[str, ...] = Field(default=("*",), description="Control ids; * stands for any text.")
    checks: tuple[str, ...] = Field(default=("*",), description="Only these checks of the controls.")
    severities: tuple[Severity, ...] = Field(default=(), description="Only checks of these; none: all.")
    connections: tuple[str, ...] = Field(default=("*",), description="Only these connections.")
    tags: tuple[Annotated[str, Field(pattern=r"^[^=]+=.*$", max_length=600)], ...] = Field(
        default=(), max_length=50, description="Only resources with one of these tags, key=value; none: all."
    )
    count: int = Field(default=1, ge=1, description="It fires at this many failing resources …")
    percent: float | None = Field(default=None, gt=0, le=100, description="… or at this part of them.")
    recover_count: int = Field(default=0, ge=0, description="It recovers at this many or fewer.")
    group: tuple[Literal["account_id", "region", "check_id", "resource"], ...] = Field(
        default=(), description="An alert for each value of these, beyond control and connection."
    )
    minutes: int = Field(default=0, ge=0, le=525600, description="For how long a control must stand so.")
    severity: Severity | None = Field(default=None, description="Of the alert; default: the worst check's.")
    wait_minutes: int | None = Field(default=None, ge=0, le=10080, description="From failing to telling.")
    recover_after: int = Field(default=2, ge=1, le=20, description="Complete passing runs that prove it.")
    ack_hours: float | None = Field(default=None, gt=0, le=720, description="How long an answer holds.")
    escalate_hours: float | None = Field(default=None, gt=0, le=720, description="Until the next is told.")
    repeat_hours: float = Field(default=24, gt=0, le=720, description="How often an unseen alert is told.")
    sla_days: float | None = Field(default=None, gt=0, le=365, description="Days to repair it.")
    channels: tuple[str, ...] = Field(default=("*",), description="Names of the channels that tell it.")
    team: str = Field(default="", max_length=60, description="Whose on-call is named; quiet hours are its.")
    escalate: tuple[str, ...] = Field(
        default=("role:lead", "role:owner"),
        description="Whom each next level names: team:NAME, person:NAME or role:NAME.",
    )
    task: Literal["on review", "at once", "by hand"] = Field(
        default="on review", description="When a task is made: a review that decides `repair`, or opening."
    )
    tracker: str = Field(default="*", max_length=60, description="The tracker that tasks go to; * is any.")
    gather_minutes: int | None = Field(
        default=None, ge=0, le=1440, description="How long a message waits for others; critical: 0, else 2."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Rule:
        if self.recover_count >= self.count and self.percent is None:
            raise ValueError(f"recover_count ({self.recover_count}) must be less than count ({self.count})")
        if self.percent is not None and self.group:
            raise ValueError("percent cannot be told by group: only whole populations are counted")
        if self.percent is not None and self.tags:
            raise ValueError("percent cannot be told by tag: only whole populations are counted")
        for level in self.escalate:
            kind, _, name = level.partition(":")
            if kind not in ("team", "person", "role") or not name:
                raise ValueError(f"escalate: {level!r} is not team:NAME, person:NAME or role:NAME")
        if self.when != "failing" and (self.group or self.tags or self.percent is not None):
            raise ValueError(f"group, tags and percent belong to `when: failing`, not to {self.when}")
        return self

    def policy(self, severity: str) -> Policy:
        """Return the times of this rule for an alert of a severity."""
        base = default_policy(severity)
        return Policy(
            wait=base.wait if self.wait_minutes is None else timedelta(minutes=self.wait_minutes),
            recover_after=self.recover_after,
            ack_timeout=_hours(self.ack_hours, base.ack_timeout),
            escalate_after=_hours(self.escalate_hours, base.escalate_after),
            repeat=timedelta(hours=self.repeat_hours),
            sla=base.sla if self.sla_days is None else timedelta(days=self.sla_days),
        )

    def gather(self, severity: str) -> timedelta:
        """Return how long a first message waits for others that belong to the same event."""
        default = 0 if severity == "critical" else 2
        return timedelta(minutes=default if self.gather_minutes is None else self.gather_minutes)

    def covers(self, control: str) -> bool:
        """Tell whether the rule is about a control."""
        return matches(control, self.controls)

    def body(self) -> dict[str, Any]:
        """Return the rule as plain data, without what is default."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def sha256(self) -> str:
        """Return the digest of the whole rule in canonical JSON."""
        return hashlib.sha256(rfc8785.dumps(self.model_dump(mode="json"))).hexdigest()


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Tell whether a name is one of these; `*` stands for any text, and case counts."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def parse_rule(body: Mapping[str, Any], doing: str) -> Rule:
    """Validate one rule. Raises AlertError naming each wrong field."""
    try:
        return Rule.model_validate(dict(body))
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in item['loc']) or 'the rule'}: {item['msg']}"
            for item in error.errors()
        )
        name = body.get("id", "without an id")
        raise AlertError(doing, f"rule {name}: {wrong}", "See docs/alerts.md for the form.") from None


def load_rules(path: Path = DEFAULTS) -> tuple[Rule, ...]:
    """Read a file of rules. Raises AlertError for what is wrong in it, all of it or nothing."""
    doing = f"reading {path}"
    try:
        if path.stat().st_size > MOST_BYTES:
            raise AlertError(doing, f"it is longer than {MOST_BYTES} bytes")
        body = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise AlertError(doing, " ".join(str(error).split()), "Name a YAML file of rules.") from None
    items = body.get("rules") if isinstance(body, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise AlertError(doing, "it has no list `rules`", "See docs/alerts.md for the form.")
    rules = tuple(parse_rule(item, doing) for item in items)
    names = [rule.id for rule in rules]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise AlertError(doing, f"{', '.join(twice)} stands twice", "Give each rule its own id.")
    return rules


def _hours(given: float | None, default: timedelta) -> timedelta:
    return default if given is None else timedelta(hours=given)
