"""Jira Cloud, REST v3: an account's e-mail and API token that may browse, create, edit and comment."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from proofwatch.outbound.http import Client
from proofwatch.outbound.secrets import Ref
from proofwatch.remediation.trackers.asking import ask, line, parsed, secret, signed
from proofwatch.remediation.trackers.base import TaskFacts, Ticket, TicketEvent, TicketState, TrackerError

FIELDS = "status,assignee,updated,resolutiondate"
PAGE = 50
CATEGORIES = {"new": TicketState.OPEN, "indeterminate": TicketState.IN_PROGRESS, "done": TicketState.CLOSED}
"""Jira's status categories, which every workflow's own statuses belong to."""
KEY = re.compile(r"[A-Z][A-Z0-9_]{0,30}-[0-9]{1,12}")


class Settings(BaseModel):
    """Settings of a Jira project."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    site: str = Field(pattern=r"^https?://[^/\s]+$", description="https://NAME.atlassian.net.")
    email: str = Field(min_length=3, max_length=254, description="The account's e-mail address.")
    token: Ref = Field(description="Its API token, as env:NAME or file:/path.")
    project: str = Field(pattern=r"^[A-Z][A-Z0-9_]{0,30}$", description="Key of the project.")
    issue_type: str = Field(default="Task", max_length=60, description="Type of the issues.")
    priorities: dict[str, str] = Field(default={}, description="Severity → name of a priority.")
    webhook_secret: Ref | None = Field(default=None, description="Secret of the web hook, by reference.")


