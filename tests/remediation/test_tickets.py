"""From a task to its ticket and back, over a real socket, on both databases: no step lost, none doubled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proofwatch.remediation import news, polling, tasks, tickets, trackerbook
from proofwatch.remediation.trackers.base import TrackerError
from proofwatch.store.models import Ticket, TicketStep, TrackerConfig
from tests.alerts.world import FAIL, PASS, A, B
from tests.remediation.test_tasks import RULE, Company
from tests.remediation.trackers.fakes import SECRET, Fake, close_jira, served, settings
from tests.remediation.trackers.test_conformance import hook
from tests.store.samples import NOW, entries


@pytest.fixture
def jira(monkeypatch: Any) -> Any:
    monkeypatch.setenv("PW_T", SECRET)
    monkeypatch.setenv("PW_W", "hook-secret")
    with served("jira") as made:
        yield made


@pytest.fixture
def world(database_url: str, tmp_path: Path, jira: Fake) -> Company:
    made = Company(tmp_path, RULE)
    trackerbook.save("jira", "jira", settings("jira", jira.url), actor="owner", now=NOW, client=jira.client)
    made.sweep({A: FAIL, B: PASS})
    return made


def tell(world: Company, jira: Fake, **values: Any) -> int:
    return tickets.drain(tickets.Courier(jira.client, "w1", clock=lambda: world.now, **values))


def test_a_task_becomes_a_ticket_and_its_closing_a_claim_that_readings_verify(
    world: Company, jira: Fake
) -> None:
    tasks.make("AL-1", by="ana", now=world.now, note="please")
    assert tell(world, jira, texts=lambda check: ("it matters", "mend it")) == 1
    ticket = Ticket.objects.get()
    assert (ticket.external_id, ticket.url) == ("SEC-1", f"{jira.url}/browse/SEC-1")
    text = str(jira.rows["SEC-1"])
    assert "vol-a" in text and "mend it" in text and "please" in text
    close_jira(jira, "SEC-1")
    assert polling.poll(jira.client, world.now) == 1
    task = tasks.get("TSK-1")
    assert (task.state, task.claimed_by, world.alert.state) == ("fix claimed", "tracker:jira", "fix claimed")
    assert polling.poll(jira.client, world.now) == 0  # Not its turn yet.
    world.sweep({A: FAIL, B: PASS})
    assert tasks.get("TSK-1").state == "in progress"
    for _ in range(2):
        world.sweep({A: PASS, B: PASS})
    assert tasks.get("TSK-1").state == "verified restored"
    tell(world, jira)
    said = [text for _, text in jira.comments]
    assert said[0].startswith("The fix is not confirmed") and said[-1].startswith(
        "Proofwatch: verified restored"
    )


def test_a_tracker_that_is_away_loses_no_step_and_keeps_their_order(world: Company, jira: Fake) -> None:
    jira.faults = [(503, {}, None)]
    tasks.make("AL-1", by="ana", now=world.now)
    tasks.comment("1", "first", by="ana", now=world.now)
    tasks.comment("1", "second", by="ana", now=world.now)
    assert tell(world, jira) == 1 and not jira.rows
    world.minutes += 1
    assert tell(world, jira) == 3
    assert [text for _, text in jira.comments] == ["ana: first", "ana: second"]
    assert [e["data"]["state"] for e in entries("ticket.step")] == ["queued", "done", "done", "done"]


@pytest.mark.parametrize("fault", ["slow", "reset"])
def test_a_lost_answer_makes_no_second_ticket(world: Company, jira: Fake, fault: str) -> None:
    tasks.make("AL-1", by="ana", now=world.now)
    jira.faults = [fault]
    tell(world, jira)
    world.minutes += 1
    tell(world, jira)
    assert len(jira.rows) == 1 and Ticket.objects.get().external_id == "SEC-1"


@pytest.mark.parametrize("step", ["claimed", "told"])
def test_a_worker_that_ends_in_the_middle_loses_no_step(world: Company, jira: Fake, step: str) -> None:
    class Killed(BaseException):
        pass

    def stop(name: str) -> None:
        if name == step:
            raise Killed

    tasks.make("AL-1", by="ana", now=world.now)
    with pytest.raises(Killed):
        tell(world, jira, step=stop)
    assert tell(world, jira) == 0
    world.minutes += 3
    assert tell(world, jira) == 1
    assert len(jira.rows) == 1 and TicketStep.objects.get().state == "done"


def test_a_refusal_for_good_ends_the_step_and_says_why(world: Company, jira: Fake) -> None:
    jira.faults = [(400, {}, {"errors": {"duedate": "cannot be set"}})]
    tasks.make("AL-1", by="ana", now=world.now)
    tell(world, jira)
    step = TicketStep.objects.get()
    assert step.state == "failed" and "duedate" in step.answer


def test_a_verified_web_hook_reads_the_ticket_once_and_a_forged_one_does_nothing(
    world: Company, jira: Fake
) -> None:
    tasks.make("AL-1", by="ana", now=world.now)
    tell(world, jira)
    Ticket.objects.update(external_id="SEC-7")
    jira.rows["SEC-7"] = jira.rows.pop("SEC-1") | {"key": "SEC-7"}
    close_jira(jira, "SEC-7")
    headers, body, _ = hook("jira")
    with pytest.raises(TrackerError):
        news.hear("jira", {"x-hub-signature": "sha256=00"}, body, jira.client, world.now)
    assert tasks.get("1").state == "open"
    headers |= {"X-Atlassian-Webhook-Identifier": "d1"}
    assert news.hear("jira", headers, body, jira.client, world.now) == 1
    assert news.hear("jira", headers, body, jira.client, world.now) == 0
    assert tasks.get("1").state == "fix claimed"


def test_a_tracker_that_cannot_be_read_says_so(world: Company, jira: Fake) -> None:
    tasks.make("AL-1", by="ana", now=world.now)
    tell(world, jira)
    jira.faults = [(401, {}, {"errorMessages": ["expired"]})]
    assert polling.poll(jira.client, world.now) == 0
    assert "401" in TrackerConfig.objects.get().problem


def test_an_answer_of_another_form_is_a_problem_and_stops_nobody(
    world: Company, jira: Fake, monkeypatch: Any
) -> None:
    tasks.make("AL-1", by="ana", now=world.now)

    def broken(self: Any, *args: Any) -> Any:
        return [][0]

    from proofwatch.remediation.trackers.jira import Jira

    with monkeypatch.context() as patch:
        patch.setattr(Jira, "create", broken)
        patch.setattr(Jira, "find", broken)
        assert tell(world, jira) == 1
    step, config = TicketStep.objects.get(), TrackerConfig.objects.get()
    assert step.state == "queued" and "IndexError" in step.answer and "IndexError" in config.problem
    world.minutes += 5
    assert tell(world, jira) == 1 and TrackerConfig.objects.get().problem == ""
    with monkeypatch.context() as patch:
        patch.setattr(Jira, "read", broken)
        assert polling.poll(jira.client, world.now) == 0
    config = TrackerConfig.objects.get()
    assert config.polled_at == world.now and "another form" in config.problem
