"""What a tracker is: a ticket system in which people do the work that a task asks for.

A ticket mirrors a task; the task stays ours. Closing a ticket is a *claim* that something is fixed,
never a proof: only a later complete reading proves a restoration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel

from proofwatch.errors import ProofwatchError
from proofwatch.outbound.http import Client


class TrackerError(ProofwatchError):
    """A tracker's settings are wrong, or it refused or did not answer.

    Attributes:
        answer: the tracker's words in short, without secrets.
        retry_after: seconds the tracker asked to wait, or None.
        unanswered: the request may have been carried out: look for the ticket before creating another.
    """

    def __init__(
        self,
        doing: str,
        problem: str,
        remedy: str = "",
        *,
        permanent: bool = False,
        answer: str = "",
        retry_after: float | None = None,
        unanswered: bool = False,
    ) -> None:
        super().__init__(doing, problem, remedy, permanent=permanent)
        self.answer = answer
        self.retry_after = retry_after
        self.unanswered = unanswered


class TicketState(StrEnum):
    """How a ticket stands, in the three words that every tracker's own states map to."""

    OPEN = "open"
    IN_PROGRESS = "in progress"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """What a ticket is made from. Texts that come from source systems are untrusted: escape per tracker.

    Attributes:
        key: our own stable key (`TSK-7`); written into the ticket so that it can be found again.
        body: plain-text paragraphs; the tracker's file turns them into its own markup.
        labels: short words; severity, control and criteria are among them.
    """

    key: str
    title: str
    body: tuple[str, ...]
    severity: str
    due: date | None = None
    assignee: str = ""
    labels: tuple[str, ...] = ()
    link: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as the tracker knows it. `state_name` is the tracker's own word for `state`."""

    id: str
    url: str
    state: TicketState
    state_name: str = ""
    assignee: str = ""
    updated_at: datetime | None = None
    closed_by: str = ""


@dataclass(frozen=True, slots=True)
class TicketEvent:
    """What a verified webhook said: which ticket to read again. Its other content is not believed."""

    ticket: str
    delivery: str = ""
    """The tracker's own id of the delivery, so that a repeated one is recognised; "" if it has none."""


class Tracker(Protocol):
    """One ticket system. Constructing it does no input or output and reads no secret."""

    kind: ClassVar[str]
    title: ClassVar[str]
    Settings: ClassVar[type[BaseModel]]

    def __init__(self, settings: BaseModel, client: Client) -> None: ...

    def find(self, key: str) -> Ticket | None:
        """Return the ticket that carries our key, or None; asked after a request without an answer."""
        ...

    def create(self, task: TaskFacts) -> Ticket:
        """Create a ticket. Raises TrackerError; with `unanswered` it may exist all the same."""
        ...

    def update(self, ticket: str, task: TaskFacts) -> Ticket:
        """Bring title, due date, assignee and labels of a ticket up to date; leave people's text alone."""
        ...

    def comment(self, ticket: str, text: Sequence[str]) -> str:
        """Add a comment of plain paragraphs; return its id."""
        ...

    def read(self, tickets: Iterable[str]) -> list[Ticket]:
        """Read tickets back, in as few calls as the tracker allows; those that are gone are left out."""
        ...

    def webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[TicketEvent]:
        """Verify a webhook (signature, age) and say which tickets changed.

        Raises:
            TrackerError: not signed by the tracker, too old, or not understood. Nothing is done then.
        """
        ...

    def raw(self) -> Any:
        """Return what identifies the other side for evidence (site, project), without secrets."""
        ...
