"""Tasks on both databases: made by policy or by hand, claimed by people, verified only by readings."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from proofwatch.alerts import people, review
from proofwatch.alerts.base import AlertError, utc_text
from proofwatch.alerts.rules import Rule
from proofwatch.remediation import clock, tasks
from proofwatch.store import reconcile
from proofwatch.store.base import StoreError
from proofwatch.store.models import Hint, TicketStep, TrackerConfig
from tests.alerts.world import CHECK, FAIL, PASS, A, B, World
from tests.store.samples import NOW, begun, entries, outcome

RULE = Rule(id="now", title="A control fails", when="failing", wait_minutes=0, gather_minutes=0)


class Company(World):
    def apply(self, found, *, minutes: int = 15):
        self.minutes += minutes
        self.run = begun(self.owner, self.minutes)
        return reconcile.apply(self.run, found, self.objects, now=self.run.observed_at, also=clock.observe)


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Company:
    made = Company(tmp_path, RULE)
    people.add("ben", role="responder", actor="owner", now=NOW)
    made.sweep({A: FAIL, B: PASS})
    return made


def kinds(task) -> list[str]:
    return [item.kind for item in tasks.events(task)]


def test_a_review_that_decides_repair_makes_a_task_due_by_the_severity(world: Company) -> None:
    review.review(["AL-1"], "repair", "rotate the key", by="ana", now=world.now, channel="cli")
    assert tasks.by_policy(world.now) == 1 and tasks.by_policy(world.now) == 0
    (task,) = tasks.query(live=True)
    assert (task.name, task.state, task.made_by) == ("TSK-1", "open", "system")
    assert task.body == "ana (lead) decided to repair it: rotate the key"
    assert task.due_at == world.alert.first_failed_at + timedelta(days=7)
    assert world.alert.state == "in remediation" and world.alert.escalate_at is None


def test_a_decision_about_an_earlier_failure_makes_no_task_for_the_next(world: Company) -> None:
    review.review(["AL-1"], "repair", "rotate the key", by="ana", now=world.now, channel="cli")
    tasks.by_policy(world.now)
    for rows in ({A: PASS}, {A: PASS}, {A: FAIL}):
        world.sweep(rows)
    assert (world.alert.state, world.alert.regressed) == ("open", 1)
    assert [task.state for task in tasks.query()] == ["verified restored"]
    review.review(["AL-1"], "repair", "again", by="ana", now=world.now, channel="cli")
    assert tasks.by_policy(world.now) == 1


def test_a_rule_may_ask_for_a_task_at_once(database_url: str, tmp_path: Path) -> None:
    world = Company(tmp_path, RULE.model_copy(update={"task": "at once"}))
    world.sweep({A: FAIL})
    assert tasks.get("1").made_by == "system" and world.alert.state == "in remediation"


def test_a_claim_is_read_again_soon_and_only_two_passing_runs_verify_it(world: Company) -> None:
    task = tasks.make("AL-1", by="ana", now=world.now, owner="ben", note="turn it on")
    tasks.begin("TSK-1", by="ben", now=world.now)
    claimed = tasks.claim_fixed("TSK-1", "turned on", by="ben", now=world.now)
    assert (claimed.state, world.alert.state) == ("fix claimed", "fix claimed")
    assert Hint.objects.get().table == "aws_ec2_volume"
    world.sweep({A: PASS, B: PASS})
    assert tasks.get("TSK-1").state == "fix claimed"
    world.sweep({A: PASS, B: PASS})
    done = tasks.get("TSK-1")
    assert done.state == "verified restored" and done.ended_at is not None
    assert done.evidence_before and done.evidence_after and done.evidence_before != done.evidence_after
    assert kinds(task) == ["made", "begun", "claimed", "ended"]


def test_a_claim_that_a_later_run_refutes_goes_back(world: Company) -> None:
    tasks.make("AL-1", by="ana", now=world.now)
    tasks.claim_fixed("TSK-1", "done", by="ben", now=world.now)
    world.sweep({A: FAIL, B: PASS})
    assert (tasks.get("1").state, world.alert.state) == ("in progress", "in remediation")
    assert kinds(tasks.get("1"))[-1] == "not confirmed"


def test_a_deleted_resource_ends_the_task_as_gone(world: Company) -> None:
    tasks.make("AL-1", by="ana", now=world.now)
    world.sweep({B: PASS})
    assert tasks.get("1").state == "verified: resource gone"


def test_dates_move_with_a_reason_and_late_is_never_taken_back(world: Company) -> None:
    tasks.make("AL-1", by="ana", now=world.now)
    old = tasks.get("1").due_at
    with pytest.raises(AlertError, match="needs a reason"):
        tasks.move_due("1", world.now + timedelta(days=9), by="ana", now=world.now, reason=" ")
    tasks.move_due("1", world.now + timedelta(hours=1), by="ana", now=world.now, reason="urgent")
    event = tasks.events(tasks.get("1"))[-1]
    assert (event.kind, event.actor) == ("due", "ana") and event.before == utc_text(old)
    world.minutes += 61
    tasks.follow(world.now)
    tasks.move_due("1", world.now + timedelta(days=1), by="ana", now=world.now, reason="vendor")
    assert tasks.get("1").breached_at is not None
    assert tasks.query(overdue=world.now + timedelta(days=2))


def test_auditors_and_strangers_do_not_act(world: Company) -> None:
    with pytest.raises(AlertError, match="may only read"):
        tasks.make("AL-1", by="aud", now=world.now)
    with pytest.raises(StoreError, match="zoe"):
        tasks.make("AL-1", by="zoe", now=world.now)
    tasks.make("AL-1", by="ana", now=world.now)
    with pytest.raises(StoreError, match="zoe"):
        tasks.assign("TSK-1", "zoe", by="ana", now=world.now)
    with pytest.raises(AlertError, match="a note is needed"):
        tasks.claim_fixed("TSK-1", "", by="ana", now=world.now)
    assert tasks.get("1").state == "open"


def test_an_alert_has_one_task_at_a_time_and_a_regression_another(world: Company) -> None:
    tasks.make("AL-1", by="ana", now=world.now)
    with pytest.raises(AlertError, match="TSK-1 is under way"):
        tasks.make("AL-1", by="ana", now=world.now)
    for _ in range(2):
        world.sweep({A: PASS, B: PASS})
    world.sweep({A: FAIL, B: PASS})
    assert world.alert.regressed == 1
    assert tasks.make("AL-1", by="ana", now=world.now).name == "TSK-2"


def test_every_step_is_an_entry_with_a_person_and_is_told_to_the_tracker_in_order(world: Company) -> None:
    TrackerConfig.objects.create(name="jira", kind="jira", settings={}, by="owner", at=NOW)
    tasks.make("AL-1", by="ana", now=world.now, note="please")
    tasks.assign("1", "ben", by="ana", now=world.now)
    tasks.comment("1", "see the runbook", by="ben", now=world.now)
    tasks.claim_fixed("1", "done", by="tracker:jira:b", now=world.now, role="tracker")
    steps = [(item.kind, item.body.get("text", [])) for item in TicketStep.objects.order_by("pk")]
    # What came from the tracker is not told to it again.
    assert steps == [("create", []), ("update", ["ana"]), ("comment", ["ben: see the runbook"])]
    assert [e["actor"] for e in entries("task.made")] == ["ana"]
    told = [(e["actor"], e["data"]["kind"]) for e in entries("task.changed")]
    assert told == [("ana", "assigned"), ("ben", "comment"), ("tracker:jira:b", "claimed")]


def test_the_outcome_of_a_sweep_and_its_tasks_commit_together(world: Company) -> None:
    assert outcome({CHECK: {A: FAIL}}).checks[0].check == CHECK
    tasks.make("AL-1", by="ana", now=world.now)

    class Stop(Exception):
        pass

    def fail(*args):
        clock.observe(*args)
        raise Stop

    for number in range(2):
        world.minutes += 15
        run = begun(world.owner, world.minutes)
        found = outcome({CHECK: {A: PASS, B: PASS}})
        if number == 0:
            reconcile.apply(run, found, world.objects, now=run.observed_at, also=clock.observe)
            continue
        with pytest.raises(Stop):
            reconcile.apply(run, found, world.objects, now=run.observed_at, also=fail)
    assert tasks.get("1").state == "open" and world.alert.state == "in remediation"


def test_a_later_review_corrects_the_one_before(world: Company) -> None:
    for decision in ("repair", "watch"):
        review.review(["AL-1"], decision, "…", by="ana", now=world.now, channel="cli")
    assert tasks.by_policy(world.now) == 0
