"""Linear, by GraphQL with an API key: issues of one team."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from proofwatch.outbound.http import Client
from proofwatch.outbound.secrets import Ref
from proofwatch.remediation.trackers.asking import (
    ask,
    line,
    markdown,
    parsed,
    refused,
    secret,
    short,
    signed,
)
from proofwatch.remediation.trackers.base import TaskFacts, Ticket, TicketEvent, TicketState, TrackerError

ISSUE = "id identifier url updatedAt state { name type } assignee { id }"
STATES = {
    "completed": TicketState.CLOSED,
    "canceled": TicketState.CLOSED,
    "duplicate": TicketState.CLOSED,
    "started": TicketState.IN_PROGRESS,
}
"""Types of Linear's workflow states; triage, backlog and unstarted are open."""
PRIORITIES = {"critical": 1, "high": 2, "medium": 3, "low": 4}
LATER = frozenset({"RATELIMITED", "INTERNAL_SERVER_ERROR"})
"""Codes of errors that pass."""
WINDOW = 60
"""Seconds that a web hook may be old: Linear's own advice."""
PAGE = 50


class Settings(BaseModel):
    """Settings of a Linear team."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    team: str = Field(min_length=1, max_length=100, description="Id of the team.")
    key: Ref = Field(description="API key, as env:NAME or file:/path.")
    webhook_secret: Ref | None = Field(default=None, description="Signing secret of the web hook.")
    api: str = Field(default="https://api.linear.app/graphql", description="Address of the API.")


class Linear:
    """One team of Linear."""

    kind: ClassVar[str] = "linear"
    title: ClassVar[str] = "Linear"
    Settings: ClassVar[type[BaseModel]] = Settings

    def __init__(self, settings: BaseModel, client: Client) -> None:
        self.settings = Settings.model_validate(settings.model_dump())
        self.client = client

    def find(self, key: str) -> Ticket | None:
        """Look for the issue whose title begins with our key."""
        query = (
            "query($filter: IssueFilter) { issues(filter: $filter, first: 5) { nodes { "
            + ISSUE + " title } } }"
        )  # fmt: skip
        wanted = {"title": {"startsWith": f"[{key}] "}, "team": {"id": {"eq": self.settings.team}}}
        rows = (self._ask(query, {"filter": wanted}).get("issues") or {}).get("nodes") or []
        found = [row for row in rows if str(row.get("title", "")).startswith(f"[{key}] ")]
        return _ticket(found[0]) if found else None

    def create(self, task: TaskFacts) -> Ticket:
        """Create an issue."""
        query = (
            "mutation($input: IssueCreateInput!) { issueCreate(input: $input) { success issue { "
            + ISSUE
            + " } } }"
        )
        given = {**_fields(task), "teamId": self.settings.team, "description": _description(task)}
        return _ticket(self._done(query, {"input": given}, "issueCreate")["issue"])

    def update(self, ticket: str, task: TaskFacts) -> Ticket:
        """Bring title, date, priority and assignee up to date; people's text stays."""
        query = (
            "mutation($id: String!, $input: IssueUpdateInput!) { issueUpdate(id: $id, input: $input) "
            "{ success issue { " + ISSUE + " } } }"
        )  # fmt: skip
        return _ticket(self._done(query, {"id": ticket, "input": _fields(task)}, "issueUpdate")["issue"])

    def comment(self, ticket: str, text: Sequence[str]) -> str:
        """Add a comment."""
        query = (
            "mutation($input: CommentCreateInput!) { commentCreate(input: $input) "
            "{ success comment { id } } }"
        )  # fmt: skip
        body = "\n\n".join(markdown(part) for part in text)
        said = self._done(query, {"input": {"issueId": ticket, "body": body}}, "commentCreate")
        return str((said.get("comment") or {}).get("id", ""))

    def read(self, tickets: Iterable[str]) -> list[Ticket]:
        """Read issues back, fifty with one query; those that were deleted are left out."""
        query = (
            "query($filter: IssueFilter, $n: Int) { issues(filter: $filter, first: $n) { nodes { "
            + ISSUE
            + " } } }"
        )
        names, found = list(tickets), []
        for start in range(0, len(names), PAGE):
            wanted = {"id": {"in": names[start : start + PAGE]}}
            said = self._ask(query, {"filter": wanted, "n": PAGE})
            found += [_ticket(row) for row in (said.get("issues") or {}).get("nodes") or []]
        return found

    def webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[TicketEvent]:
        """Verify Linear-Signature and the time inside, and say which issue to read again."""
        doing = "hearing of an issue"
        if self.settings.webhook_secret is None:
            raise TrackerError(doing, "this tracker takes no web hooks", permanent=True)
        named = {key.lower(): value for key, value in headers.items()}
        signed(secret(self.settings.webhook_secret, doing), body, named.get("linear-signature", ""), doing)
        try:
            said = json.loads(body)
            age = abs(now.timestamp() - int(said["webhookTimestamp"]) / 1000)
            data = said["data"]
            name = data["id"] if said.get("type") == "Issue" else data["issueId"]
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return []
        if age > WINDOW:
            raise TrackerError(doing, "the web hook is more than a minute old", "Check this machine's clock.")
        # A comment on a project names no issue.
        return [TicketEvent(name, named.get("linear-delivery", "")[:200])] if isinstance(name, str) else []

    def raw(self) -> Any:
        """Return the team."""
        return {"api": self.settings.api, "team": self.settings.team}

    def _done(self, query: str, variables: Mapping[str, Any], name: str) -> dict[str, Any]:
        said = self._ask(query, variables).get(name)
        if not isinstance(said, dict) or not said.get("success"):
            raise TrackerError(
                "telling Linear", f"{name} was refused", permanent=True, answer="success: false"
            )
        return said

    def _ask(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        doing = "asking Linear"
        headers = {"Authorization": secret(self.settings.key, doing)}
        body = {"query": query, "variables": dict(variables)}
        # A spent limit is a 400, too: only the code inside tells it from a wrong query.
        got = ask(
            self.client, "POST", self.settings.api, doing=doing, headers=headers, body=body, also=(400,)
        )
        said = got.json() if got.status == 400 else parsed(got, doing)
        errors = said.get("errors") if isinstance(said, dict) else None
        if errors:
            first = errors[0] if isinstance(errors, list) and isinstance(errors[0], dict) else {}
            code = str((first.get("extensions") or {}).get("code", "")).upper()
            words = short(f"{got.status} {code} {first.get('message', '')}")
            raise TrackerError(
                doing, f"Linear said {words}", permanent=code not in LATER, answer=words,
                retry_after=got.retry_after(),
            )  # fmt: skip
        if not got.ok:
            raise refused(got, doing)
        data = said.get("data") if isinstance(said, dict) else None
        return data if isinstance(data, dict) else {}


def _fields(task: TaskFacts) -> dict[str, Any]:
    mark = f"{task.mark}: " if task.mark else ""
    made: dict[str, Any] = {
        "title": f"[{task.key}] {mark}{line(task.title, 220)}",
        "priority": PRIORITIES.get(task.severity, 0),
    }
    if task.due:
        made["dueDate"] = task.due.isoformat()
    if task.assignee:
        made["assigneeId"] = task.assignee
    return made


def _description(task: TaskFacts) -> str:
    lines = [markdown(text) for text in task.body]
    return "\n\n".join([*lines, *([f"[Open in Proofwatch]({task.link})"] if task.link else [])])


def _ticket(row: Mapping[str, Any]) -> Ticket:
    state = row.get("state") or {}
    return Ticket(
        id=str(row.get("id", "")),
        url=str(row.get("url", "")),
        state=STATES.get(str(state.get("type", "")), TicketState.OPEN),
        state_name=str(state.get("name", "")),
        assignee=str((row.get("assignee") or {}).get("id", "")),
    )
