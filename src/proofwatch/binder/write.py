"""Write one binder: every section in its order, then the list of files and its signature."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from proofwatch import __version__
from proofwatch.binder import readme
from proofwatch.binder.archive import Archive
from proofwatch.binder.base import BinderError, Order, Progress, Tools, text_of
from proofwatch.binder.sections import (
    access,
    alerts,
    configuration,
    connections,
    controls,
    coverage,
    log,
    objects,
    remediation,
    shown,
)
from proofwatch.evidence.binder import ABOUT, FORMAT
from proofwatch.evidence.checkpoint import Checkpoint, parse_checkpoint
from proofwatch.evidence.note import split_note
from proofwatch.reports import readiness, verifiers
from proofwatch.reports.provenance import Origin
from proofwatch.store import log as store_log
from proofwatch.store.history import absent
from proofwatch.store.history.bring import WHOLE, fetch
from proofwatch.store.log import DjangoLog
from proofwatch.store.models import Audit, LogEntry
from proofwatch.store.services import controls as lists

SECTIONS: tuple[tuple[str, Callable[[Order, Archive], None]], ...] = (
    ("controls", controls.write),
    ("alerts", alerts.write),
    ("remediation", remediation.write),
    ("configuration", configuration.write),
    ("coverage", coverage.write),
    ("connections", connections.write),
    ("access", access.write),
    ("documents", shown.documents),
    ("screenshots", shown.screenshots),
)
LAST: tuple[tuple[str, Callable[[Order, Archive], None]], ...] = (
    ("log", log.write),
    ("objects", objects.write),
)
"""Written under a checkpoint that is signed after the tables: they hold nothing that the log does not."""


@dataclass(frozen=True, slots=True)
class Made:
    """A binder that was written: how many files it has, and how far its log reaches."""

    path: Path
    files: int
    log_size: int


def write_binder(
    audit: Audit,
    path: Path,
    tools: Tools,
    origin: Origin,
    *,
    kind: str = "binder",
    progress: Progress | None = None,
) -> Made:
    """Write the binder of a period, whole or not at all.

    Memory does not grow with the period: rows are streamed, objects copied one by one.

    Args:
        audit: whose period it is.
        path: the ZIP; its folder is made if needed, an older one is replaced.
        tools: of the installation.
        origin: who asked, when, and by which command or address.
        kind: `binder` or `bundle`.
        progress: called with (stage, done, in all).

    Raises:
        BinderError: the log has no checkpoint yet, or the ZIP cannot be written.
        HistoryError: an archived month of the period could not be brought back, or left meanwhile.
        EvidenceError: an object or an entry is missing or changed: nothing is exported that does not hold.
    """
    listed = lists.of_period(audit)
    since, until = _span(audit)
    fetch(since, until, tools.objects, actor=origin.by, now=origin.now)
    with tempfile.TemporaryDirectory(prefix="proofwatch-binder-") as work:
        order = _under_head(
            Order(
                tools, audit, kind, origin, DjangoLog(), Checkpoint("", 0, b""), "", (0, -1), listed,
                lists.controls_of(listed) if listed else (), Path(work),
                progress or (lambda stage, done, total: None),
            )
        )  # fmt: skip
        order.facts["tables_read_at"] = order.head.size
        order.facts["left_out"] = _left_out(order)
        order.facts["ledger"] = list(readiness.ledger(audit, origin.now, listed))
        with Archive(path, origin.now) as archive:
            for number, (name, write) in enumerate((*SECTIONS, *LAST)):
                if number == len(SECTIONS):
                    order = _under_head(order)
                order.progress(name, number, len(SECTIONS) + len(LAST))
                write(order, archive)
            for verifier in ("verify.py", "verify.html"):
                archive.add_file(verifier, verifiers.path(verifier))
            archive.add_json(ABOUT, _about(order, len(archive.names)))
            archive.add("README.md", readme.readme(order).encode())
            absent.refuse(since, until, WHOLE)
            files = len(archive.names) + 2
            archive.finish(tools.key, order.head)
    return Made(path, files, order.head.size)


def _span(audit: Audit) -> tuple[datetime, datetime]:
    """Return the first moment of a period, and the first one after it."""
    return (
        datetime.combine(audit.first, time.min, UTC),
        datetime.combine(audit.last + timedelta(days=1), time.min, UTC),
    )


def _left_out(order: Order) -> list[str]:
    """Say which controls were in force in the period, and are not in its last control list."""
    known = {control.id for control in order.controls}
    gone = {
        control.id: row.version
        for row in lists.in_force(order.audit)
        for control in lists.controls_of(row)
        if control.id not in known
    }
    return [
        f"Control {name}: version {version} of the control list had it, the last one of the period has not. "
        "Every version is in `controls/`, what its checks found in `objects/`."
        for name, version in sorted(gone.items())
    ]


def _under_head(order: Order) -> Order:
    """Return the order under a checkpoint of all entries so far. Raises BinderError if there is none."""
    note = store_log.sign_checkpoint(order.tools.key)
    if not note:
        raise BinderError(
            "writing a binder", "the log has no checkpoint yet", "Run `proofwatch sweep` first."
        )
    head = parse_checkpoint(split_note(note)[0])
    return replace(order, head=head, note=note, entries=_entries(order.audit, head.size))


def _entries(audit: Audit, size: int) -> tuple[int, int]:
    """Return the first and the last index of the period's entries under the checkpoint."""
    since, until = _span(audit)
    rows = LogEntry.objects.filter(index__lt=size).order_by("index").values_list("index", flat=True)
    first = rows.filter(at__gte=since).first()
    last = rows.filter(at__lt=until).last()
    if first is None or last is None or last < first:
        edge = size if first is None else first
        return edge, edge - 1
    return first, last


def _about(order: Order, files: int) -> dict[str, object]:
    audit, origin = order.audit, order.origin
    return {
        "format": FORMAT,
        "kind": order.kind,
        "audit": {"name": audit.name, "framework": audit.framework, "auditor": audit.auditor},
        "period": {"first": audit.first.isoformat(), "last": audit.last.isoformat()},
        "evidence_until": text_of(order.until),
        "generated_at": text_of(origin.now),
        "generated_by": origin.by,
        "role": origin.named_role(),
        "where": origin.where,
        "organization": origin.organization,
        "mark": origin.mark,
        "system": f"Proofwatch {__version__}",
        "log": {
            "origin": order.head.origin,
            "size": order.head.size,
            "root": order.head.root.hex(),
            "tables_read_at": order.facts["tables_read_at"],
        },
        "entries": {"first": order.entries[0], "last": order.entries[1]},
        "control_list": order.control_list,
        "controls": [control.id for control in order.controls],
        "files": files,
        "rows": order.facts.get("rows", {}),
        "objects": order.facts.get("objects", {}),
        "checkpoints": order.facts.get("checkpoints", 0),
        "kept_outside": order.facts.get("kept", 0),
        "screenshots": order.facts.get("screenshots", 0),
        "left_out": order.facts.get("left_out", []),
        "note": "Factual export, not an opinion.",
    }
