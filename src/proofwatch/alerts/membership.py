"""Which findings are in which alert: brought up to date for many alerts at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import connection

from proofwatch.alerts.tally import Tally
from proofwatch.store.models import Alert, AlertResource, Finding, FindingTag
from proofwatch.store.models.findings import FindingState

FEW = 20
"""Up to so many alerts are asked for one by one; for more, all open findings are read once."""
PAGE = 400
BATCH = 5000
Pair = tuple[Alert, Tally]


def join(pairs: Sequence[Pair], now: datetime) -> int:
    """Bring the resources of alerts up to date with the findings they are about; return how many were said.

    A finding that is in its alert already stays as it is; one that had left comes back.
    """
    pairs = [(row, tally) for row, tally in pairs if tally.where is not None]
    leave([row.pk for row, _ in pairs], now)
    found = _each(pairs) if len(pairs) <= FEW else _all(pairs)
    table = AlertResource._meta.db_table
    columns = "(alert_id, finding_id, since, ended_at, ended_as)"
    statement = (
        f"INSERT INTO {table} {columns} VALUES (%s, %s, %s, NULL, '')"  # noqa: S608 – our own names
        " ON CONFLICT (alert_id, finding_id) DO UPDATE SET since = EXCLUDED.since, ended_at = NULL,"
        f" ended_as = '' WHERE {table}.ended_at IS NOT NULL"
    )
    since = connection.ops.adapt_datetimefield_value(now)
    native = connection.features.has_native_uuid_field
    said = 0
    with connection.cursor() as cursor:
        # Rows by the hundred thousand: the models would cost ten times as much.
        while part := list(islice(found, BATCH)):
            rows = [(a if native else a.hex, f if native else f.hex, since) for a, f in part]
            cursor.executemany(statement, rows)
            said += len(rows)
    return said


def leave(alerts: Sequence[Any], now: datetime) -> None:
    """Write down of the resources of any number of alerts how their findings ended."""
    for start in range(0, len(alerts), PAGE):
        end(alerts[start : start + PAGE], now)


def end(alerts: Sequence[Any], now: datetime) -> None:
    """Write down of the resources of some alerts how their findings ended."""
    left = AlertResource.objects.filter(alert_id__in=alerts, ended_at__isnull=True)
    states = left.exclude(finding__state=FindingState.OPEN).values_list("finding__state", flat=True)
    for state in set(states):
        left.filter(finding__state=state).update(ended_at=now, ended_as=state)


def _each(pairs: Sequence[Pair]) -> Iterator[tuple[UUID, UUID]]:
    for row, tally in pairs:
        failing = Finding.objects.filter(tally.where, state=FindingState.OPEN).values_list("pk", flat=True)
        for finding in failing.iterator(chunk_size=2000):
            yield row.pk, finding


def _all(pairs: Sequence[Pair]) -> Iterator[tuple[UUID, UUID]]:
    """Yield (alert, finding), reading every open finding once and finding its alerts by its values."""
    index: dict[tuple[Any, str], dict[tuple[str, ...], dict[tuple[str, ...], list[Pair]]]] = {}
    for row, tally in pairs:
        for check in tally.checks:
            by_group = index.setdefault((tally.connection, check), {})
            by_group.setdefault(tally.rule.group, {}).setdefault(tally.values, []).append((row, tally))
    tagged: dict[UUID, set[str]] = {}
    wanted = {tag for _, tally in pairs for tag in tally.rule.tags}
    for finding, tag in FindingTag.objects.filter(tag__in=wanted).values_list("finding", "tag"):
        tagged.setdefault(finding, set()).add(tag)
    names = ("pk", "connection_id", "check_id", "severity", "account_id", "region", "resource")
    rows = Finding.objects.filter(state=FindingState.OPEN).values_list(*names)
    for pk, owner, check, severity, account, region, resource in rows.iterator(chunk_size=5000):
        by_group = index.get((owner, check), {})
        if not by_group:
            continue
        facts = {"account_id": account, "region": region, "check_id": check, "resource": resource}
        for group, by_values in by_group.items():
            for row, tally in by_values.get(tuple(facts[name] for name in group), ()):
                if tally.rule.severities and severity not in tally.rule.severities:
                    continue
                if tally.rule.tags and not tagged.get(pk, set()).intersection(tally.rule.tags):
                    continue
                yield row.pk, pk
