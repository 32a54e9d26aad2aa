"""A state as large as a company has after two years, written straight into the tables for the benchmark."""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

CONTROLS, CHECKS, ACCOUNTS = 60, 300, 40
REGIONS = ("eu-west-1", "eu-central-1", "us-east-1")
STATUSES = ("failing", "passing", "inconclusive", "accepted")


def fill(now: datetime, *, findings: int, alerts: int, days: int, resources: int) -> None:
    """Write controls, connections, sweeps, runs, findings, alerts with their history, tasks and the log."""
    from django.db import transaction

    from proofwatch.controls.base import Control, ControlList
    from proofwatch.store.models import Alert, Connection, Finding, Sweep
    from proofwatch.store.services import connections, controls

    chance = random.Random(7)
    names = _checks()
    listed = tuple(
        Control(
            f"C-{number:02}", f"Control {number}", "It is so.", "lead", ("CC6.1",),
            tuple(names[number * 5 : number * 5 + 5]), ("aws",), "hourly",
        )
        for number in range(CONTROLS)
    )  # fmt: skip
    row = controls.import_list(_summed(ControlList("soc2", "1", "t", listed, "")), actor="bench", now=now)
    controls.approve(row.number, actor="bench", now=now)
    begun = now - timedelta(days=days)
    owners = [
        connections.create(name, "aws", {}, actor="bench", now=begun, interval_minutes=60)
        for name in ("prod", "staging", "research")
    ]
    Connection.objects.update(
        state="connected", last_complete_at=now, last_attempt_at=now, objects_read=resources // 3
    )
    with transaction.atomic():
        runs = _sweeps(Sweep, owners, begun, now)
        _check_runs(owners, runs, names, now, resources, chance)
        _statuses(row, begun, now, chance)
        keys = list(_findings(Finding, owners, runs, names, begun, now, findings, chance))
        _alerts(Alert, owners, begun, now, alerts, keys, chance)
    _log(now, days)


def _summed(listed: Any) -> Any:
    from dataclasses import replace

    import rfc8785

    from proofwatch.controls.load import as_body

    return replace(listed, sha256=hashlib.sha256(rfc8785.dumps(as_body(listed))).hexdigest())


def _checks() -> list[str]:
    """Return the ids of the checks that are shipped; those beyond are named like them."""
    from proofwatch.app import App

    known = sorted(App().catalog.checks)
    return [*known, *(f"aws.bench.check-{number}" for number in range(CHECKS))][:CHECKS]


def _write(model: Any, rows: Iterable[Any]) -> None:
    rows = iter(rows)
    while batch := list(islice(rows, 2000)):
        model.objects.bulk_create(batch)


def _sweeps(model: Any, owners: list[Any], begun: datetime, now: datetime) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = {}
    for owner in owners:
        found[owner.pk] = [
            model(
                connection=owner, slot=begun + timedelta(hours=hour), trigger="schedule",
                state="partial" if hour % 997 == 0 else "complete",
                observed_at=begun + timedelta(hours=hour), started_at=begun + timedelta(hours=hour),
                finished_at=begun + timedelta(hours=hour, minutes=9), counts={"failed": 30, "objects": 10},
                actor="scheduler",
            )
            for hour in range(int((now - begun) / timedelta(hours=1)))
        ]  # fmt: skip
        _write(model, found[owner.pk])
    return found


def _check_runs(
    owners: list[Any],
    runs: dict[Any, list[Any]],
    names: list[str],
    now: datetime,
    resources: int,
    chance: Any,
) -> None:
    """Write the runs of a check every day, and of the newest sweep."""
    from proofwatch.store.models import CheckRun

    def rows() -> Iterator[Any]:
        for owner in owners:
            chosen = [*runs[owner.pk][:-1:24], runs[owner.pk][-1]]
            for sweep in chosen:
                for name in names:
                    yield CheckRun(
                        sweep=sweep, connection=owner, latest=sweep is chosen[-1],
                        observed_at=sweep.observed_at,
                        check_id=name, check_version="1" * 64, table="aws_s3_bucket", severity="high",
                        passed=resources // len(names), failed=110, results="",
                    )  # fmt: skip

    _write(CheckRun, rows())


def _statuses(row: Any, begun: datetime, now: datetime, chance: Any) -> None:
    from proofwatch.store.models import ControlStatus, ControlStatusHistory

    history, current = [], []
    for number in range(CONTROLS):
        at, before = begun, ""
        while at < now:
            status = chance.choice(STATUSES)
            values: dict[str, Any] = {
                "status": status, "severity": "high", "reason": f"{status}: 110 of 3000 results",
                "counts": {"failed": 110, "passed": 2890}, "observed_at": now, "sweeps": [], "checks": [],
                "control_list": row,
            }  # fmt: skip
            history.append(ControlStatusHistory(control_id=f"C-{number:02}", at=at, before=before, **values))
            before, since = status, at
            at += timedelta(hours=chance.randrange(20, 400))
        current.append(ControlStatus(control_id=f"C-{number:02}", since=since, **values))
    _write(ControlStatusHistory, history)
    ControlStatus.objects.all().delete()
    _write(ControlStatus, current)


