"""One sweep, one transaction: findings open, regress and are restored only on complete readings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database

from proofwatch.checks.base import UnreadPlace
from proofwatch.evidence.listed import rows_of
from proofwatch.evidence.named import named_in
from proofwatch.store import log, reconcile
from proofwatch.store.base import StoreError
from proofwatch.store.models import CheckRun, Connection, Finding, FindingEvent, LogEntry, Sweep
from proofwatch.store.outcome import Applied, Outcome
from proofwatch.store.services import findings, sweeps
from tests.store.samples import (
    CHECK,
    HERE,
    MINUTE,
    NOW,
    THERE,
    Folder,
    begun,
    connection,
    entries,
    outcome,
)

A = (*HERE, "vol-a")
B = (*HERE, "vol-b")
FAIL = ("fail", "not encrypted")
PASS = ("pass", "encrypted with key-1")
UNSURE = ("inconclusive", "encrypted could not be read")


class Run:
    """Applies one outcome after another to one connection, fifteen minutes apart."""

    def __init__(self, folder: Path) -> None:
        self.owner = connection()
        self.objects = Folder(folder)
        self.minutes = 0

    def __call__(self, rows: dict[Any, Any], **values: Any) -> Applied:
        return self.apply(outcome({CHECK: rows}, **values))

    def apply(self, found: Outcome) -> Applied:
        self.minutes += 15
        self.sweep = begun(self.owner, self.minutes)
        return reconcile.apply(self.sweep, found, self.objects, now=self.sweep.observed_at)


@pytest.fixture
def run(database_url: str, tmp_path: Path) -> Run:
    return Run(tmp_path)


def one(resource: str = "vol-a") -> Finding:
    return findings.get(Finding.objects.get(resource=resource).pk)


def told(resource: str = "vol-a") -> list[str]:
    return [str(event.kind) for event in findings.events(one(resource))]


def test_a_failure_opens_a_finding_once(run: Run) -> None:
    assert run({A: FAIL, B: PASS}).transitions == {"opened": 1}
    assert run({A: FAIL, B: PASS}).transitions == {}
    found = one()
    assert (found.state, found.reason, found.severity) == ("open", "not encrypted", "high")
    assert found.first_failed_at == NOW + 15 * MINUTE
    assert found.last_failed_at == NOW + 30 * MINUTE
    assert told() == ["opened"]


def test_a_pass_in_a_complete_place_restores(run: Run) -> None:
    run({A: FAIL})
    run({A: FAIL})
    assert run({A: PASS}).transitions == {"restored": 1}
    found = one()
    assert (found.state, found.restored_sweep_id) == ("restored", run.sweep.pk)
    assert (found.last_failed_at, found.restored_at) == (NOW + 30 * MINUTE, NOW + 45 * MINUTE)
    [entry] = entries("findings.changed")[-1:]
    assert entry["data"]["counts"] == {"restored": 1}
    assert entry["data"]["changes"][0]["reason"] == "encrypted with key-1"


def test_what_no_longer_applies_and_what_is_absent_is_not_called_repaired(run: Run) -> None:
    run({A: FAIL, B: FAIL})
    assert run({A: ("not_applicable", "being deleted")}).transitions == {"no longer applies": 1, "gone": 1}
    assert (one("vol-a").state, one("vol-b").state) == ("no longer applies", "gone")
    assert findings.events(one("vol-b"))[-1].reason == "absent from a complete inventory"


@pytest.mark.parametrize("closing", [{A: PASS}, {}])
def test_failing_again_is_a_regression_of_the_same_finding(run: Run, closing: dict[Any, Any]) -> None:
    run({A: FAIL})
    run(closing)
    assert run({A: ("fail", "again")}).transitions == {"regressed": 1}
    found = one()
    assert (found.state, found.regressions, found.reason) == ("open", 1, "again")
    assert (found.restored_at, found.restored_sweep_id) == (None, None)
    assert (found.first_failed_at, found.opened_at) == (NOW + 15 * MINUTE, NOW + 45 * MINUTE)
    assert Finding.objects.count() == 1


def test_inconclusive_restores_nothing_and_says_so_once(run: Run) -> None:
    run({A: FAIL})
    run({A: FAIL})
    assert run({A: UNSURE}).transitions == {"interrupted": 1}
    assert run({A: UNSURE}).transitions == {}
    found = one()
    assert (found.state, found.interruption) == ("open", "encrypted could not be read")
    assert found.evidence_interrupted_since == NOW + 45 * MINUTE
    assert found.last_failed_at == NOW + 30 * MINUTE
    assert run({A: FAIL}).transitions == {"resumed": 1}
    assert one().evidence_interrupted_since is None
    assert one().last_failed_at == NOW + 75 * MINUTE


def test_an_unread_place_restores_nothing(run: Run) -> None:
    run({A: FAIL})
    found = outcome({CHECK: {}}, places=(), complete=False)
    unread = UnreadPlace(*HERE, "AccessDenied", "ec2:DescribeVolumes")
    found = replace(found, checks=(replace(found.checks[0], unread=(unread,)),))
    assert run.apply(found) == Applied("partial", {"interrupted": 1}, ())
    assert (one().state, one().interruption) == ("open", "AccessDenied")
    assert Connection.objects.get().last_complete_at == NOW + 15 * MINUTE


def test_very_many_unread_places_are_an_object_that_the_manifest_names(run: Run) -> None:
    run({A: FAIL})
    unread = tuple(UnreadPlace("9", f"region-{number}", "denied", "x") for number in range(reconcile.UNREAD))
    for more in ((UnreadPlace(*HERE, "AccessDenied", "ec2:DescribeVolumes"),), ()):
        found = outcome({CHECK: {}}, places=(), complete=False)
        run.apply(replace(found, checks=(replace(found.checks[0], unread=(*unread, *more)),)))
        digest = Sweep.objects.order_by("observed_at").last().manifest
        [check] = json.loads(run.objects.get(digest))["checks"]
        assert rows_of(check["unread"], run.objects) == CheckRun.objects.get(latest=True).unread
        assert isinstance(check["unread"], list) is not bool(more)
        assert not more or check["unread"]["object"] in named_in(run.objects.get(digest))
    assert (one().state, one().interruption) == ("open", "AccessDenied")


def test_a_place_outside_the_sweep_restores_nothing(run: Run) -> None:
    run({A: FAIL})
    run({}, places=(THERE,))
    assert one().interruption == "111111111111 eu-west-1 was not read in this sweep"


def test_an_interrupted_finding_can_be_restored_by_a_complete_reading(run: Run) -> None:
    run({A: FAIL})
    run({A: UNSURE})
    assert run({A: PASS}).transitions == {"restored": 1}
    assert (one().evidence_interrupted_since, one().last_failed_at) == (None, NOW + 15 * MINUTE)
    assert told() == ["opened", "interrupted", "restored"]


def test_a_check_that_could_not_run_restores_nothing(run: Run) -> None:
    run({A: FAIL})
    found = outcome({CHECK: {}}, places=())
    run.apply(replace(found, checks=(replace(found.checks[0], reason="out of memory"),)))
    assert one().interruption == "out of memory"
    assert CheckRun.objects.get(latest=True).reason == "out of memory"


def test_a_disabled_check_leaves_its_findings_with_an_event(run: Run) -> None:
    run({A: FAIL})
    off = Outcome((), lambda: (), lambda check, keys: {}, complete=True, disabled={CHECK: "by me: noisy"})
    assert run.apply(off).transitions == {"interrupted": 1}
    assert run.apply(off).transitions == {}
    assert (one().state, one().interruption) == ("open", "its check was not run: by me: noisy")


def test_a_sweep_of_other_checks_touches_nothing(run: Run) -> None:
    run({A: FAIL})
    other = outcome({"aws.s3.bucket-x": {}})
    assert run.apply(other).transitions == {}
    assert (one().state, one().evidence_interrupted_since) == ("open", None)


def test_an_accepted_finding_stays_open(run: Run) -> None:
    run({A: FAIL})
    run({A: UNSURE})
    assert run({A: ("accepted", "until 2027")}).transitions == {"resumed": 1}
    assert run({A: ("accepted", "until 2027")}).transitions == {}
    assert one().state == "open"


def test_another_reason_or_version_is_a_change(run: Run) -> None:
    run({A: FAIL})
    assert run({A: ("fail", "not encrypted at all")}).transitions == {"changed": 1}
    assert run({A: ("fail", "not encrypted at all")}, version="v2").transitions == {"changed": 1}
    assert (one().reason, one().check_version) == ("not encrypted at all", "v2")


def test_applying_twice_is_applying_once(run: Run) -> None:
    found = outcome({CHECK: {A: FAIL}})
    run.apply(found)
    before = (log.DjangoLog().size(), FindingEvent.objects.count(), CheckRun.objects.count())
    again = reconcile.apply(run.sweep, found, run.objects, now=NOW)
    assert (again.again, again.state, again.transitions) == (True, "complete", {})
    assert (log.DjangoLog().size(), FindingEvent.objects.count(), CheckRun.objects.count()) == before


def test_an_older_sweep_that_ends_late_changes_nothing(run: Run) -> None:
    old = begun(run.owner, 1)
    run({A: FAIL})
    late = reconcile.apply(old, outcome({CHECK: {A: PASS}}), run.objects, now=NOW)
    assert (late.transitions, late.superseded_by) == ({}, str(run.sweep.pk))
    assert one().state == "open"
    assert CheckRun.objects.get(latest=True).sweep_id == run.sweep.pk
    assert entries("sweep.finished")[-1]["data"]["superseded_by"] == str(run.sweep.pk)


def test_nothing_is_left_of_an_application_that_breaks(run: Run) -> None:
    found = outcome({CHECK: {A: FAIL, B: FAIL}})

    def breaks() -> Any:
        yield from list(found.failures())[:1]
        raise RuntimeError("killed here")

    run({})
    before = log.DjangoLog().size()
    with pytest.raises(RuntimeError, match="killed here"):
        run.apply(replace(found, failures=breaks))
    assert (Finding.objects.count(), FindingEvent.objects.count()) == (0, 0)
    assert [entry["kind"] for entry in entries()[before:]] == ["sweep.planned"]
    assert sweeps.get(run.sweep.pk).state == "collecting"
    assert reconcile.apply(run.sweep, found, run.objects, now=NOW).transitions == {"opened": 2}


def test_a_contradiction_is_refused(run: Run) -> None:
    run({A: FAIL})
    lying = replace(outcome({CHECK: {A: FAIL}}), failures=lambda: ())
    with pytest.raises(StoreError, match=r"vol-a fails, and is not among the failures"):
        run.apply(lying)
    with pytest.raises(StoreError, match=r"has failures and is not among the checks"):
        run.apply(replace(outcome({CHECK: {A: FAIL}}), checks=()))


def test_a_sweep_that_never_began_or_failed_is_refused(run: Run) -> None:
    planned = sweeps.plan(run.owner, slot=NOW, trigger="manual", actor="me", now=NOW)
    with pytest.raises(StoreError, match=r"it is planned and never began"):
        reconcile.apply(planned, outcome({}), run.objects, now=NOW)
    failed = begun(run.owner, 5)
    assert sweeps.fail(failed, error="no network", now=NOW, actor="system")
    with pytest.raises(StoreError, match=r"it ended as failed"):
        reconcile.apply(failed, outcome({}), run.objects, now=NOW)


def test_two_connections_keep_their_findings_apart(run: Run) -> None:
    run({A: FAIL})
    other = begun(connection("staging"), 40)
    reconcile.apply(other, outcome({CHECK: {}}), run.objects, now=NOW)
    assert one().state == "open"


def test_a_long_list_of_transitions_is_one_object(run: Run) -> None:
    rows = {(*HERE, f"vol-{number}"): FAIL for number in range(51)}
    run(rows)
    entry = entries("findings.changed")[-1]["data"]
    assert (entry["counts"], entry["lines"]) == ({"opened": 51}, 51)
    lines = run.objects.get(entry["transitions"]).splitlines()
    assert {json.loads(line)["resource"] for line in lines} == {key[2] for key in rows}
    assert LogEntry.objects.filter(kind="findings.changed").count() == 1


def test_the_manifest_answers_for_the_whole_sweep(run: Run) -> None:
    begun_sweep = begun(run.owner, 1)
    sweeps.record_reads(begun_sweep, [sweeps.Read(*HERE, "aws_ec2_volume", rows=2, calls=1, pages=1)])
    sweeps.record_reads(begun_sweep, [sweeps.Read(*HERE, "aws_ec2_volume", rows=3, calls=2, pages=1)])
    reconcile.apply(begun_sweep, outcome({CHECK: {A: FAIL}}, objects_read=3), run.objects, now=NOW)
    entry = entries("sweep.finished")[-1]["data"]
    body = json.loads(run.objects.get(entry["manifest"]))
    assert body["reads"][0]["rows"] == 3
    assert (body["checks"][0]["check"], body["checks"][0]["counts"]["failed"]) == (CHECK, 1)
    assert (entry["state"], entry["counts"]["failed"], entry["reads_failed"]) == ("complete", 1, 0)
    assert Sweep.objects.get(pk=begun_sweep.pk).manifest == entry["manifest"]


def test_strange_names_are_kept_as_they_are(run: Run) -> None:
    strange = (*HERE, "vol-'; DROP TABLE store_finding; --\n\x01é日本")
    run({strange: ("fail", "100% 'quoted' {braces} %s")})
    found = one(strange[2])
    assert found.reason == "100% 'quoted' {braces} %s"
    assert database.vendor in ("sqlite", "postgresql")


def test_a_nul_in_a_message_stops_nothing(run: Run) -> None:
    rows = {A: ("fail", "tag a\x00b"), B: FAIL}
    assert run(rows).transitions == {"opened": 2}
    assert run(rows).transitions == {}
    assert run({A: UNSURE, B: ("pass", "\x00")}).transitions == {"interrupted": 1, "restored": 1}
    assert one().reason == "tag a\ufffdb"


def test_findings_are_found_by_every_filter(run: Run) -> None:
    run({A: FAIL, B: FAIL})
    run({A: FAIL, B: PASS})
    assert [item.resource for item in findings.query(state="open", check=CHECK, severity="high")] == ["vol-a"]
    assert [item.resource for item in findings.query(resource="l-b", connection="prod")] == ["vol-b"]
    assert findings.query(region="nowhere") == []
    assert findings.open_by_severity() == {"critical": 0, "high": 1, "medium": 0, "low": 0}
    with pytest.raises(StoreError, match=r"'opn' is no state"):
        findings.query(state="opn")


def under(found: Outcome, **values: Any) -> Outcome:
    """The same outcome, judged by a check that was changed."""
    return replace(found, checks=tuple(replace(item, **values) for item in found.checks))


OTHER_RULES = ({"version": "another"}, {"params": {"max_age_days": 1}})


@pytest.mark.parametrize("values", OTHER_RULES)
def test_a_pass_under_another_rule_is_no_repair(run: Run, values: dict[str, Any]) -> None:
    run({A: FAIL, B: FAIL})
    done = run.apply(under(outcome({CHECK: {A: PASS}}), **values))
    assert done.transitions == {"rule changed": 2}
    assert {one("vol-a").state, one("vol-b").state} == {"rule changed"}
    reasons = [event.reason for event in findings.events(one()) if event.kind == "rule changed"]
    assert len(reasons) == 1 and "changed since it failed" in reasons[0]
    assert run({A: FAIL}).transitions == {"regressed": 1}


@pytest.mark.parametrize("values", OTHER_RULES)
def test_what_failed_under_the_new_rule_can_be_repaired(run: Run, values: dict[str, Any]) -> None:
    run({A: FAIL})
    assert run.apply(under(outcome({CHECK: {A: FAIL}}), **values)).transitions == {"changed": 1}
    assert run.apply(under(outcome({CHECK: {A: PASS}}), **values)).transitions == {"restored": 1}


def targeted(run: Run, minutes: int) -> Sweep:
    sweep = begun(run.owner, minutes)
    Sweep.objects.filter(pk=sweep.pk).update(tables=["aws_ec2_volume"])
    sweep.refresh_from_db()
    return sweep


def test_a_sweep_of_some_tables_says_nothing_about_the_connection(run: Run) -> None:
    run({A: FAIL})
    before = Connection.objects.values("last_complete_at", "objects_read").get()
    sweep = targeted(run, 30)
    reconcile.apply(sweep, outcome({CHECK: {A: PASS}}), run.objects, now=sweep.observed_at)
    assert one().state == "restored"
    assert Connection.objects.values("last_complete_at", "objects_read").get() == before
    assert sweeps.latest(run.owner, whole=True) == run.sweep


def test_an_older_whole_sweep_still_says_what_a_newer_one_was_not_asked(run: Run) -> None:
    older, newer = begun(run.owner, 15), targeted(run, 20)
    reconcile.apply(newer, outcome({CHECK: {A: FAIL}}), run.objects, now=newer.observed_at)
    found = outcome({CHECK: {A: PASS}, "aws.ec2.other": {B: FAIL}})
    done = reconcile.apply(older, found, run.objects, now=newer.observed_at)
    assert done.superseded_by == ""
    assert one("vol-a").state == "open"
    assert one("vol-b").state == "open"
    latest = CheckRun.objects.filter(latest=True).values_list("check_id", "sweep_id")
    assert dict(latest) == {CHECK: newer.pk, "aws.ec2.other": older.pk}
    assert Connection.objects.get().last_complete_at == older.observed_at


def test_a_late_worker_cannot_write_into_a_sweep_that_ended(run: Run) -> None:
    run({A: FAIL})
    for late in (
        lambda: sweeps.record_reads(run.sweep, [sweeps.Read(*HERE, "aws_ec2_volume")]),
        lambda: sweeps.record_gaps(run.sweep, []),
        lambda: sweeps.record_states(run.sweep, []),
    ):
        with pytest.raises(StoreError, match="has ended as complete"):
            late()


def test_a_skipped_sweep_is_an_entry_and_stays_skipped(run: Run) -> None:
    sweep = begun(run.owner, 15)
    assert sweeps.skip(sweep, reason="the connection was removed", now=NOW, actor="scheduler")
    assert not sweeps.skip(sweep, reason="again", now=NOW, actor="scheduler")
    assert sweeps.get(sweep.pk).state == "skipped"
    assert LogEntry.objects.filter(kind="sweep.skipped").count() == 1
