"""GitHub Issues (Cloud and Enterprise Server), by a fine-grained token: Issues write, Metadata read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from proofwatch.outbound.http import Client
from proofwatch.outbound.secrets import Ref
from proofwatch.remediation.trackers.asking import ask, line, markdown, parsed, secret, signed
from proofwatch.remediation.trackers.base import TaskFacts, Ticket, TicketEvent, TicketState, TrackerError

PAGE, PAGES = 100, 20
GONE = frozenset({301, 404, 410})
"""How GitHub answers for an issue that was moved to another repository, or deleted."""
LABEL = "proofwatch"
"""Every ticket of ours has it, so that one whose answer was lost can be found at once."""


class Settings(BaseModel):
    """Settings of a repository's issues."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    repository: str = Field(pattern=r"^[\w.-]{1,100}/[\w.-]{1,100}$", description="owner/name.")
    token: Ref = Field(description="Fine-grained token, as env:NAME or file:/path.")
    webhook_secret: Ref | None = Field(default=None, description="Secret of the web hook, by reference.")
    api: str = Field(default="https://api.github.com", description="Enterprise: https://HOST/api/v3.")


class GitHub:
    """The issues of one repository."""

    kind: ClassVar[str] = "github"
    title: ClassVar[str] = "GitHub Issues"
    Settings: ClassVar[type[BaseModel]] = Settings

    def __init__(self, settings: BaseModel, client: Client) -> None:
        self.settings = Settings.model_validate(settings.model_dump())
        self.client = client

    def find(self, key: str) -> Ticket | None:
        """Look through the tickets with our label, newest first, for the one that begins with our key."""
        for page in range(1, PAGES + 1):
            rows = self._list(f"state=all&labels={LABEL}&per_page={PAGE}&page={page}&sort=created")
            for row in rows:
                if str(row.get("title", "")).startswith(f"[{key}] "):
                    return _ticket(row)
            if len(rows) < PAGE:
                return None
        return None

    def create(self, task: TaskFacts) -> Ticket:
        """Create an issue."""
        return _ticket(self._call("POST", "", {**_fields(task), "labels": _labels(task)}))

    def update(self, ticket: str, task: TaskFacts) -> Ticket:
        """Bring title and assignee up to date; the body is people's, so the date goes into a comment."""
        changed = {key: value for key, value in _fields(task).items() if key != "body"}
        found = _ticket(self._call("PATCH", f"/{quote(ticket)}", changed))
        self.comment(ticket, (f"Due {task.due}." if task.due else "No date.",))
        return found

    def comment(self, ticket: str, text: Sequence[str]) -> str:
        """Add a comment."""
        body = {"body": "\n\n".join(markdown(part) for part in text)}
        return str(self._call("POST", f"/{quote(ticket)}/comments", body).get("id", ""))

    def read(self, tickets: Iterable[str]) -> list[Ticket]:
        """Read issues one by one; one that was deleted or moved is left out."""
        found = []
        for name in tickets:
            doing = f"reading issue {name}"
            got = ask(
                self.client, "GET", self._url(f"/{quote(name)}"), doing=doing, headers=self._headers(doing),
                also=GONE,
            )  # fmt: skip
            if got.ok:
                found.append(_ticket(parsed(got, doing)))
        return found

    def webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[TicketEvent]:
        """Verify X-Hub-Signature-256 and say which issue to read again."""
        doing = "hearing of an issue"
        if self.settings.webhook_secret is None:
            raise TrackerError(doing, "this tracker takes no web hooks", permanent=True)
        named = {key.lower(): value for key, value in headers.items()}
        key = secret(self.settings.webhook_secret, doing)
        signed(key, body, named.get("x-hub-signature-256", "").removeprefix("sha256="), doing)
        try:
            said = json.loads(body)
            wanted = said["repository"]["full_name"].lower() == self.settings.repository.lower()
            number = int(said["issue"]["number"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return []
        return [TicketEvent(str(number), named.get("x-github-delivery", "")[:200])] if wanted else []

    def raw(self) -> Any:
        """Return the repository."""
        return {"api": self.settings.api, "repository": self.settings.repository}

    def _list(self, query: str) -> list[dict[str, Any]]:
        doing = "looking for an issue"
        got = ask(self.client, "GET", f"{self._url('')}?{query}", doing=doing, headers=self._headers(doing))
        said = parsed(got, doing)
        return [row for row in said if isinstance(row, dict)] if isinstance(said, list) else []

    def _call(self, method: str, path: str, body: Any) -> dict[str, Any]:
        doing = "telling GitHub"
        got = ask(self.client, method, self._url(path), doing=doing, headers=self._headers(doing), body=body)
        said = parsed(got, doing)
        return said if isinstance(said, dict) else {}

    def _url(self, path: str) -> str:
        return f"{self.settings.api.rstrip('/')}/repos/{self.settings.repository}/issues{path}"

    def _headers(self, doing: str) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {secret(self.settings.token, doing)}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }


def _fields(task: TaskFacts) -> dict[str, Any]:
    mark = f"{task.mark}: " if task.mark else ""
    lines = [markdown(text) for text in task.body]
    if task.due:
        lines.append(f"Due {task.due}.")
    if task.link:
        lines.append(f"[Open in Proofwatch]({task.link})")
    made: dict[str, Any] = {
        "title": f"[{task.key}] {mark}{line(task.title, 220)}",
        "body": "\n\n".join(lines)[:60_000],
    }
    if task.assignee:
        made["assignees"] = [task.assignee]
    return made


def _labels(task: TaskFacts) -> list[str]:
    return [line(label, 50) for label in dict.fromkeys((LABEL, *task.labels))]


def _ticket(row: Mapping[str, Any]) -> Ticket:
    closed = row.get("state") == "closed"
    assignee, closer = row.get("assignee") or {}, row.get("closed_by") or {}
    reason = str(row.get("state_reason") or "")
    return Ticket(
        id=str(row.get("number", "")),
        url=str(row.get("html_url", "")),
        state=TicketState.CLOSED if closed else TicketState.OPEN,
        state_name=" ".join(filter(None, (str(row.get("state", "")), reason))),
        assignee=str(assignee.get("login", "")),
        closed_by=str(closer.get("login", "")) if closed else "",
    )
