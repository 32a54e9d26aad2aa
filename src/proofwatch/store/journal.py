"""The transitions of findings in one sweep: rows of events, and one line each for the evidence."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

from proofwatch.snapshots.base import Objects
from proofwatch.store import log
from proofwatch.store.models import Finding, FindingEvent, Sweep

INLINE_COUNT = 50
INLINE_BYTES = 32_000
"""Up to so many transitions stand in the log entry itself; more go into one object that it names."""
EVENT_BATCH = 1000


class Journal:
    """Collects transitions with bounded memory: lines go to a file, events in batches."""

    def __init__(self, sweep: Sweep) -> None:
        self.counts: Counter[str] = Counter()
        self._sweep = sweep
        self._folder = tempfile.TemporaryDirectory(prefix="proofwatch-")
        self._path = Path(self._folder.name) / "transitions.ndjson"
        self._file = self._path.open("wb")

    def __enter__(self) -> Journal:
        """Return itself; the lines live as long as the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the lines from disk."""
        self._file.close()
        self._folder.cleanup()

    def add(self, transitions: Iterable[tuple[str, Finding, str]]) -> None:
        """Keep (kind, finding as it now is, reason) for each transition; the findings must be saved."""
        events = []
        for kind, finding, reason in transitions:
            self.counts[kind] += 1
            self._file.write(_line(kind, finding, reason))
            events.append(
                FindingEvent(
                    finding_id=finding.pk,
                    kind=kind,
                    at=self._sweep.observed_at,
                    sweep_id=self._sweep.pk,
                    reason=reason,
                    check_version=finding.check_version,
                )
            )
        FindingEvent.objects.bulk_create(events, batch_size=EVENT_BATCH)

    def evidence(self, objects: Objects) -> dict[str, Any]:
        """Return what the log entry says: the counts, and the transitions or the object that lists them."""
        self._file.flush()
        data: dict[str, Any] = {"counts": dict(sorted(self.counts.items()))}
        total = self.counts.total()
        if total <= INLINE_COUNT and self._path.stat().st_size <= INLINE_BYTES:
            lines = self._path.read_bytes().splitlines()
            return {**data, "changes": [json.loads(line) for line in lines]}
        return {**data, "transitions": objects.put_file(self._path), "lines": total}

    def record(self, objects: Objects, base: dict[str, str], actor: str, at: Any) -> None:
        """Append the one log entry for all transitions, if there were any."""
        if self.counts:
            log.append("findings.changed", actor, {**base, **self.evidence(objects)}, at)


def _line(kind: str, finding: Finding, reason: str) -> bytes:
    """Return one line of sorted JSON; keys are ASCII and values strings, so it is RFC 8785's form too."""
    body = {
        "kind": kind,
        "finding": str(finding.pk),
        "check": finding.check_id,
        "check_version": finding.check_version,
        "account_id": finding.account_id,
        "region": finding.region,
        "resource": finding.resource,
        "severity": finding.severity,
        "reason": reason,
    }
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode() + b"\n"
