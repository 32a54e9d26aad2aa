"""ServiceNow, by the table API: records of one table (incident, unless another is named)."""

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

FIELDS = "sys_id,number,state,assigned_to,closed_by,correlation_id"
URGENCY = {"critical": "1", "high": "1", "medium": "2", "low": "3"}
STATES = {"1": "open", "2": "in progress", "3": "in progress", "6": "closed", "7": "closed", "8": "closed"}
"""States of the incident table as it is shipped: new, in progress, on hold, resolved, closed, canceled."""
RECORD = re.compile(r"[0-9a-f]{32}")
PAGE = 50


class Settings(BaseModel):
    """Settings of a ServiceNow table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    instance: str = Field(pattern=r"^https?://[^/\s]+$", description="https://NAME.service-now.com.")
    user: str = Field(default="", max_length=100, description="User name; empty where `password` is a token.")
    password: Ref = Field(description="Password or OAuth token, as env:NAME or file:/path.")
    table: str = Field(default="incident", pattern=r"^[a-z][a-z0-9_]{0,79}$", description="The table.")
    group: str = Field(default="", max_length=100, description="sys_id of the assignment group, or empty.")
    states: dict[str, str] = Field(default=STATES, description="State → open, in progress or closed.")
    webhook_secret: Ref | None = Field(default=None, description="Key of the business rule's signature.")


class ServiceNow:
    """One table of one instance."""

    kind: ClassVar[str] = "servicenow"
    title: ClassVar[str] = "ServiceNow"
    Settings: ClassVar[type[BaseModel]] = Settings

    def __init__(self, settings: BaseModel, client: Client) -> None:
        self.settings = Settings.model_validate(settings.model_dump())
        self.client = client

    def find(self, key: str) -> Ticket | None:
        """Look for the record whose correlation id is our key."""
        rows = self._list(f"correlation_id={key}^correlation_display=proofwatch", 1)
        return self._ticket(rows[0]) if rows else None

    def create(self, task: TaskFacts) -> Ticket:
        """Create a record."""
        given = {
            **self._fields(task),
            "description": "\n\n".join(line(text, 2000) for text in task.body)
            + (f"\n\nOpen in Proofwatch: {task.link}" if task.link else ""),
            "correlation_id": task.key,
            "correlation_display": "proofwatch",
        }
        if self.settings.group:
            given["assignment_group"] = self.settings.group
        return self._ticket(self._call("POST", "", given))

    def update(self, ticket: str, task: TaskFacts) -> Ticket:
        """Bring title, date, urgency and assignee up to date; people's text stays."""
        return self._ticket(self._call("PATCH", f"/{quote(ticket)}", self._fields(task)))

    def comment(self, ticket: str, text: Sequence[str]) -> str:
        """Add a work note. A note has no id of its own here."""
        # ServiceNow reads [code] as the beginning of HTML.
        notes = "\n\n".join(re.sub(r"\[(/?code)\]", r"[ \1 ]", line(part, 3000), flags=re.I) for part in text)
        self._call("PATCH", f"/{quote(ticket)}", {"work_notes": notes})
        return ""

    def read(self, tickets: Iterable[str]) -> list[Ticket]:
        """Read records back, fifty with one query; those that were deleted are left out."""
        names = [name for name in tickets if RECORD.fullmatch(name)]
        found: list[Ticket] = []
        for start in range(0, len(names), PAGE):
            part = ",".join(names[start : start + PAGE])
            found += [self._ticket(row) for row in self._list(f"sys_idIN{part}", PAGE)]
        return found

    def webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[TicketEvent]:
        """Verify X-Proofwatch-Signature, made by a business rule, and say which record to read again."""
        doing = "hearing of a record"
        if self.settings.webhook_secret is None:
            raise TrackerError(doing, "this tracker takes no web hooks", permanent=True)
        named = {key.lower(): value for key, value in headers.items()}
        signed(
            secret(self.settings.webhook_secret, doing), body, named.get("x-proofwatch-signature", ""), doing
        )
        try:
            said = json.loads(body)
            name, delivery = str(said["sys_id"]), str(said.get("delivery", ""))[:200]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return []
        return [TicketEvent(name, delivery)] if RECORD.fullmatch(name) else []

    def raw(self) -> Any:
        """Return instance and table."""
        return {"instance": self.settings.instance, "table": self.settings.table}

    def _list(self, query: str, most: int) -> list[dict[str, Any]]:
        doing = "searching ServiceNow"
        path = f"?sysparm_query={quote(query)}&sysparm_fields={FIELDS}&sysparm_limit={most}"
        got = ask(self.client, "GET", self._url(path), doing=doing, headers=self._headers(doing))
        rows = parsed(got, doing).get("result", [])
        return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

    def _call(self, method: str, path: str, body: Any) -> dict[str, Any]:
        doing = "telling ServiceNow"
        url = self._url(f"{path}?sysparm_fields={FIELDS}")
        got = ask(self.client, method, url, doing=doing, headers=self._headers(doing), body=body)
        said = parsed(got, doing).get("result")
        return said if isinstance(said, dict) else {}

    def _fields(self, task: TaskFacts) -> dict[str, Any]:
        mark = f"{task.mark}: " if task.mark else ""
        made = {
            "short_description": f"[{task.key}] {mark}{line(task.title, 140)}",
            "urgency": URGENCY.get(task.severity, "3"),
        }
        if task.due:
            made["due_date"] = f"{task.due.isoformat()} 00:00:00"
        if task.assignee:
            made["assigned_to"] = task.assignee
        return made

    def _ticket(self, row: Mapping[str, Any]) -> Ticket:
        name, number = str(row.get("sys_id", "")), str(row.get("number", ""))
        state = str(row.get("state", ""))
        return Ticket(
            id=name,
            url=f"{self.settings.instance}/nav_to.do?uri={self.settings.table}.do?sys_id={name}",
            state=TicketState(self.settings.states.get(state, "open")),
            state_name=f"{number} state {state}".strip(),
            assignee=_value(row.get("assigned_to")),
            closed_by=_value(row.get("closed_by")),
        )

    def _url(self, path: str) -> str:
        return f"{self.settings.instance}/api/now/table/{self.settings.table}{path}"

    def _headers(self, doing: str) -> dict[str, str]:
        given = secret(self.settings.password, doing)
        if not self.settings.user:
            return {"Authorization": f"Bearer {given}"}
        pair = base64.b64encode(f"{self.settings.user}:{given}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}


def _value(field: Any) -> str:
    """Return a reference field's value: ServiceNow writes it as text, or as an object with a link."""
    return str(field.get("value", "")) if isinstance(field, dict) else str(field or "")
