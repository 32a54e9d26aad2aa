"""Linear as others understand it: every operation judged by Linear's own schema, then sent to `emulate`.

`emulate` keeps issues, comments and states, and signs web hooks, but its schema is small and in one place
another than Linear's: it filters a team by a comparator where Linear takes a filter. So what we send is
first judged by Linear's schema, read out of Linear's own client (`linear_schema.py`), and then put into the
emulator's words. Its error codes are not Linear's: those are tried in `test_conformance.py`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from graphql import GraphQLSchema

from proofwatch.outbound.guard import Allowed
from proofwatch.outbound.http import Answer, Client
from proofwatch.remediation.trackers.base import TaskFacts, TicketState, TrackerError
from proofwatch.remediation.trackers.linear import STATES, Linear
from tests import servers
from tests.alerts.channels import receiver
from tests.remediation.trackers import linear_schema

TEAM, ANA, BEN = (f"00000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))
TYPES = ("triage", "backlog", "unstarted", "started", "completed", "canceled", "duplicate")
SEED: dict[str, Any] = {
    "linear": {
        "organization": {"name": "Acme", "url_key": "acme"},
        "users": [
            {"id": ANA, "email": "ana@acme.test", "name": "Ana"},
            {"id": BEN, "email": "ben@acme.test", "name": "Ben", "admin": True},
        ],
        "teams": [
            {
                "id": TEAM, "key": "SEC", "name": "Security",
                "states": [{"id": f"state-{name}", "name": name.title(), "type": name} for name in TYPES],
            }
        ],
        "tokens": [
            {"token": "lin_api_proofwatch", "user": "ana@acme.test", "scopes": ["read", "write"]},
            {"token": "lin_api_ben", "user": "ben@acme.test", "scopes": ["admin"]},
            {"token": "lin_api_reader", "user": "ana@acme.test", "scopes": ["read"]},
        ],
        "strict_scopes": True,
    }
}  # fmt: skip
EVIL = "<script>alert(1)</script> @ben [x](http://evil) **b** #1 \u202egnp\r\n"
TASK = TaskFacts(
    key="TSK-7", title="CC6.1-03 Storage is encrypted: 3 of 41 results fail", severity="high",
    body=("Failing since 2026-11-23T09:00:00Z:", f"• {EVIL}: not encrypted"), due=date(2026, 11, 30),
    assignee=ANA, labels=("proofwatch", "high"), link="https://pw.example.com/t/TSK-7",
)  # fmt: skip


@dataclass(frozen=True)
class Judged(Client):
    """A client that sends nothing that Linear's schema would refuse, and notes what it sent."""

    known: GraphQLSchema | None = None
    sent: list[str] = field(default_factory=list)

    def request(self, method: str, url: str, *, body: Any = None, **given: Any) -> Answer:
        assert self.known is not None and set(body) == {"query", "variables"}
        assert linear_schema.refusals(self.known, body["query"], body["variables"]) == []
        self.sent.append(body["query"])
        words = json.loads(json.dumps(body))
        wanted = words["variables"].get("filter", {})
        if "team" in wanted:
            wanted["team"] = wanted["team"]["id"]  # The emulator's own word for it.
        return super().request(method, url, body=words, **given)


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return linear_schema.schema(servers.linear_declarations())


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("linear"), servers.free_port()
    (folder / "seed.yaml").write_text(json.dumps(SEED), "utf-8")  # JSON is YAML, too.
    command = servers.emulate("linear", folder / "seed.yaml", port)
    with servers.running(command, port, folder) as running:
        yield running


@pytest.fixture
def linear(url: str, schema: GraphQLSchema, monkeypatch: pytest.MonkeyPatch) -> Linear:
    monkeypatch.setenv("PW_T", "lin_api_proofwatch")
    monkeypatch.setenv("PW_W", "hook-secret")
    given = {"team": TEAM, "key": "env:PW_T", "api": f"{url}/graphql", "webhook_secret": "env:PW_W"}
    client = Judged(Allowed.of([urlsplit(url).netloc]), timeout=10.0, known=schema)
    return Linear(Linear.Settings.model_validate(given), client)


def by_ben(url: str, query: str, **variables: Any) -> Any:
    """Do in the emulator what somebody else does."""
    client = Client(Allowed.of([urlsplit(url).netloc]), timeout=10.0)
    body = {"query": query, "variables": variables}
    headers = {"Authorization": "lin_api_ben"}
    said = client.request("POST", f"{url}/graphql", doing="trying", headers=headers, body=body).json()
    assert "errors" not in said, said
    return said["data"]


def moved(url: str, issue: str, state: str) -> None:
    query = "mutation($id: String!, $s: String!) { issueUpdate(id: $id, input: {stateId: $s}) { success } }"
    by_ben(url, query, id=issue, s=f"state-{state}")