def _findings(
    model: Any, owners: list[Any], runs: dict[Any, list[Any]], names: list[str], begun: datetime,
    now: datetime, number: int, chance: Any,
) -> Iterator[uuid.UUID]:  # fmt: skip
    made = []
    for item in range(number):
        owner = owners[item % len(owners)]
        at = begun + (now - begun) * chance.random()
        made.append(
            model(
                pk=uuid.UUID(int=chance.getrandbits(128), version=4), connection=owner,
                check_id=names[item % CHECKS],
                account_id=f"{item % ACCOUNTS:012}", region=REGIONS[item % 3],
                resource=f"arn:aws:s3:::bucket-{item:07}", state="open", severity=("high", "low")[item % 2],
                reason=f"bucket-{item:07} is not encrypted", check_version="1" * 64, first_failed_at=at,
                last_failed_at=now, last_observed_at=now, opened_at=at, opened_sweep=runs[owner.pk][0],
            )
        )  # fmt: skip
    _write(model, made)
    for row in made:
        yield row.pk


def _alerts(
    model: Any,
    owners: list[Any],
    begun: datetime,
    now: datetime,
    number: int,
    keys: list[uuid.UUID],
    chance: Any,
) -> None:
    from proofwatch.store.models import AlertEvent, AlertResource, Delivery, Review, Task

    rows, events, members, messages, reviews, tasks = [], [], [], [], [], []
    for item in range(number):
        at = begun + (now - begun) * (item / number)
        over = item % 3 == 0
        row = model(
            number=item + 1, key=hashlib.sha256(str(item).encode()).hexdigest(), rule_id="control-failing",
            rule_version=1, control_id=f"C-{item % CONTROLS:02}", connection=owners[item % len(owners)],
            group=f"account_id={item}", state=_state(item),
            severity=("critical", "high", "medium", "low")[item % 4],
            headline=f"C-{item % CONTROLS:02} fails here",
            reason="3 of 41 results fail", count=3, population=41, pending_since=at, first_failed_at=at,
            last_failed_at=now, observed_at=at, opened_at=at, first_opened_at=at,
            due_at=at + timedelta(days=7),
            reviewed_at=at if item % 2 == 0 else None, ended_at=at if over else None,
        )  # fmt: skip
        rows.append(row)
        events += [
            AlertEvent(
                alert=row, kind=kind, before=before, after="open", at=at, actor="system", reason="3 fail"
            )
            for kind, before in (("opened", ""), ("told", "open"), ("viewed", "open"))
        ]
        members += [
            AlertResource(alert=row, finding_id=key, since=at) for key in keys[item * 3 % len(keys) :][:3]
        ]
        messages.append(
            Delivery(
                key=f"m{item}", alert=row, channel="ops", thread=f"t{item}", happened="opened",
                state="accepted", message={}, created_at=at, order=item, due_at=at, sent_at=at,
                receipt={"answer": "ok"},
            )
        )  # fmt: skip
        if item % 2 == 0:
            reviews.append(
                Review(alert=row, reviewer="lea", role="lead", opened_at=at, decided_at=at, decision="repair",
                       note="is being repaired", channel="web")
            )  # fmt: skip
            tasks.append(
                Task(number=item // 2 + 1, alert=row, control_id=row.control_id, title=row.headline,
                     severity=row.severity, owner="lea", due_at=at + timedelta(days=7), made_by="system",
                     made_at=at, state="verified restored" if over else "open",
                     ended_at=at if over else None)
            )  # fmt: skip
    for kind, made in (
        (model, rows), (AlertEvent, events), (AlertResource, members), (Delivery, messages),
        (Review, reviews), (Task, tasks),
    ):  # fmt: skip
        _write(kind, made)


def _state(item: int) -> str:
    return "verified restored" if item % 3 == 0 else "open" if item % 2 else "in remediation"


def _log(now: datetime, days: int) -> None:
    from proofwatch.store import log
    from proofwatch.store.django import write

    for day in range(days):
        with write("filling the log"):
            log.lock()
            for number in range(100):
                data = {"connection": "prod", "note": f"sweep {number} of day {day}: nothing changed"}
                log.append("log.noted", "bench", data, now - timedelta(days=days - day))
