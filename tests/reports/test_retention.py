"""The report of what is held says what there is, until when, and what is missing."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from proofwatch.evidence.entry import object_ref
from proofwatch.evidence.objects import LocalObjects
from proofwatch.reports import retention
from proofwatch.reports.bucket import Lock
from proofwatch.store import django as store
from proofwatch.store import log
from proofwatch.store.models import Audit, Export, Screenshot

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
DIGEST = "0" * 64


def note(at: datetime, *digests: str) -> None:
    named = [object_ref(digest, 1, "picture") for digest in digests]
    with store.write("testing"):
        log.append("log.noted", "me", {"what": named}, at)


def audit(name: str, first: date, last: date) -> None:
    Audit.objects.create(name=name, first=first, last=last, by="ana", at=NOW)


@pytest.fixture
def objects(database_url: str, tmp_path: Path) -> LocalObjects:
    return LocalObjects(tmp_path / "objects")


def report(objects: LocalObjects, *, deep: bool = True, lock: Lock | None = None) -> retention.Retention:
    return retention.report(objects, "/objects", lock, years=7, now=NOW, deep=deep)


def test_every_month_and_audit_says_what_is_held_and_until_when(objects: LocalObjects) -> None:
    first, second = objects.put(b"a" * 100), objects.put(b"b" * 50)
    note(datetime(2026, 8, 31, 23, 59, 59, 999999, tzinfo=UTC), first)
    note(datetime(2026, 9, 1, tzinfo=UTC), second)
    note(datetime(2026, 11, 2, tzinfo=UTC), first, second)
    audit("SOC 2 2026", date(2026, 9, 1), date(2027, 8, 31))
    Screenshot.objects.create(
        number=1,
        page="p",
        url="/",
        media_type="image/png",
        cause="asked",
        by="a",
        at=datetime(2026, 9, 3, tzinfo=UTC),
    )
    days = {"first": date(2026, 9, 1), "last": date(2026, 9, 30), "at": datetime(2026, 10, 1, tzinfo=UTC)}
    Export.objects.create(number=1, kind="binder", state="done", by="a", **days)
    Export.objects.create(number=2, kind="binder", state="failed", by="a", **days)
    found = report(objects)
    rows = {h.name: (h.entries, h.objects, h.bytes, h.screenshots, h.exports) for h in found.months}
    assert rows == {
        "2026-08": (1, 1, 100, 0, 0),
        "2026-09": (1, 1, 50, 1, 0),
        "2026-10": (0, 0, 0, 0, 1),
        "2026-11": (1, 0, 0, 0, 0),
    }
    assert [(h.name, h.until) for h in found.months[:2]] == [
        ("2026-08", date(2033, 8, 31)),
        ("2026-09", date(2034, 8, 31)),
    ]
    (period,) = found.periods
    assert (period.name, period.entries, period.objects, period.until) == (
        "SOC 2 2026",
        2,
        1,
        date(2034, 8, 31),
    )
    assert (period.screenshots, period.exports) == (1, 1)
    assert (found.entries, found.objects, found.bytes, found.missing, found.unnamed) == (3, 2, 150, 0, 0)
    assert found.oldest == datetime(2026, 8, 31, 23, 59, 59, 999999, tzinfo=UTC)
    assert "whoever administers this machine" in found.shortfall


def test_what_the_log_names_and_nobody_has_is_counted(objects: LocalObjects) -> None:
    there, gone = objects.put(b"there"), objects.put(b"gone")
    note(NOW, there, gone)
    objects.name(gone).unlink()
    found = report(objects)
    assert (found.missing, found.first_missing, found.objects) == (1, [gone], 1)


def test_objects_are_read_for_those_that_they_name(objects: LocalObjects) -> None:
    inner = objects.put(b"rows")
    outer = objects.put(json.dumps({"tables": [{"object": inner}], "lost": {"object": DIGEST}}).encode())
    left = objects.put(b"left by a sweep that was stopped")
    note(NOW, outer)
    deep, shallow = report(objects), report(objects, deep=False)
    assert (deep.unnamed, deep.missing, deep.first_missing, deep.months[0].objects) == (1, 1, [DIGEST], 2)
    assert (shallow.unnamed, shallow.missing, shallow.months[0].objects) == (2, 0, 1)
    assert deep.objects == 3
    assert left


def test_an_empty_log_has_nothing_and_says_so(objects: LocalObjects) -> None:
    found = report(objects)
    assert (found.entries, found.oldest, found.months, found.periods) == (0, None, [], [])


def test_months_are_counted_without_reading_the_log(objects: LocalObjects, django_queries: list[str]) -> None:
    start = datetime(2025, 1, 31, 23, tzinfo=UTC)
    with store.write("testing"):
        log.append_all(
            [("log.noted", "me", {}, start + timedelta(hours=number * 7)) for number in range(900)]
        )
    expected = {held.name: held.entries for held in report(objects).months}
    django_queries.clear()
    quick = retention.entries_by_month(Audit.objects.all(), 7, NOW, 99)
    assert {held.name: held.entries for held in quick} == expected
    newest = retention.entries_by_month(Audit.objects.all(), 7, NOW, 18)
    assert [held.name for held in newest] == [held.name for held in quick][-18:]
    assert [held.entries for held in newest] == [held.entries for held in quick][-18:]
    assert sum(expected.values()) == 900
    assert len(expected) == 23
    assert len(django_queries) < (23 + 18) * 11
    assert not any('"entry"' in query for query in django_queries)


@pytest.fixture
def django_queries(objects: LocalObjects) -> list[str]:
    from django.db import connection

    seen: list[str] = []

    def watch(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield seen  # type: ignore[misc]


def test_a_lock_has_to_last_from_the_first_day_of_the_longest_period(objects: LocalObjects) -> None:
    assert retention.needed_days([], 7) == 2557
    audit("A", date(2026, 1, 1), date(2026, 12, 31))
    needed = retention.needed_days(Audit.objects.all(), 7)
    assert needed == (date(2033, 12, 31) - date(2026, 1, 1)).days
    short = report(objects, lock=Lock(True, True, "COMPLIANCE", 7 * 365))
    assert short.shortfall == f"new objects are locked for 2555 days, and {needed} are needed"
    assert report(objects, lock=Lock(True, True, "COMPLIANCE", 3000)).shortfall == ""


def test_the_same_day_years_later(database_url: str) -> None:
    assert retention.later(date(2024, 2, 29), 7) == date(2031, 3, 1)
    assert retention.later(date(2024, 2, 29), 8) == date(2032, 2, 29)


def test_overlapping_audits_hold_a_month_for_the_later_one(objects: LocalObjects) -> None:
    note(datetime(2026, 3, 1, tzinfo=UTC))
    audit("A", date(2026, 1, 1), date(2026, 6, 30))
    audit("B", date(2026, 3, 31), date(2027, 3, 30))
    found = {held.name: held for held in report(objects).months}
    assert (found["2026-03"].until, found["2026-03"].audits) == (date(2034, 3, 30), ("A", "B"))
    assert found["2026-11"].audits == ("B",)