def test_an_issue_lives_until_somebody_else_closes_it(url: str, linear: Linear) -> None:
    assert linear.find("TSK-7") is None
    ticket = linear.create(TASK)
    assert ticket.assignee == ANA and ticket.url
    found = linear.find("TSK-7")
    assert found is not None and found.id == ticket.id and linear.find("TSK-70") is None
    changed = replace(TASK, title="another", assignee=BEN, severity="critical", mark="Drill")
    assert linear.update(ticket.id, changed).assignee == BEN
    assert linear.comment(ticket.id, ("ana: rotated the key", EVIL))
    wanted = "title description priority dueDate comments { nodes { body } }"
    kept = by_ben(url, f"query($id: String!) {{ issue(id: $id) {{ {wanted} }} }}", id=ticket.id)["issue"]
    assert (kept["title"], kept["priority"], kept["dueDate"]) == ("[TSK-7] Drill: another", 1, "2026-11-30")
    assert "<script>" not in kept["description"] and "rotated the key" in kept["comments"]["nodes"][0]["body"]
    moved(url, ticket.id, "completed")
    (read,) = linear.read([ticket.id, "00000000-0000-4000-8000-000000000099"])
    assert (read.state, read.state_name, read.assignee) == (TicketState.CLOSED, "Completed", BEN)
    assert isinstance(linear.client, Judged) and len(linear.client.sent) == 7


def test_every_type_of_state_that_linear_has_is_understood(url: str, linear: Linear) -> None:
    ticket = linear.create(replace(TASK, key="TSK-8", assignee="", due=None, severity="none"))
    for name in TYPES:
        moved(url, ticket.id, name)
        assert linear.read([ticket.id])[0].state == STATES.get(name, TicketState.OPEN)
    text = servers.linear_declarations().read_text("utf-8")
    known = text.partition('"WorkflowState";')[2].partition("  type: ")[0].rpartition("One of ")[2]
    assert tuple(word.strip('", ') for word in known.partition(".")[0].split(", ")) == TYPES


def test_many_issues_are_read_and_a_deleted_one_is_left_out(url: str, linear: Linear) -> None:
    names = [linear.create(replace(TASK, key=f"TSK-{number}")).id for number in range(100, 153)]
    by_ben(url, "mutation($id: String!) { issueDelete(id: $id) { success } }", id=names[1])
    assert {item.id for item in linear.read(names)} == set(names) - {names[1]}


def test_what_linear_refuses_is_final(linear: Linear, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TrackerError) as error:
        linear.update("00000000-0000-4000-8000-000000000099", TASK)
    assert error.value.permanent and "not found" in error.value.answer
    monkeypatch.setenv("PW_T", "lin_api_reader")
    with pytest.raises(TrackerError) as error:
        linear.create(TASK)
    assert error.value.permanent and "scope" in error.value.answer


def test_a_web_hook_that_linear_signs_is_believed_while_it_is_new(url: str, linear: Linear) -> None:
    with receiver.http() as heard:
        query = "mutation($input: WebhookCreateInput!) { webhookCreate(input: $input) { webhook { id } } }"
        given = {"url": f"http://127.0.0.1:{heard.port}", "resourceTypes": ["Issue", "Comment"]}
        made = by_ben(url, query, input={**given, "teamId": TEAM, "secret": "hook-secret"})
        ticket = linear.create(replace(TASK, key="TSK-9"))
        linear.comment(ticket.id, ("a word",))
        moved(url, ticket.id, "completed")
        for _ in range(100):
            if len(heard.seen) >= 3:
                break
            time.sleep(0.05)
        query = "mutation($id: String!) { webhookDelete(id: $id) { success } }"
        by_ben(url, query, id=made["webhookCreate"]["webhook"]["id"])
    now = datetime.now(UTC)
    assert len(heard.seen) == 3
    for _, headers, body in heard.seen:
        (event,) = linear.webhook(headers, body, now)
        assert event.ticket == ticket.id and event.delivery
        with pytest.raises(TrackerError, match="not signed"):
            linear.webhook(headers, body.replace(b"SEC", b"EVL"), now)
        with pytest.raises(TrackerError, match="more than a minute old"):
            linear.webhook(headers, body, now + timedelta(seconds=90))


def test_the_judge_refuses_what_linear_does_not_know(schema: GraphQLSchema) -> None:
    create = "mutation($input: IssueCreateInput!) { issueCreate(input: $input) { success issue { id } } }"
    issues = "query($filter: IssueFilter) { issues(filter: $filter) { nodes { id } } }"
    for query, variables in (
        ("{ issues { nodes { closedAt } } }", {}),
        ("{ issues(limit: 3) { nodes { id } } }", {}),
        (issues.replace("IssueFilter", "IssuesFilter"), {}),
        (create, {"input": {"title": "no team"}}),
        (create, {"input": {"teamId": TEAM, "titel": "x"}}),
        (create, {"input": {"teamId": TEAM, "priority": "high"}}),
        (issues, {"filter": {"team": {"eq": TEAM}}}),
        (issues, {"filter": {"id": {"in": [None]}}}),
        (issues, {"filters": {}}),
    ):
        assert linear_schema.refusals(schema, query, variables), (query, variables)
