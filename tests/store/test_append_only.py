"""Neither UPDATE nor DELETE nor TRUNCATE nor REPLACE gets past the database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.db import connection, models
from django.db.utils import DatabaseError

from proofwatch.store import append_only
from proofwatch.store.models import (
    Alert,
    AlertEvent,
    AlertRuleHistory,
    Assertion,
    Checkpoint,
    CheckSettingHistory,
    Connection,
    ControlApproval,
    ControlList,
    ControlStatusHistory,
    Delivery,
    DeliveryAttempt,
    Finding,
    FindingEvent,
    Import,
    KeptCheckpoint,
    LogEntry,
    LogHead,
    LogTile,
    ManualEvidence,
    Review,
    Screenshot,
    Sweep,
    Task,
    TaskEvent,
)

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def entry() -> models.Model:
    return LogEntry.objects.create(index=0, entry=b"{}", leaf=b"0" * 32, at=NOW, kind="x")


def checkpoint() -> models.Model:
    return Checkpoint.objects.create(size=1, root="0" * 64, note="n", at=NOW, key="k")


def event() -> models.Model:
    aws = Connection.objects.create(name="a", kind="aws", created_at=NOW, created_by="me")
    sweep = Sweep.objects.create(connection=aws, slot=NOW, trigger="manual", actor="me")
    finding = Finding.objects.create(
        id="00000000-0000-0000-0000-000000000001",
        connection=aws,
        first_failed_at=NOW,
        last_failed_at=NOW,
        last_observed_at=NOW,
        opened_at=NOW,
        opened_sweep=sweep,
    )
    return FindingEvent.objects.create(finding=finding, kind="opened", at=NOW, sweep=sweep)


def control_list() -> models.Model:
    return ControlList.objects.create(
        number=1, version="1", sha256="0" * 64, imported_at=NOW, imported_by="me"
    )


def approval() -> models.Model:
    return ControlApproval.objects.create(control_list=control_list(), by="me", at=NOW)


def status() -> models.Model:
    return ControlStatusHistory.objects.create(
        control_id="AC-1", status="passing", at=NOW, control_list=control_list()
    )


def setting() -> models.Model:
    return CheckSettingHistory.objects.create(check_id="aws.x.y", by="me", at=NOW)


def alert() -> Alert:
    return Alert.objects.create(
        key="0" * 64,
        rule_id="r",
        rule_version=1,
        severity="high",
        headline="h",
        pending_since=NOW,
        first_failed_at=NOW,
        last_failed_at=NOW,
        observed_at=NOW,
    )


def rule() -> models.Model:
    return AlertRuleHistory.objects.create(rule_id="r", by="me", at=NOW)


def alert_event() -> models.Model:
    return AlertEvent.objects.create(alert=alert(), kind="failing", at=NOW, actor="system")


def review() -> models.Model:
    return Review.objects.create(
        alert=alert(), reviewer="me", role="lead", decided_at=NOW, decision="watch", note="n", channel="cli"
    )


def attempt() -> models.Model:
    delivery = Delivery.objects.create(
        key="k", channel="c", thread="t", happened="opened", created_at=NOW, due_at=NOW
    )
    return DeliveryAttempt.objects.create(
        delivery=delivery, number=1, at=NOW, seconds=0.1, outcome="accepted"
    )


def step() -> models.Model:
    task = Task.objects.create(number=1, title="t", severity="high", due_at=NOW, made_by="me", made_at=NOW)
    return TaskEvent.objects.create(task=task, kind="made", at=NOW, actor="me")


def document() -> models.Model:
    return ManualEvidence.objects.create(
        number=1, title="t", control_id="C", about="a", source="s", effective_from=NOW.date(),
        effective_to=NOW.date(), filename="f", media_type="m", size=1, sha256="0" * 64, by="ana", at=NOW,
    )  # fmt: skip


def kept() -> models.Model:
    return KeptCheckpoint.objects.create(keeper="k", kind="s3", size=1, state="accepted", at=NOW)


def picture() -> models.Model:
    return Screenshot.objects.create(
        number=1, page="p", url="/p", media_type="image/png", cause="asked", by="ana", at=NOW
    )


def imported() -> Import:
    return Import.objects.create(number=1, format="ocsf", product="p", count=1, by="ana", at=NOW)


def assertion() -> models.Model:
    return Assertion.objects.create(source=imported(), place=0, product="p", check_id="c", status="fail")


ROWS: dict[str, Callable[[], models.Model]] = {
    "store_logentry": entry,
    "store_checkpoint": checkpoint,
    "store_findingevent": event,
    "store_controllist": control_list,
    "store_controlapproval": approval,
    "store_controlstatushistory": status,
    "store_checksettinghistory": setting,
    "store_alertrulehistory": rule,
    "store_alertevent": alert_event,
    "store_review": review,
    "store_deliveryattempt": attempt,
    "store_taskevent": step,
    "store_manualevidence": document,
    "store_keptcheckpoint": kept,
    "store_screenshot": picture,
    "store_import": imported,
    "store_assertion": assertion,
}


def refused(statement: str, message: str = "append-only") -> None:
    with pytest.raises(DatabaseError, match=message), connection.cursor() as cursor:
        cursor.execute(statement)


def test_every_append_only_table_is_tried() -> None:
    assert set(ROWS) == set(append_only.TABLES)


@pytest.mark.parametrize("table", sorted(ROWS))
def test_rows_of_evidence_cannot_change(database_url: str, table: str) -> None:
    row = ROWS[table]()
    model, key = type(row), append_only.TABLES[table]
    before = model.objects.values().get()
    refused(f"UPDATE {table} SET {key} = {key} + 1")
    refused(f"DELETE FROM {table}")
    if connection.vendor == "sqlite":
        columns = "*"
        refused(f"INSERT OR REPLACE INTO {table} SELECT {columns} FROM {table}")
    else:
        refused(f"TRUNCATE {table} CASCADE")
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
        refused(f"DELETE FROM {table}")
    assert model.objects.values().get() == before


def test_tiles_and_head_only_grow(database_url: str) -> None:
    LogTile.objects.create(level=1, index=0, hashes=b"abc")
    LogHead.objects.update(size=5)
    refused("DELETE FROM store_logtile")
    refused("DELETE FROM store_loghead")
    refused("UPDATE store_loghead SET size = 4", "only grows")
    for shorter_or_other in (b"ab", b"abX", b""):
        with pytest.raises(DatabaseError, match="only grows"):
            LogTile.objects.update(hashes=shorter_or_other)
    assert LogTile.objects.update(hashes=b"abcd") == 1
    assert LogHead.objects.update(size=6) == 1


def test_the_triggers_can_be_dropped_and_made_again(database_url: str) -> None:
    """A migration that rebuilds a table on SQLite does exactly this."""
    entry()
    with connection.cursor() as cursor:
        for statement in (
            *append_only.drop(connection.vendor),
            *append_only.create(connection.vendor),
        ):
            cursor.execute(statement)
    refused("DELETE FROM store_logentry")
