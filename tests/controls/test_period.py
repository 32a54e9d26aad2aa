"""Every control day has one word, and every gap a name: nothing is averaged away."""

from datetime import date, timedelta

from proofwatch.controls.base import Control
from proofwatch.controls.period import Ran, Source, control_days, cover, days_of

DAY = date(2026, 3, 1)
DAYS = days_of(DAY, DAY + timedelta(days=5))
CONTROL = Control("C-1", "t", "s", "lead", ("CC6.1",), ("aws.s3.x", "okta.user.y"), ("aws",), "hourly")
MANUAL = Control("C-2", "t", "s", "lead", ("CC6.1",), (), (), "yearly", "a document")
ONLY_OKTA = Control("C-3", "t", "s", "lead", ("CC6.1",), ("okta.user.y",), ("okta",), "hourly")
WHOLE = Ran(complete=24)


def source(name="aws", since=DAY - timedelta(days=9), until=None, minutes=60):
    return Source(name, name, since, until, ((since, minutes),))


def day(number):
    return DAY + timedelta(days=number)


def words(ran, *sources, control=CONTROL):
    return list(cover([control], sources, ran, DAYS).words[control.id])


def test_a_period_has_all_its_days():
    assert len(DAYS) == 6 and DAYS[0] == DAY
    assert days_of(DAY, DAY) == [DAY] and days_of(DAY, DAY - timedelta(days=1)) == []


def test_each_day_has_the_word_of_what_became_of_its_occurrences():
    ran = {
        ("aws", day(0)): WHOLE,
        ("aws", day(1)): Ran(complete=23, partial=1),
        ("aws", day(2)): Ran(complete=23, lost=1),
        ("aws", day(3)): Ran(lost=24),
        ("aws", day(5)): WHOLE,
    }
    assert words(ran, source()) == ["covered", "partial", "partial", "missed", "missed", "covered"]


def test_nothing_recorded_is_missed_only_where_something_was_due():
    assert words({}, source()) == ["missed"] * 6
    assert words({}, source(since=day(2))) == ["not connected"] * 2 + ["not due"] + ["missed"] * 3
    assert words({}, source(until=day(3))) == ["missed"] * 3 + ["not due"] + ["not connected"] * 2
    assert words({}, source(minutes=3 * 1440)) == ["not due"] * 6
    changed = Source("aws", "aws", day(-9), None, ((day(-9), 3 * 1440), (day(2), 60)))
    assert words({}, changed) == ["not due"] * 3 + ["missed"] * 3


def test_a_control_is_as_covered_as_its_worst_connection():
    ran = {("aws", item): WHOLE for item in DAYS} | {("okta", day(1)): WHOLE}
    late = source("okta", since=day(0))
    assert words(ran, source(), late) == ["not due", "covered"] + ["missed"] * 4
    assert words(ran, source(), source("okta", since=day(9))) == ["covered"] * 6
    assert words(ran, source(), control=ONLY_OKTA) == ["not connected"] * 6


def test_controls_that_are_shown_by_hand_have_no_days():
    assert "C-2" not in cover([MANUAL], [source()], {}, DAYS).words


def test_days_for_one_reason_are_one_gap_and_another_reason_begins_another():
    down, paused = ("missed: no worker was running",), ("skipped: they migrate",)
    ran = {
        ("aws", day(0)): WHOLE,
        ("aws", day(1)): Ran(lost=24, why=down),
        ("aws", day(2)): Ran(lost=20, why=down),
        ("aws", day(3)): Ran(lost=24, why=paused),
        ("aws", day(4)): Ran(complete=20, partial=2, lost=2, why=paused),
    }
    found = cover([CONTROL, MANUAL, ONLY_OKTA], [source()], ran, DAYS)
    told = [(gap.first, gap.last, gap.word, gap.lost, gap.partial, gap.why) for gap in found.gaps]
    assert told == [
        (day(1), day(2), "missed", 44, 0, down),
        (day(3), day(3), "missed", 24, 0, paused),
        (day(4), day(4), "partial", 2, 2, paused),
        (day(5), day(5), "missed", 0, 0, ("nothing was recorded",)),
    ]
    assert {gap.controls for gap in found.gaps} == {("C-1",)}
    # C-1 has 6 days; C-3 rests on a system that is not connected.
    assert found.counts() == {"covered": 1, "missed": 4, "partial": 1, "not connected": 6}


def test_no_connection_and_no_day_are_no_fault():
    assert cover([CONTROL], [], {}, DAYS).counts() == {"not connected": 6}
    assert cover([CONTROL], [source()], {}, []).counts() == {}


def test_every_control_day_says_what_was_due_read_and_missed_and_why():
    ran = {
        ("aws", day(0)): WHOLE,
        ("aws", day(1)): Ran(complete=22, partial=1, lost=1, why=("failed: AccessDenied",)),
        ("okta", day(0)): Ran(complete=1),
    }
    sources = [source(), source("okta", since=day(0), minutes=1440)]
    found = list(control_days([CONTROL, MANUAL, ONLY_OKTA], sources, ran, DAYS))
    assert [item.control for item in found] == ["C-1"] * 6 + ["C-3"] * 6, (
        "no day of any automated control is out"
    )
    first, second, third = found[:3]
    assert (first.word, first.due, first.complete, first.partial, first.missed) == ("covered", 25, 25, 0, 0)
    assert (second.word, second.due, second.complete, second.partial, second.missed) == (
        "missed",
        25,
        22,
        1,
        2,
    )
    assert second.why == ("aws: failed: AccessDenied", "okta: nothing was recorded")
    assert (third.due, third.missed) == (25, 25) and "aws: nothing was recorded" in third.why
    same = cover([CONTROL], sources, ran, DAYS)
    assert [item.word for item in found[:6]] == list(same.words["C-1"])
