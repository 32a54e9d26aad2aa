from datetime import UTC, datetime, timedelta

import pytest

from proofwatch.evidence.entry import Entry
from proofwatch.evidence.occurrences import Occurrences

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def gaps(*entries):
    """Return what is reported about entries given as (kind, data) or (kind, sweep)."""
    found = []
    occurrences = Occurrences(found.append)
    for index, (kind, data) in enumerate(entries):
        body = (
            {"sweep": data, "connection": "aws"} if isinstance(data, str) else {"connection": "aws", **data}
        )
        occurrences.take(index, Entry(kind, "system", NOON, body))
    occurrences.finish()
    return found


def at(minutes):
    return (NOON + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def slot(minutes, sweep=None):
    return ("schedule.slot", {"slot": at(minutes), "sweep": sweep or f"at {minutes}"})


def ended(minutes):
    return ("sweep.finished", f"at {minutes}")


def span(kind, first, last, interval=60):
    return (kind, {"first": at(first), "last": at(last), "count": 1, "interval_minutes": interval})


CREATED = ("connection.created", {"interval_minutes": 60})


def test_a_sweep_that_ended_or_is_the_newest_is_no_gap():
    assert gaps(("sweep.planned", "one"), ("sweep.finished", "one"), ("sweep.planned", "two")) == []
    assert gaps(("sweep.planned", "one"), ("sweep.started", "one"), ("sweep.failed", "one")) == []


@pytest.mark.parametrize("begins", ["sweep.planned", "sweep.started", "schedule.slot"])
def test_a_sweep_without_an_end_before_a_later_one_is_a_gap(begins):
    assert gaps((begins, "one"), ("sweep.planned", "two"), ("sweep.finished", "two")) == [
        "how sweep one ended: entry 0 began it and no entry ends it"
    ]


def test_sweeps_of_other_connections_do_not_count_as_later():
    assert gaps(("sweep.planned", "one"), ("sweep.planned", {"sweep": "two", "connection": "other"})) == []


def test_an_end_without_a_beginning_is_a_gap():
    twice = gaps(("sweep.planned", "one"), ("sweep.finished", "one"), ("sweep.failed", "one"))
    assert twice == ["when sweep one began: entry 2 ends it and no entry before began it"]


def test_occurrences_that_follow_each_other_are_no_gap():
    assert gaps(CREATED, slot(0), ended(0), slot(60), ended(60), slot(120)) == []


def test_skipped_and_missed_occurrences_fill_their_span():
    skipped = span("schedule.skipped", 60, 180)
    missed = span("schedule.missed", 240, 300)
    assert gaps(CREATED, slot(0), ended(0), skipped, missed, slot(360)) == []


@pytest.mark.parametrize("next_at", [60, 180, 121])
def test_an_occurrence_at_another_time_than_due_is_a_gap(next_at):
    (gap,) = gaps(CREATED, slot(0), ended(0), slot(60), ended(60), slot(next_at, "x"), ("sweep.failed", "x"))
    assert gap == (
        "what was due for connection aws: the next occurrence was 2026-11-23T14:00:00+00:00 "
        f"and entry 5 says {at(next_at).replace('Z', '+00:00')}"
    )


def test_a_new_interval_counts_from_the_next_occurrence():
    changed = ("connection.changed", {"changes": {"interval_minutes": [60, 30]}})
    assert gaps(CREATED, slot(0), ended(0), changed, slot(60), ended(60), slot(90)) == []
    assert len(gaps(CREATED, slot(0), ended(0), changed, slot(30))) == 1


def test_nothing_is_due_before_the_interval_is_known_or_after_removal():
    assert gaps(slot(0), ended(0), slot(7)) == []
    assert gaps(CREATED, slot(0), ended(0), ("connection.removed", {}), slot(999)) == []


@pytest.mark.parametrize("value", [None, 7, "soon", "2026-11-23T12:00:00", [], {}])
def test_malformed_times_are_not_judged(value):
    assert gaps(CREATED, slot(0), ended(0), ("schedule.slot", {"slot": value}), slot(99)) == []
    assert (
        gaps(("connection.created", {"interval_minutes": value}), ("connection.changed", {"changes": value}))
        == []
    )
