"""GitHub Issues as others understand them.

* `emulate`: a stateful GitHub, with accounts, labels and signed web hooks.
* Prism in front of it, with GitHub's own description: whatever we send that GitHub does not describe is
  refused, and so is an answer of another shape.
* Prism alone: every refusal that the description names, in its official shape.

Nobody wrote a server for Linear's whole interface or for Jira; see `test_linear_servers.py` and
`test_jira_descriptions.py` for what there is. For ServiceNow there is nothing at all in npm or PyPI, neither
a server nor a description of the table API: it is tried against our own fake only (`test_conformance.py`).
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from proofwatch.outbound.guard import Allowed
from proofwatch.outbound.http import Answer, Client
from proofwatch.remediation import news, polling, tasks, tickets, trackerbook
from proofwatch.remediation.trackers.base import TaskFacts, TicketEvent, TicketState, TrackerError
from proofwatch.remediation.trackers.github import GitHub
from proofwatch.store.models import Ticket
from tests import servers
from tests.alerts.channels import receiver
from tests.alerts.world import FAIL, PASS, A, B
from tests.remediation.test_tasks import RULE, Company
from tests.store.samples import NOW

SEED = """
tokens:
  gh_proofwatch: {login: proofwatch, scopes: [repo]}
  gh_ben: {login: ben, scopes: [repo, "admin:repo_hook"]}
github:
  users: [{login: proofwatch}, {login: ana}, {login: ben}]
  orgs: [{login: acme, members: [{login: proofwatch, role: admin}, {login: ana}, {login: ben, role: admin}]}]
  repos: [{owner: acme, name: app}]
