"""Jira as others describe it: its interface in Prism, and its document format in Atlassian's own schema.

Nobody wrote a server that keeps issues. The description of the interface was derived from jira.js, a client
that is not ours and not Atlassian's; it leaves the fields of an issue open. So what we write into them
is checked by Atlassian's own JSON schema of documents, from npm. The answer of a search is recursive in the
description, too deep for Prism: it gets one example, which is checked against the description first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs
import pytest

from proofwatch.outbound.guard import Allowed
from proofwatch.outbound.http import Answer, Client
from proofwatch.remediation.trackers.base import TaskFacts, TicketState
from proofwatch.remediation.trackers.jira import Jira
from tests import servers

NAME = "jira-cloud-v3.derived-from-jira.js.openapi3.json"
SEARCH = "/rest/api/3/search/jql"
FOUND = {
    "isLast": True,
    "issues": [
        {
            "id": "10001",
            "key": "SEC-7",
            "self": "https://acme.atlassian.net/rest/api/3/issue/10001",
            "fields": {
                "status": {"name": "Erledigt", "statusCategory": {"id": 3, "key": "done", "name": "Done"}},
                "assignee": {"accountId": "5b10a2844c20165700ede21g", "displayName": "Ana"},
                "updated": "2026-11-23T09:00:00.000+0000",
                "resolutiondate": None,
            },
        }
    ],
}
EVIL = "<script>alert(1)</script> @ben [x](http://evil) **b** #1 \u202egnp\r\nINC {code}x{code} [~ben]"
TASK = TaskFacts(
    key="TSK-7", title="CC6.1-03 Storage is encrypted: 3 of 41 results fail", severity="high",
    body=("Failing since 2026-11-23T09:00:00Z:", f"• {EVIL}: not encrypted", "", " \t\n"),
    due=date(2026, 11, 30), assignee="5b10a2844c20165700ede21g", labels=("proofwatch", "high", "CC6.1-03 x"),
    link="https://pw.example.com/t/TSK-7",
)  # fmt: skip


@dataclass(frozen=True)
class Noting(Client):
    """A client that keeps what it sent."""

    sent: list[Any] = field(default_factory=list)

    def request(self, method: str, url: str, *, body: Any = None, **given: Any) -> Answer:
        self.sent.append(body)
        return super().request(method, url, body=body, **given)


def description() -> Any:
    return json.loads((servers.shared() / "reference/specs" / NAME).read_bytes())


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("jira"), servers.free_port()
    known = description()
    answer = known["paths"][SEARCH]["get"]["responses"]["200"]["content"]["application/json"]
    answer.update(schema={}, example=FOUND)
    (folder / "jira.json").write_text(json.dumps(known), "utf-8")
    with servers.running(servers.prism(folder / "jira.json", port), port, folder) as running:
        yield running


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PW_T", "jira-token")


def jira(url: str, **more: Any) -> Jira:
    given = {"site": url, "email": "pw@acme.com", "token": "env:PW_T", "project": "SEC", **more}
    return Jira(Jira.Settings.model_validate(given), Noting(Allowed.of([urlsplit(url).netloc]), timeout=10.0))


@pytest.mark.shared
def test_every_request_is_one_that_jira_describes(url: str) -> None:
    made = jira(url, priorities={"high": "High"})
    assert made.create(TASK).state == TicketState.OPEN
    assert made.comment("SEC-7", ("ana: rotated the key", EVIL))
    found = made.find("TSK-7")
    assert found is not None and found.id == "SEC-7"
    updated = made.update("SEC-7", replace(TASK, assignee="", due=None, mark="Drill"))
    assert (updated.state, updated.state_name) == (TicketState.CLOSED, "Erledigt")
    assert [item.assignee for item in made.read(["SEC-7", "SEC-8"])] == ["5b10a2844c20165700ede21g"]


@pytest.mark.shared
def test_the_example_of_a_search_is_one_that_jira_describes() -> None:
    known = description()
    answer = known["paths"][SEARCH]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    judge = jsonschema_rs.Draft202012Validator({**answer, "components": known["components"]})
    judge.validate(FOUND)
    assert not judge.is_valid({"issues": [{"key": 7}]})


@pytest.mark.shared
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "issue", {"fields": "none"}, 422),
        ("POST", "issue/SEC-7/comment", {"body": {"content": "x"}}, 422),
        ("POST", "issue/SEC-7/remark", {"body": {}}, 404),
        ("DELETE", "issue/SEC-7", None, 405),
    ],
)
def test_the_description_would_refuse_a_wrong_request(
    url: str, method: str, path: str, body: Any, status: int
) -> None:
    headers = {"Authorization": "Basic cHc6eA=="}
    client = Client(Allowed.of([urlsplit(url).netloc]), timeout=10.0)
    got = client.request(method, f"{url}/rest/api/3/{path}", doing="trying", headers=headers, body=body)
    assert got.status == status, got.text


@pytest.fixture(scope="module")
def document() -> jsonschema_rs.Draft4Validator:
    return jsonschema_rs.Draft4Validator(servers.adf_schema())


@dataclass(frozen=True)
class Keeping(Noting):
    """A client without another side: only what would be sent is of interest."""

    def request(self, method: str, url: str, *, body: Any = None, **given: Any) -> Answer:
        self.sent.append(body)
        return Answer(201, {}, b'{"key": "SEC-7", "id": "1"}')


TEXTS = [
    ("ana: rotated the key", EVIL),
    ("",),
    (" \n\t ", "\u200b"),
    (),
    ("x" * 9000,) * 3,
    ("\ud800 \x00 \x1b[2J",),
]


@pytest.mark.parametrize("text", TEXTS)
def test_every_document_is_one_that_atlassian_describes(
    text: tuple[str, ...], document: jsonschema_rs.Draft4Validator
) -> None:
    made = jira("https://acme.atlassian.net")
    made.client = keeping = Keeping()
    made.create(replace(TASK, body=text, link=""))
    made.comment("SEC-7", text)
    described, said = keeping.sent[0]["fields"]["description"], keeping.sent[1]["body"]
    for written in (described, said):
        document.validate(written)


def test_the_schema_would_refuse_a_wrong_document(document: jsonschema_rs.Draft4Validator) -> None:
    text = {"type": "text", "text": "x"}
    for wrong in (
        "plain text",
        {"type": "doc", "content": []},
        {"type": "doc", "version": 1, "content": [text]},
        {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{**text, "text": ""}]}]},
        {"type": "doc", "version": 1, "content": [{"type": "para", "content": [text]}]},
    ):
        assert not document.is_valid(wrong), wrong
