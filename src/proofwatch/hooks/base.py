"""What a source of events is, and the words that it and its caller share.

An event is a hint for which tables to read again, and nothing in it is believed: not the account, not
the resource, not what is said to have happened. What is true is what the next reading finds. So a forged,
repeated or reordered event costs at most one reading of tables that would be read anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol
from urllib.parse import parse_qsl

from pydantic import BaseModel

from proofwatch.errors import ProofwatchError
from proofwatch.outbound.http import Client

PARAMETERS = 50
"""More parameters than this in one query are not read."""


class HookError(ProofwatchError):
    """A request was refused: unsigned, wrongly signed, too old, too large or not understood.

    Attributes:
        status: what to answer. 4xx: sending it again is useless; 5xx: the sender should try again.
    """

    def __init__(
        self, doing: str, problem: str, remedy: str = "", *, permanent: bool = True, status: int = 400
    ) -> None:
        super().__init__(doing, problem, remedy, permanent=permanent)
        self.status = status

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling with the status."""
        return (_rebuild, (self.doing, self.problem, self.remedy, self.permanent, self.status))


def _rebuild(doing: str, problem: str, remedy: str, permanent: bool, status: int) -> HookError:
    return HookError(doing, problem, remedy, permanent=permanent, status=status)


@dataclass(frozen=True, slots=True)
class Hint:
    """Something may have changed in these tables; "" and None mean that the event does not say.

    Attributes:
        tables: names of tables; one that no connector knows is left out by the caller.
        account_id: account, organisation or project, as the event names it.
        region: region, `global` for tables without one, or "".
        resource: the resource, for people to read; reading is by table, not by resource.
        name: the event's name, for people to read.
        at: when it is said to have happened, UTC.
    """

    tables: tuple[str, ...]
    account_id: str = ""
    region: str = ""
    resource: str = ""
    name: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in. Header names are lower-case; `query` holds decoded parameters."""

    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)
    method: str = "POST"
    query: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls, headers: Iterable[tuple[str, str]], body: bytes, method: str = "POST", query: str = ""
    ) -> Request:
        """Return the request for headers as they came, and a raw query text.

        A repeated header is joined with ", " (RFC 9110 §5.3): two signatures then match nothing.

        Raises:
            HookError: a parameter is repeated (which one would count?), or there are too many.
        """
        named: dict[str, str] = {}
        for key, value in headers:
            name = key.lower()
            named[name] = f"{named[name]}, {value}" if name in named else value
        try:
            pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=PARAMETERS)
        except ValueError:
            raise HookError("reading an event", "its query cannot be read") from None
        if len(dict(pairs)) != len(pairs):
            raise HookError("reading an event", "a parameter of its query is repeated")
        return cls(named, body, method.upper(), dict(pairs))

    def header(self, name: str) -> str:
        """Return a header's value without blanks around it, or ""."""
        return self.headers.get(name, "").strip()


@dataclass(frozen=True, slots=True)
class Reply:
    """What the provider must be answered, where a plain 2xx is not enough."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a request said, after everything about it was checked.

    Attributes:
        delivery: the same for the same delivery sent again, so that the caller hears it once;
            "" for a handshake, which may be repeated.
        hints: what to read again; () where the event touches nothing that is read.
        reply: what to answer; None for a plain 2xx.
        note: what a person should know: a subscription was confirmed, or has ended.
    """

    delivery: str
    hints: tuple[Hint, ...] = ()
    reply: Reply | None = None
    note: str = ""


class Source(Protocol):
    """One kind of sender. Constructing it does no input or output and reads no secret.

    Keep the instance between requests: it keeps the certificates and keys that it fetched.
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    Settings: ClassVar[type[BaseModel]]
    """Secrets only as `env:NAME` or `file:/path` (see `outbound.secrets`)."""

    def __init__(self, settings: BaseModel, client: Client) -> None: ...

    def hear(self, request: Request, now: datetime) -> Heard:
        """Check one request and say which tables it touches. `now` is aware.

        Raises:
            HookError: it is refused; nothing in it was acted on.
        """
        ...
