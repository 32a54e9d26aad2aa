"""What a binder is made from, and the errors of making one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from proofwatch.checks.base import Check
from proofwatch.controls.base import Control
from proofwatch.errors import ProofwatchError
from proofwatch.evidence.base import LogReader
from proofwatch.evidence.checkpoint import Checkpoint
from proofwatch.evidence.note import Signer
from proofwatch.evidence.objects import ObjectStore
from proofwatch.reports.provenance import Origin
from proofwatch.store.models import Audit, ControlList

Progress = Callable[[str, int, int], None]
"""(stage, done, in all)."""


class BinderError(ProofwatchError):
    """A binder could not be written. Nothing half-written is left under its name."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What every binder of an installation is made with; all of it is handed in.

    Attributes:
        objects: the write-once store.
        cache: folder of rebuilt tables.
        key: signs the log and the list of files.
        checks: the catalogue as it stands.
        criteria: criterion id → title.
        organization: whose controls these are.
        mark: a label that everything bears, as in a demo.
    """

    objects: ObjectStore
    cache: Path
    key: Signer
    checks: Mapping[str, Check]
    criteria: Mapping[str, str]
    organization: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """One binder that is to be written.

    Attributes:
        tools: of the installation.
        audit: whose period it is; not stored for a month's bundle.
        kind: binder or bundle.
        origin: who asked, when, and by which command.
        log: the log, of which the part under `head` goes in.
        head: the checkpoint that the binder is made under.
        note: the same as it was signed.
        entries: first and last index of the period's entries; (n, n - 1) if there are none.
        listed: the control list in force at the end of the period, or now; None if there is none.
        controls: its controls.
        work: folder for temporary files.
        progress: told how far it is.
    """

    tools: Tools
    audit: Audit
    kind: str
    origin: Origin
    log: LogReader
    head: Checkpoint
    note: str
    entries: tuple[int, int]
    listed: ControlList | None
    controls: tuple[Control, ...]
    work: Path
    progress: Progress = lambda stage, done, total: None
    facts: dict[str, Any] = field(default_factory=dict)
    """What sections found out for the README and binder.json: counts, what was left out, and why."""

    @property
    def since(self) -> datetime:
        """Return the moment at which the period begins."""
        return datetime.combine(self.audit.first, time.min, UTC)

    @property
    def until(self) -> datetime:
        """Return the moment before which it ends: the day after its last one, or now."""
        return min(datetime.combine(self.audit.last + timedelta(days=1), time.min, UTC), self.origin.now)

    @property
    def last_day(self) -> date:
        """Return its last day so far."""
        last: date = self.audit.last
        return min(last, self.origin.now.astimezone(UTC).date())

    @property
    def control_list(self) -> dict[str, str]:
        """Return what the control list calls itself, and its SHA-256; {} if there is none."""
        return {"version": self.listed.version, "sha256": self.listed.sha256} if self.listed else {}

    @property
    def span(self) -> dict[str, str]:
        """Return the period as the filters of a list."""
        return {"from": text_of(self.since), "to": text_of(self.until)}


def text_of(at: datetime) -> str:
    """Return a moment as RFC 3339 in UTC with Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
