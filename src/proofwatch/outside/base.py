"""What a keeper of checkpoints is: one file per kind, with its settings, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from proofwatch.errors import ProofwatchError
from proofwatch.outbound.http import Client


class OutsideError(ProofwatchError):
    """A checkpoint could not be given to a keeper, or its answer proves nothing. Never shows a secret."""


class KeeperSettings(BaseModel):
    """The settings of one kind; secrets only as `env:NAME` or `file:/path`."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Given:
    """What a keeper is given.

    Attributes:
        note: the signed checkpoint, as text.
        size: entries under it.
        root: their root, 32 bytes.
        vkey: the public key that signed it.
        organization: whose log it is, for people; may be "".
        now: the time.
        prove: (old size) → the consistency proof from there to `size`.
    """

    note: str
    size: int
    root: bytes
    vkey: str
    organization: str
    now: datetime
    prove: Callable[[int], list[bytes]] = field(default=lambda old: [])


@dataclass(frozen=True, slots=True)
class Answer:
    """What a keeper answered.

    Attributes:
        reference: what it calls what it kept: a version, a commit, a message id, the time that it stamped.
        proof: bytes that prove it to others (a time-stamp token, a cosigned checkpoint); b"" without any.
        facts: further facts for the log, in JSON's types.
        also: further bytes to be kept as objects, by what they are: without them the proof proves less.
    """

    reference: str
    proof: bytes = b""
    facts: dict[str, Any] = field(default_factory=dict)
    also: dict[str, bytes] = field(default_factory=dict)


class Keeper(Protocol):
    """One kind of keeper. A keeper may be given the same checkpoint again, and answers the same then."""

    kind: ClassVar[str]
    about: ClassVar[str]
    """What it does, in a sentence."""
    interval_minutes: ClassVar[int]
    """How often it is usually given the newest checkpoint."""
    settings: ClassVar[type[KeeperSettings]]

    def keep(self, settings: Any, given: Given, client: Client) -> Answer:
        """Give it a checkpoint. Raises OutsideError if it did not take it for sure."""
        ...
