"""The entries and manifests that a filled state would have left, so that verifying has them to compare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby, islice
from typing import Any

import rfc8785

COUNTS = ("passed", "failed", "inconclusive", "not_applicable", "accepted")
BATCH = 50


def record(objects: Any, now: datetime) -> None:
    """Write what sweeps, alerts and reviews say into the log, as they would have."""
    from proofwatch.store import log
    from proofwatch.store.django import write

    for part in (_sweeps(objects, now), _alerts(now), _reviews(now)):
        while entries := list(islice(part, 200)):
            with write("filling the log"):
                log.lock()
                log.append_all(entries)


def _sweeps(objects: Any, now: datetime) -> Iterator[tuple[str, str, dict[str, Any], datetime]]:
    from proofwatch.store import log
    from proofwatch.store.models import CheckRun, Sweep

    rows = CheckRun.objects.order_by("sweep_id", "check_id").select_related("sweep__connection")
    for _, group in groupby(rows.iterator(chunk_size=2000), key=lambda row: row.sweep_id):
        runs = list(group)
        sweep = runs[0].sweep
        named = {
            "sweep": str(sweep.pk),
            "connection": str(sweep.connection_id),
            "name": sweep.connection.name,
        }
        observed = log.text(sweep.observed_at)
        checks = [
            {
                "check": row.check_id, "version": row.check_version, "table": row.table, "params": {},
                "counts": {word: getattr(row, word) for word in COUNTS}, "results": "", "reason": "",
                "unread": [],
            }
            for row in runs
        ]  # fmt: skip
        body = {
            "type": "proofwatch sweep manifest",
            **named,
            "observed_at": observed,
            "checks": checks,
            "tables": [],
        }
        digest = objects.put(rfc8785.dumps(body))
        Sweep.objects.filter(pk=sweep.pk).update(manifest=digest)
        yield "sweep.finished", "scheduler", {**named, "observed_at": observed, "manifest": digest}, now


def _alerts(now: datetime) -> Iterator[tuple[str, str, dict[str, Any], datetime]]:
    from proofwatch.store.models import Alert

    for rows in _batches(Alert.objects.order_by("number").iterator(chunk_size=2000)):
        lines = [
            {
                "alert": str(row.pk), "number": row.number, "rule": row.rule_id, "control": row.control_id,
                "before": "", "after": row.state, "count": row.count, "population": row.population,
            }
            for row in rows
        ]  # fmt: skip
        yield "alerts.changed", "system", {"alerts": lines}, now


def _reviews(now: datetime) -> Iterator[tuple[str, str, dict[str, Any], datetime]]:
    from proofwatch.store import log
    from proofwatch.store.models import Review

    for row in Review.objects.select_related("alert").order_by("pk").iterator(chunk_size=2000):
        data = {
            "alert": str(row.alert_id), "number": row.alert.number, "control": row.alert.control_id,
            "role": row.role, "decision": row.decision, "note": row.note, "channel": row.channel,
            "evidence_seen": row.evidence_seen, "one_of": row.bulk_size,
            "decided_at": log.text(row.decided_at),
        }  # fmt: skip
        yield "alert.reviewed", row.reviewer, data, now


def _batches(rows: Iterable[Any]) -> Iterator[list[Any]]:
    rows = iter(rows)
    while batch := list(islice(rows, BATCH)):
        yield batch