class Jira:
    """One project of Jira Cloud."""

    kind: ClassVar[str] = "jira"
    title: ClassVar[str] = "Jira Cloud"
    Settings: ClassVar[type[BaseModel]] = Settings

    def __init__(self, settings: BaseModel, client: Client) -> None:
        self.settings = Settings.model_validate(settings.model_dump())
        self.client = client

    def find(self, key: str) -> Ticket | None:
        """Search for the label that is our key."""
        jql = f'project = "{self.settings.project}" AND labels = "{_label(key)}" ORDER BY created ASC'
        return next(iter(self._search(jql)), None)

    def create(self, task: TaskFacts) -> Ticket:
        """Create an issue; our key is one of its labels."""
        fields: dict[str, Any] = {
            **self._fields(task),
            "project": {"key": self.settings.project},
            "issuetype": {"name": self.settings.issue_type},
            "description": _document(_body(task)),
            "labels": [_label(label) for label in dict.fromkeys((task.key, *task.labels))],
        }
        said = self._call("POST", "issue", {"fields": fields})
        key = str(said.get("key", ""))
        return Ticket(key, f"{self.settings.site}/browse/{key}", TicketState.OPEN)

    def update(self, ticket: str, task: TaskFacts) -> Ticket:
        """Bring title, date, priority and assignee up to date; people's text stays."""
        doing = f"updating {ticket}"
        url = self._url(f"issue/{quote(ticket)}")
        ask(
            self.client,
            "PUT",
            url,
            doing=doing,
            headers=self._headers(doing),
            body={"fields": self._fields(task)},
        )
        found = self.read([ticket])
        if not found:
            raise TrackerError(doing, "it is no longer there", permanent=True)
        return found[0]

    def comment(self, ticket: str, text: Sequence[str]) -> str:
        """Add a comment."""
        said = self._call("POST", f"issue/{quote(ticket)}/comment", {"body": _document(text)})
        return str(said.get("id", ""))

    def read(self, tickets: Iterable[str]) -> list[Ticket]:
        """Read issues back, fifty with one search; one that was deleted or moved is left out."""
        names = [name for name in tickets if KEY.fullmatch(name)]
        found: list[Ticket] = []
        for start in range(0, len(names), PAGE):
            part = names[start : start + PAGE]
            # Jira refuses a search that names an issue which is gone; then each is asked for alone.
            rows = self._search(f"key in ({', '.join(part)})", lenient=True)
            if not rows and len(part) > 1:
                rows = [row for name in part for row in self._search(f"key = {name}", lenient=True)]
            found += rows
        return found

    def webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[TicketEvent]:
        """Verify X-Hub-Signature and say which issue to read again."""
        doing = "hearing of an issue"
        if self.settings.webhook_secret is None:
            raise TrackerError(doing, "this tracker takes no web hooks", permanent=True)
        named = {key.lower(): value for key, value in headers.items()}
        key = secret(self.settings.webhook_secret, doing)
        signed(key, body, named.get("x-hub-signature", "").removeprefix("sha256="), doing)
        try:
            name = str(json.loads(body)["issue"]["key"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return []
        delivery = named.get("x-atlassian-webhook-identifier", "")[:200]
        return [TicketEvent(name, delivery)] if name.startswith(f"{self.settings.project}-") else []

    def raw(self) -> Any:
        """Return site and project."""
        return {"site": self.settings.site, "project": self.settings.project}

    def _search(self, jql: str, lenient: bool = False) -> list[Ticket]:
        """Return the issues of a search. `lenient`: a search that names a missing issue finds nothing."""
        doing = "searching Jira"
        query = f"search/jql?jql={quote(jql)}&fields={FIELDS}&maxResults={PAGE}"
        try:
            got = ask(self.client, "GET", self._url(query), doing=doing, headers=self._headers(doing))
        except TrackerError as error:
            if lenient and error.answer.startswith("400"):
                return []
            raise
        rows = parsed(got, doing).get("issues", [])
        return [self._ticket(row) for row in rows]

    def _ticket(self, row: Mapping[str, Any]) -> Ticket:
        fields = row.get("fields") or {}
        status = fields.get("status") or {}
        category = str((status.get("statusCategory") or {}).get("key", ""))
        key = str(row.get("key", ""))
        return Ticket(
            id=key,
            url=f"{self.settings.site}/browse/{key}",
            state=CATEGORIES.get(category, TicketState.OPEN),
            state_name=str(status.get("name", "")),
            assignee=str((fields.get("assignee") or {}).get("accountId", "")),
        )

    def _fields(self, task: TaskFacts) -> dict[str, Any]:
        mark = f"{task.mark}: " if task.mark else ""
        made: dict[str, Any] = {"summary": f"[{task.key}] {mark}{line(task.title, 200)}"}
        if task.due:
            made["duedate"] = task.due.isoformat()
        if task.severity in self.settings.priorities:
            made["priority"] = {"name": self.settings.priorities[task.severity]}
        if task.assignee:
            made["assignee"] = {"accountId": task.assignee}
        return made

    def _call(self, method: str, path: str, body: Any) -> dict[str, Any]:
        doing = "telling Jira"
        got = ask(self.client, method, self._url(path), doing=doing, headers=self._headers(doing), body=body)
        said = parsed(got, doing)
        return said if isinstance(said, dict) else {}

    def _url(self, path: str) -> str:
        return f"{self.settings.site}/rest/api/3/{path}"

    def _headers(self, doing: str) -> dict[str, str]:
        pair = f"{self.settings.email}:{secret(self.settings.token, doing)}"
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def _body(task: TaskFacts) -> list[str]:
    return [*task.body, *([f"Open in Proofwatch: {task.link}"] if task.link else [])]


def _document(text: Sequence[str]) -> dict[str, Any]:
    """Return Atlassian's document format: text is a node of its own, so nothing in it is markup."""
    rows = [
        {"type": "paragraph", "content": [{"type": "text", "text": shown}]}
        for part in text
        if (shown := line(part, 3000))
    ]
    return {"type": "doc", "version": 1, "content": rows}


def _label(text: str) -> str:
    """Return text as a label, which has no blanks."""
    return re.sub(r"[^\w.-]+", "-", text)[:200]
