"""What people do to the state: attributed, reasoned, and written together with its log entry."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from proofwatch.connectors.base import Identity, Permission, Place, ReadOnlyProof
from proofwatch.controls.base import Control, ControlList
from proofwatch.snapshots.base import State
from proofwatch.store import reconcile
from proofwatch.store.base import StoreError
from proofwatch.store.models import Connection, ControlStatus, ControlStatusHistory
from proofwatch.store.services import checks, connections, controls, sweeps
from tests.store.samples import CHECK, HERE, MINUTE, NOW, Folder, begun, connection, entries, outcome

WHO: dict[str, Any] = {"actor": "owner", "now": NOW}


def kinds() -> list[str]:
    return [entry["kind"] for entry in entries()]


def control_list(version: str = "1", *names: str) -> ControlList:
    rows = tuple(
        Control(name, "Disks", "Disks are encrypted.", "Lead", ("CC6.1",), (CHECK,), ("aws",), "hourly")
        for name in (names or ("AC-1",))
    )
    return ControlList("SOC 2", version, "Ours", rows, version.rjust(64, "0"))


def test_a_connection_is_made_tested_and_changed(database_url: str) -> None:
    made = connections.create("prod", "aws", {"regions": ["eu-west-1"]}, **WHO)
    assert (made.state, made.next_due_at) == ("not set up", None)
    tested = connections.record_test(
        made,
        **WHO,
        state="connected",
        identity=Identity("111111111111", "arn:aws:iam::111111111111:role/reader"),
        proof=ReadOnlyProof(True, "simulated policy"),
        proof_object="1" * 64,
        permissions=[Permission("ec2:DescribeVolumes", True, "asked"), Permission("s3:List", False, "asked")],
    )
    assert (tested.state, tested.read_only, tested.next_due_at) == ("connected", True, NOW)
    connections.change(made, **WHO, interval_minutes=30)
    assert connections.change(made, **WHO, interval_minutes=30).interval_minutes == 30
    assert kinds() == ["connection.created", "connection.tested", "connection.changed"]
    test, change = entries("connection.tested", "connection.changed")
    assert test["data"]["permissions"] == {"tested": 2, "missing": ["s3:List"], "unknown": 0}
    assert change["data"]["changes"] == {"interval_minutes": [15, 30]}


def test_settings_are_named_in_the_log_by_digest_only(database_url: str) -> None:
    made = connections.create("prod", "aws", {"role_arn": "arn:aws:iam::111111111111:role/r"}, **WHO)
    connections.change(made, **WHO, settings={"role_arn": "arn:aws:iam::222222222222:role/r"})
    assert "role/r" not in str(entries())
    old, new = entries("connection.changed")[0]["data"]["changes"]["settings"]
    assert len(old) == len(new) == 64 and old != new


@pytest.mark.parametrize(
    ("act", "problem"),
    [
        (lambda c: connections.create("prod", "aws", {}, **WHO), "there is a connection 'prod' already"),
        (lambda c: connections.create(" ", "aws", {}, **WHO), "cannot be the name of a connection"),
        (lambda c: connections.create("my account", "aws", {}, **WHO), "cannot be the name of a connection"),
        (lambda c: connections.change(c, **WHO, name="production"), "name cannot be changed"),
        (lambda c: connections.create("x", "aws", {}, interval_minutes=0, **WHO), "an interval of 0 minutes"),
        (lambda c: connections.change(c, **WHO, kind="gcp"), "kind cannot be changed"),
        (lambda c: connections.pause(c, **WHO, reason=" ", until=NOW + MINUTE), "a pause needs a reason"),
        (lambda c: connections.pause(c, **WHO, reason="x", until=NOW), "must end within 30 days"),
        (lambda c: connections.pause(c, **WHO, reason="x", until=NOW + timedelta(31)), "within 30 days"),
        (lambda c: connections.resume(c, **WHO), "it is not paused but connected"),
        (lambda c: connections.remove(c, **WHO, reason=""), "a removal needs a reason"),
        (lambda c: connections.get("prd"), "there is no connection 'prd'"),
        (lambda c: checks.disable(CHECK, **WHO, reason=" "), "a decision needs a reason"),
        (lambda c: controls.approve(7, **WHO), "it was never imported"),
        (lambda c: sweeps.get("x"), "that is not the id of a sweep"),
        (lambda c: sweeps.get("00000000-0000-0000-0000-000000000000"), "there is none"),
        (lambda c: sweeps.move(begun(c), "complete"), "only `fail` and the reconciliation end a sweep"),
    ],
)
def test_what_is_wrong_is_refused_and_leaves_nothing(database_url: str, act: Any, problem: str) -> None:
    owner = connection()
    with pytest.raises(StoreError) as caught:
        act(owner)
    assert problem in caught.value.problem
    assert set(kinds()) <= {"connection.created", "connection.tested", "sweep.planned"}


def test_the_nearest_name_is_offered(database_url: str) -> None:
    connection("production")
    with pytest.raises(StoreError) as caught:
        connections.get("prodution")
    assert caught.value.remedy == "did you mean 'production'?"


def test_a_removed_connection_stays_as_evidence_and_frees_its_name(database_url: str) -> None:
    old = connection()
    connections.remove(old, **WHO, reason="account closed")
    assert connections.every() == []
    connections.create("prod", "aws", {}, **WHO)
    assert Connection.objects.count() == 2
    with pytest.raises(StoreError, match="it was removed"):
        connections.pause(old, **WHO, reason="x", until=NOW + MINUTE)


def test_a_connection_grows_stale_after_two_intervals(database_url: str) -> None:
    owner = connection()
    assert not connections.is_stale(owner, NOW + 30 * MINUTE)
    assert connections.is_stale(owner, NOW + 31 * MINUTE)


def test_a_decision_on_a_check_keeps_its_history(database_url: str) -> None:
    checks.disable(CHECK, **WHO, reason="noisy")
    checks.disable(CHECK, **WHO, reason="said before")
    checks.decide(CHECK, **WHO, reason="stricter", enabled=True, params={"max_age_days": 30})
    assert checks.params() == {CHECK: {"max_age_days": 30}}
    assert checks.disabled() == {}
    found = [(item.counter, item.enabled, item.reason) for item in checks.history(CHECK)]
    assert found == [(1, False, "noisy"), (2, True, "stricter")]
    assert [entry["data"]["decision"] for entry in entries("check.changed")] == [1, 2]


def test_a_disabled_check_says_who_and_why(database_url: str) -> None:
    checks.disable(CHECK, **WHO, reason="noisy")
    assert checks.disabled() == {CHECK: "disabled by owner on 2026-11-01: noisy"}


def test_control_lists_are_versions_and_the_approved_one_is_in_force(database_url: str) -> None:
    first = controls.import_list(control_list("1"), **WHO)
    assert controls.current() == first
    assert controls.import_list(control_list("1"), **WHO) == first
    controls.approve(first.number, **WHO, note="board meeting")
    second = controls.import_list(control_list("2"), **WHO)
    assert (second.number, controls.current()) == (2, first)
    controls.approve(2, **WHO)
    assert controls.current() == second
    assert controls.controls_of(second) == control_list("2").controls
    wanted = ["controls.imported", "controls.approved", "controls.imported", "controls.approved"]
    assert [kind for kind in kinds() if kind != "control.status"] == wanted


def test_control_status_follows_what_was_seen_and_keeps_its_changes(
    database_url: str, tmp_path: Path
) -> None:
    controls.import_list(control_list(), **WHO)
    owner, objects = connection(), Folder(tmp_path)
    for minutes, status in ((15, "fail"), (30, "fail"), (45, "pass")):
        sweep = begun(owner, minutes)
        found = outcome({CHECK: {(*HERE, "vol-a"): (status, "because")}})
        reconcile.apply(sweep, found, objects, now=sweep.observed_at)
    later = NOW + 300 * MINUTE
    assert controls.judge(later) == ["AC-1"]
    rows = ControlStatusHistory.objects.order_by("pk").values_list("before", "status")
    assert list(rows) == [
        ("", "not monitored"),
        ("not monitored", "failing"),
        ("failing", "passing"),
        ("passing", "no data"),
    ]
    now = ControlStatus.objects.get()
    assert (now.status, now.since, now.observed_at) == ("no data", later, NOW + 45 * MINUTE)
    assert len(entries("control.status")) == 4


def test_disabling_its_only_check_ends_the_monitoring_of_a_control(database_url: str) -> None:
    connection()
    controls.import_list(control_list(), **WHO)
    before = ControlStatus.objects.get().status
    checks.disable(CHECK, **WHO, reason="noisy")
    assert (before, ControlStatus.objects.get().status) == ("pending", "not monitored")


def test_a_control_that_left_the_list_has_no_status(database_url: str) -> None:
    controls.import_list(control_list("1", "AC-1", "AC-2"), **WHO)
    controls.import_list(control_list("2", "AC-2"), **WHO)
    assert [item.control_id for item in ControlStatus.objects.all()] == ["AC-2"]


def test_many_changes_of_status_fit_into_entries(database_url: str) -> None:
    names = [f"AC-{number}" for number in range(60)]
    controls.import_list(control_list("1", *names), **WHO)
    told = [item["control"] for entry in entries("control.status") for item in entry["data"]["controls"]]
    assert sorted(told) == sorted(names)
    assert len(entries("control.status")) == 3


def test_a_restarted_sweep_keeps_its_time_and_only_moves_forward(database_url: str) -> None:
    sweep = begun(connection())
    sweeps.move(sweep, "evaluating")
    again = sweeps.begin(sweep, now=NOW + 10 * MINUTE)
    assert (again.observed_at, again.state) == (NOW, "evaluating")
    assert sweeps.move(again, "collecting").state == "evaluating"
    assert sweeps.fail(sweep, error="killed", now=NOW, actor="system")
    assert not sweeps.fail(sweep, error="twice", now=NOW, actor="system")
    for act in (lambda: sweeps.begin(sweep, now=NOW), lambda: sweeps.move(sweep, "applying")):
        with pytest.raises(StoreError, match="it has ended as failed"):
            act()
    assert kinds()[-2:] == ["sweep.planned", "sweep.failed"]


def test_the_same_occurrence_is_one_sweep(database_url: str) -> None:
    owner = connection()
    values: dict[str, Any] = {"slot": NOW, "trigger": "manual", **WHO}
    assert sweeps.plan(owner, **values) == sweeps.plan(owner, **values)
    assert len(entries("sweep.planned")) == 1


def test_the_state_as_of_a_time_is_of_the_newest_applied_sweep(database_url: str, tmp_path: Path) -> None:
    owner, objects = connection(), Folder(tmp_path)
    for minutes in (15, 30):
        sweep = begun(owner, minutes)
        sweeps.record_states(
            sweep, [State("aws_ec2_volume", f"{minutes:064}", "0" * 64, minutes, 1, 0, 0, {})]
        )
        sweeps.record_gaps(sweep, [Place("222222222222", "global", "sandbox", "not connected")])
        if minutes == 15:
            reconcile.apply(sweep, outcome({}), objects, now=NOW)
    assert sweeps.table_states(owner)["aws_ec2_volume"].rows == 15
    reconcile.apply(sweep, outcome({}), objects, now=NOW)
    assert sweeps.table_states(owner)["aws_ec2_volume"].rows == 30
    assert sweeps.table_states(owner, at=NOW + 20 * MINUTE)["aws_ec2_volume"].rows == 15
    assert sweeps.table_states(owner, at=NOW) == {}
    late = begun(owner, 20)  # A slow sweep that began before, and ends after.
    sweeps.record_states(late, [State("aws_ec2_volume", f"{20:064}", "0" * 64, 20, 1, 0, 0, {})])
    reconcile.apply(late, outcome({}), objects, now=NOW)
    assert sweeps.table_states(owner)["aws_ec2_volume"].rows == 30
    latest, former = sweeps.latest(owner), sweeps.latest(owner, at=NOW + 19 * MINUTE)
    assert latest == sweep and former is not None and former.observed_at == NOW + 15 * MINUTE
    assert [(gap.account_name, gap.reason) for gap in sweeps.gaps(sweep)] == [("sandbox", "not connected")]
    assert sweeps.unfinished(owner) == [] and len(sweeps.history(owner)) == 3
