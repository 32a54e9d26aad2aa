"""What a channel is, and what the rest of Proofwatch hands to it.

A channel turns one `Message` into its provider's form and sends it once. It never retries, never waits
and never decides whether a message is due: the outbox does. What it answers is kept as evidence, so a
channel says exactly what the provider said: *accepted*, to be tried again, refused, or no answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel

from proofwatch.errors import ProofwatchError
from proofwatch.outbound.http import Client


class ChannelError(ProofwatchError):
    """A channel's settings are wrong. The message names the field."""


class Happened(StrEnum):
    """What a message tells. Each alert's message but the first belongs into the first one's thread."""

    OPENED = "opened"
    REGRESSED = "regressed"
    CHANGED = "changed"
    """The failing resources of an open alert changed: more, fewer, others."""
    REPEATED = "repeated"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    REVIEWED = "reviewed"
    TASK = "task"
    """A task was made, assigned, moved or is overdue; `note` says which."""
    CLAIMED = "fix claimed"
    NOT_CONFIRMED = "fix not confirmed"
    RESTORED = "verified restored"
    GONE = "resource gone"
    CLOSED = "closed"
    ACCEPTED = "accepted"
    ACCEPTANCE_ENDED = "acceptance ended"
    INTERRUPTED = "evidence interrupted"
    FLAPPING = "flapping"
    DIGEST = "digest"
    DRILL = "drill"
    TEST = "test"


ENDS = frozenset({Happened.RESTORED, Happened.GONE, Happened.CLOSED})
"""What ends an alert at a provider that has incidents of its own (PagerDuty's `resolve`)."""


@dataclass(frozen=True, slots=True)
class Failing:
    """One failing resource. Both texts come from the source system: untrusted, to be escaped per medium."""

    resource: str
    reason: str
    account_id: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """Something a person can do from the message: `action` is acknowledge, review or open."""

    action: str
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Message:
    """Everything a template may show, as facts. Nothing here is escaped or formatted yet; times are UTC.

    Attributes:
        key: idempotency key: the same for every attempt to deliver this message through this channel.
        thread: the alert's (or digest's) own stable id; messages with the same one belong together.
        number: `AL-12`, or "" where the message is about no single alert.
        mark: "", or a label that must be seen first: `TEST`, `DRILL`, `DEMO DATA`.
        headline: one line without the mark, e.g. "CC6.1-03 Storage is encrypted: 3 of 41 failing".
        severity: critical, high, medium, low.
        failing: at most ten; `more` says how many further ones there are.
        lines: for a digest: one line per alert or control.
        note: what a person said, or why this is sent ("repeated after 24 h without a review").
        evidence: id of the evidence record (a digest, or the log index) that this rests on.
        checks: (check id, version) of every check it rests on.
    """

    key: str
    thread: str
    happened: Happened
    headline: str
    at: datetime
    severity: str = ""
    state: str = ""
    number: str = ""
    mark: str = ""
    control: str = ""
    control_title: str = ""
    criteria: tuple[str, ...] = ()
    connection: str = ""
    failing: tuple[Failing, ...] = ()
    more: int = 0
    since: datetime | None = None
    due: datetime | None = None
    owner: str = ""
    actor: str = ""
    why: str = ""
    fix: str = ""
    note: str = ""
    link: str = ""
    evidence: str = ""
    checks: tuple[tuple[str, str], ...] = ()
    lines: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()
    to: tuple[str, ...] = ()
    """Who it is for, as the channel addresses people (e-mail addresses, Slack ids); () for the channel."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider accepted the message. It says nothing about anybody having read it.

    Attributes:
        id: the provider's own id of the message, or "".
        answer: the provider's words in short, without secrets ("200 ok", "250 2.0.0 queued as 4F…").
        thread: what the next message of the same thread must carry (Slack's `channel` and `ts`, an
            e-mail's Message-ID chain, PagerDuty's dedup key); kept as it is and handed back.
    """

    id: str = ""
    answer: str = ""
    thread: Mapping[str, Any] = field(default_factory=dict)


class NotAccepted(ProofwatchError):
    """The provider did not accept a message, or it cannot be told.

    Attributes:
        answer: the provider's words in short, without secrets.
        retry_after: seconds the provider asked to wait, or None.
        unanswered: True if the message may have arrived: sent, then no answer. It will be tried again,
            and a second copy is then recorded as possible.

    `permanent` is True where sending the same again cannot succeed (404, 401, invalid payload).
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


class Channel(Protocol):
    """One way to reach people. Constructing it does no input or output and reads no secret."""

    kind: ClassVar[str]
    title: ClassVar[str]
    two_way: ClassVar[bool]
    """Whether people can acknowledge and review from it."""
    Settings: ClassVar[type[BaseModel]]
    """Secrets only as `env:NAME` or `file:/path` (see `outbound.secrets`)."""

    def __init__(self, settings: BaseModel, client: Client) -> None: ...

    def send(self, message: Message, thread: Mapping[str, Any] | None) -> Receipt:
        """Send one message; `thread` is the newest receipt's of the same thread, None for the first.

        Raises:
            NotAccepted: with everything that the outbox needs to decide what comes next.
            ChannelError: a secret cannot be read or the settings contradict themselves.
        """
        ...
