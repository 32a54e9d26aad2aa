from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from proofwatch.checks.base import Counts
from proofwatch.controls.base import WORST_FIRST, Control, Link, Observation
from proofwatch.controls.status import control_statuses

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
CONTROL = Control(
    id="ENC-01",
    title="Disks are encrypted",
    statement="Every disk that holds company data is encrypted.",
    owner_role="Platform lead",
    criteria=("CC6.1",),
    checks=("aws.ec2.a", "aws.ec2.b"),
    data_sources=("aws",),
    frequency="hourly",
)


def seen(check="aws.ec2.a", *, age=1, severity="high", worst="", **counts):
    return Observation(
        check=check,
        version="v1",
        severity=severity,
        counts=Counts(**counts),
        observed_at=NOW - timedelta(minutes=age),
        sweep="s1",
        connection="c1",
        interval_minutes=15,
        worst=worst,
    )


def status(*observations, disabled=None, connected=("aws",), control=CONTROL):
    (one,) = control_statuses([control], observations, now=NOW, disabled=disabled or {}, connected=connected)
    return one


BOTH_PASS = (seen(passed=3), seen("aws.ec2.b", passed=2))


@pytest.mark.parametrize(
    ("observations", "disabled", "expected", "sentence"),
    [
        (BOTH_PASS, {}, "passing", "5 of 5 resources pass 2 checks."),
        (
            (seen(passed=38, failed=3, worst="vol-2 is not encrypted"), seen("aws.ec2.b", passed=1)),
            {},
            "failing",
            "3 of 42 results fail in 1 check; e.g. vol-2 is not encrypted.",
        ),
        (
            (seen(failed=1, passed=1), seen("aws.ec2.b", inconclusive=4)),
            {},
            "failing",
            "1 of 6 results fail in 1 check. 4 more could not be told.",
        ),
        (
            (seen(passed=1, age=31), seen("aws.ec2.b", passed=1)),
            {},
            "no data",
            "Last observed 2026-11-23 11:29:00Z, more than 30 minutes ago; what is true now is unknown.",
        ),
        (
            (seen(passed=1), seen("aws.ec2.b", inconclusive=2, worst="needs ec2:DescribeVolumes")),
            {},
            "inconclusive",
            "2 of 3 results could not be told: needs ec2:DescribeVolumes",
        ),
        ((seen(passed=1),), {}, "pending", "1 of 2 checks have not run yet: aws.ec2.b."),
        (
            (seen(passed=1, accepted=1), seen("aws.ec2.b", passed=1)),
            {},
            "accepted",
            "1 of 3 fail under an approved risk acceptance.",
        ),
        (
            (seen(not_applicable=1), seen("aws.ec2.b", not_applicable=1)),
            {},
            "passing",
            "There is nothing to judge: all was read, and no resource is in scope (0 of 0).",
        ),
        (
            (),
            {"aws.ec2.a": "too noisy", "aws.ec2.b": "moved"},
            "not monitored",
            "All of its 2 checks disabled (aws.ec2.a: too noisy; aws.ec2.b: moved).",
        ),
        (
            (seen(passed=4),),
            {"aws.ec2.b": "moved"},
            "passing",
            "4 of 4 resources pass 1 check. 1 of its 2 checks is disabled.",
        ),
    ],
)
def test_each_status_has_its_sentence(observations, disabled, expected, sentence):
    one = status(*observations, disabled=disabled)
    assert (one.status, one.reason) == (expected, sentence)


def test_a_failure_is_never_hidden_by_its_age():
    assert status(seen(failed=1, age=500), seen("aws.ec2.b", passed=1)).status == "failing"


def test_a_pass_exactly_two_intervals_old_still_counts():
    assert status(seen(passed=1, age=30), seen("aws.ec2.b", passed=1)).status == "passing"


def test_a_disabled_check_cannot_speak_even_if_it_spoke_before():
    assert status(*BOTH_PASS, disabled={"aws.ec2.b": "x"}).counts == Counts(passed=3)


def test_without_any_connection_to_its_sources_a_control_is_not_monitored():
    one = status(connected=())
    assert (one.status, one.reason) == ("not monitored", "No connection to aws exists.")


def test_without_checks_a_control_is_shown_by_hand():
    one = status(control=replace(CONTROL, checks=(), manual="Sampled each quarter."))
    assert (one.status, one.reason) == ("not monitored", "It has no automated check; it is shown by hand.")


def test_worst_comes_first_then_severity_then_id():
    controls = [replace(CONTROL, id=name, checks=(f"aws.x.{name}",)) for name in ("a", "b", "c", "d")]
    observations = [
        seen("aws.x.a", passed=1),
        seen("aws.x.b", failed=1, severity="low"),
        seen("aws.x.c", failed=1, severity="critical"),
        seen("aws.x.d", inconclusive=1),
    ]
    found = control_statuses(controls, observations, now=NOW, disabled={}, connected={"aws"})
    assert [one.control for one in found] == ["c", "b", "d", "a"]


def test_every_status_has_a_place_in_the_order():
    assert len(set(WORST_FIRST)) == 7


def linked(*, age, observations=BOTH_PASS):
    links = (
        Link("c1", "aws", NOW - timedelta(days=9), 15),
        Link("c2", "aws", NOW - timedelta(minutes=age), 15),
    )
    (one,) = control_statuses([CONTROL], observations, now=NOW, disabled={}, connected=("aws",), links=links)
    return one


@pytest.mark.parametrize(("age", "expected"), [(5, "pending"), (31, "no data")])
def test_a_connection_that_was_never_observed_keeps_a_control_from_passing(age, expected):
    one = linked(age=age)
    assert one.status == expected
    assert "c2" in one.reason


def test_a_failure_is_told_before_a_connection_that_says_nothing():
    assert linked(age=31, observations=(seen(failed=1), seen("aws.ec2.b", passed=1))).status == "failing"


def test_a_connection_of_another_kind_is_not_waited_for():
    links = (Link("c1", "aws", NOW, 15), Link("g", "github", NOW - timedelta(days=9), 15))
    (one,) = control_statuses([CONTROL], BOTH_PASS, now=NOW, disabled={}, connected=("aws",), links=links)
    assert one.status == "passing"


def test_open_findings_that_nobody_can_see_keep_a_control_from_passing():
    lost = replace(BOTH_PASS[0], unseen=2, unseen_why="1234 eu-west-1 was not read in this sweep")
    one = status(lost, BOTH_PASS[1])
    assert one.status == "inconclusive"
    assert one.reason == "2 open findings can no longer be seen: 1234 eu-west-1 was not read in this sweep."