"""
EVIL = "<script>alert(1)</script> @ben [x](http://evil) **b** #1 \u202egnp\r\n"
TASK = TaskFacts(
    key="TSK-7", title="CC6.1-03 Storage is encrypted: 3 of 41 results fail", severity="high",
    body=("Failing since 2026-11-23T09:00:00Z:", f"• {EVIL}: not encrypted"), due=date(2026, 11, 30),
    assignee="ana", labels=("proofwatch", "high", "CC6.1-03 x"), link="https://pw.example.com/t/TSK-7",
)  # fmt: skip


@dataclass(frozen=True)
class Preferring(Client):
    """A client that asks Prism for one of the answers that the description names."""

    answer: int = 200

    def request(self, method: str, url: str, *, headers: Any = None, **given: Any) -> Answer:
        # GitHub's own media type is one that its description does not name, and Prism is strict about it.
        sent = {**(headers or {}), "Accept": "application/json", "Prefer": f"code={self.answer}"}
        return super().request(method, url, headers=sent, **given)


@dataclass
class Servers:
    """The emulator itself, for what other people do there, and Prism before it, for what we do."""

    emulated: str
    judged: str

    def by_ben(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        headers = {"Authorization": "Bearer gh_ben", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.emulated}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    @property
    def client(self) -> Client:
        return Client(Allowed.of([urlsplit(self.judged).netloc]), timeout=10.0)

    def tracker(self) -> GitHub:
        return tracker(self.judged, self.client)


def tracker(url: str, client: Client) -> GitHub:
    return GitHub(GitHub.Settings.model_validate(settings(url)), client)


def settings(url: str) -> dict[str, str]:
    return {"repository": "acme/app", "token": "env:PW_T", "api": url, "webhook_secret": "env:PW_W"}


@pytest.fixture(scope="module")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    first, second = tmp_path_factory.mktemp("github"), tmp_path_factory.mktemp("prism")
    (first / "seed.yaml").write_text(SEED, "utf-8")
    port, front = servers.free_port(), servers.free_port()
    emulator = servers.emulate("github", first / "seed.yaml", port)
    with servers.running(emulator, port, first) as url:
        judge = servers.prism_before(url, servers.github_description(), front)
        with servers.running(judge, front, second) as judged:
            yield Servers(url, judged)


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("described"), servers.free_port()
    command = servers.prism(servers.github_description(), port)
    with servers.running(command, port, folder) as url:
        yield url


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PW_T", "gh_proofwatch")
    monkeypatch.setenv("PW_W", "hook-secret")


def test_an_issue_lives_until_somebody_else_closes_it(github: Servers) -> None:
    made = github.tracker()
    assert made.find("TSK-7") is None
    ticket = made.create(TASK)
    assert (ticket.state, ticket.assignee) == (TicketState.OPEN, "ana")
    found = made.find("TSK-7")
    assert found is not None and found.id == ticket.id and made.find("TSK-70") is None
    moved = made.update(ticket.id, replace(TASK, title="another", assignee="ben", due=None, mark="Drill"))
    assert (moved.id, moved.assignee) == (ticket.id, "ben")
    assert made.comment(ticket.id, ("ana: rotated the key", EVIL)).isdigit()
    path = f"/repos/acme/app/issues/{ticket.id}"
    kept = github.by_ben("GET", path)
    assert kept["title"] == "[TSK-7] Drill: another" and kept["body"].startswith("Failing since")
    assert {item["name"] for item in kept["labels"]} == {"proofwatch", "high", "CC6.1-03 x"}
    said = [item["body"] for item in github.by_ben("GET", f"{path}/comments")]
    assert said[0] == "No date." and "rotated the key" in said[1]
    github.by_ben("PATCH", path, {"state": "closed", "state_reason": "completed"})
    (read,) = made.read([ticket.id, "9999"])
    assert (read.state, read.state_name, read.closed_by) == (TicketState.CLOSED, "closed completed", "ben")
    github.by_ben("PATCH", path, {"state": "open"})
    assert made.read([ticket.id])[0].state == TicketState.OPEN


def test_the_longest_texts_are_still_legal(github: Servers) -> None:
    long = replace(TASK, key="TSK-8", title="t" * 5000, body=("b" * 9000,) * 90, labels=("l" * 99, "high"))
    made = github.tracker()
    assert made.update(made.create(long).id, replace(long, assignee="")).id


def test_the_judge_refuses_what_github_does_not_describe(github: Servers) -> None:
    url = f"{github.judged}/repos/acme/app/issues"
    wrong: list[tuple[str, str, Any]] = [
        ("POST", url, {"title": {"is": "no text"}}),
        ("POST", url, {"body": "no title"}),
        ("GET", f"{url}?state=shut", None),
        ("GET", f"{url}?per_page=all", None),
    ]
    for method, address, body in wrong:
        headers = {"Authorization": "Bearer gh_proofwatch"}
        got = github.client.request(method, address, doing="trying", headers=headers, body=body)
        assert got.status == 422, (method, address, got.text)


def until(ready: Callable[[], bool]) -> None:
    for _ in range(100):
        if ready():
            return
        time.sleep(0.05)
    raise AssertionError("nothing came within 5 s")


@pytest.fixture
def hooked(github: Servers) -> Iterator[receiver.Receiver]:
    """A receiver to which the emulator sends web hooks of the repository, signed with our secret."""
    with receiver.http() as heard:
        url = f"http://127.0.0.1:{heard.port}/trackers/gh"
        config = {"url": url, "content_type": "json", "secret": "hook-secret"}
        hook = {"name": "web", "active": True, "events": ["issues", "issue_comment"], "config": config}
        made = github.by_ben("POST", "/repos/acme/app/hooks", hook)
        heard.seen.clear()  # Without the ping.
        yield heard
        github.by_ben("DELETE", f"/repos/acme/app/hooks/{made['id']}")


def test_a_web_hook_that_github_signs_is_believed_and_a_changed_one_is_not(
    github: Servers, hooked: receiver.Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, now = github.tracker(), datetime.now(UTC)
    ticket = made.create(replace(TASK, key="TSK-9"))
    made.comment(ticket.id, ("a word",))
    until(lambda: len(hooked.seen) >= 2)
    for _, headers, body in hooked.seen:
        (event,) = made.webhook(headers, body, now)
        assert isinstance(event, TicketEvent) and event.ticket == ticket.id and event.delivery
        with pytest.raises(TrackerError, match="not signed"):
            made.webhook(headers, body.replace(b"acme", b"evil"), now)
    assert len({headers["x-github-delivery"] for _, headers, _ in hooked.seen}) == len(hooked.seen)
    monkeypatch.setenv("PW_W", "another-secret")
    with pytest.raises(TrackerError, match="not signed"):
        made.webhook(hooked.seen[0][1], hooked.seen[0][2], now)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_closing_an_issue_is_a_claim_that_the_web_hook_brings(
    database_url: str, tmp_path: Path, github: Servers, hooked: receiver.Receiver
) -> None:
    world = Company(tmp_path, RULE)
    trackerbook.save("gh", "github", settings(github.judged), actor="owner", now=NOW, client=github.client)
    world.sweep({A: FAIL, B: PASS})
    tasks.make("AL-1", by="ana", now=world.now)
    assert tickets.drain(tickets.Courier(github.client, "w1", clock=lambda: world.now)) == 1
    ticket = Ticket.objects.get()
    until(lambda: bool(hooked.seen))
    hooked.seen.clear()
    path = f"/repos/acme/app/issues/{ticket.external_id}"
    github.by_ben("PATCH", path, {"state": "closed", "state_reason": "not_planned"})
    until(lambda: bool(hooked.seen))
    _, headers, body = hooked.seen[0]
    assert news.hear("gh", headers, body, github.client, world.now) == 1
    assert news.hear("gh", headers, body, github.client, world.now) == 0
    task = tasks.get("TSK-1")
    assert (task.state, task.claimed_by) == ("fix claimed", "tracker:gh:ben")
    for _ in range(2):
        world.sweep({A: PASS, B: PASS})
    assert tasks.get("TSK-1").state == "verified restored"
    tickets.drain(tickets.Courier(github.client, "w1", clock=lambda: world.now))
    said = [item["body"] for item in github.by_ben("GET", f"{path}/comments")]
    assert "verified restored" in said[-1] and polling.poll(github.client, world.now) == 0


def test_an_issue_of_githubs_own_example_is_understood(described: str) -> None:
    made = tracker(described, Preferring(Allowed.of([urlsplit(described).netloc]), timeout=10.0))
    (ticket,) = made.read(["1347"])
    assert (ticket.id, ticket.state, ticket.assignee) == ("1347", TicketState.OPEN, "octocat")
    assert ticket.url == "https://github.com/octocat/Hello-World/issues/1347"


@pytest.mark.parametrize("status", [301, 404, 410])
def test_an_issue_that_was_moved_or_deleted_does_not_keep_the_others_from_being_read(
    described: str, status: int
) -> None:
    allowed = Allowed.of([urlsplit(described).netloc])
    assert tracker(described, Preferring(allowed, timeout=10.0, answer=status)).read(["1", "2"]) == []


@pytest.mark.parametrize(
    ("status", "permanent"), [(400, True), (403, True), (404, True), (410, True), (422, True), (503, False)]
)
def test_every_refusal_that_github_describes_is_told_apart(
    described: str, status: int, permanent: bool
) -> None:
    client = Preferring(Allowed.of([urlsplit(described).netloc]), timeout=10.0, answer=status)
    with pytest.raises(TrackerError) as error:
        tracker(described, client).create(TASK)
    assert error.value.permanent is permanent and not error.value.unanswered
    assert error.value.answer.startswith(str(status))
