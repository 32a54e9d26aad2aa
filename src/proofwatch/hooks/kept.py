"""Certificates and keys that are fetched once and kept, so that a flood of events fetches nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

from proofwatch.errors import ProofwatchError
from proofwatch.hooks.base import HookError
from proofwatch.outbound.http import Client

T = TypeVar("T")
MOST = 32
FETCHES = 10
MINUTE = timedelta(minutes=1)
GRACE = timedelta(days=7)
"""How long what was read stands in while it cannot be fetched again; a certificate's own end still counts."""


@dataclass(slots=True)
class Kept(Generic[T]):
    """What was read from some addresses; at most FETCHES are fetched in a minute, at most MOST are kept.

    Whoever may not sign can still name addresses: the limits make sure that this costs little.
    """

    client: Client
    read: Callable[[bytes], T]
    """Returns what an answer means. Raises HookError."""
    doing: str
    longest: timedelta
    _found: dict[str, tuple[datetime, T]] = field(default_factory=dict)
    _fetched: list[datetime] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def get(self, url: str, now: datetime, *, longest: timedelta | None = None) -> T:
        """Return what is at an address, fetching it if it was read longer ago than `longest`.

        Raises:
            HookError: it cannot be fetched now (status 503) or is not what it should be.
        """
        with self._lock:
            known = self._found.get(url)
            if known and abs(now - known[0]) <= (self.longest if longest is None else longest):
                return known[1]
        try:
            found = self.read(self._fetch(url, now))
        except HookError as error:
            if known and longest is None and not error.permanent and abs(now - known[0]) <= GRACE:
                return known[1]
            raise
        with self._lock:
            self._found.pop(url, None)
            self._found[url] = (now, found)
            while len(self._found) > MOST:
                del self._found[next(iter(self._found))]
        return found

    def _fetch(self, url: str, now: datetime) -> bytes:
        with self._lock:
            self._fetched = [at for at in self._fetched if abs(now - at) < MINUTE]
            if len(self._fetched) >= FETCHES:
                raise self._later(f"more than {FETCHES} keys would be fetched in a minute")
            self._fetched.append(now)
        try:
            answer = self.client.request("GET", url, doing=self.doing, headers={"Accept": "*/*"})
        except ProofwatchError as error:
            raise self._later(error.problem, error.remedy) from None
        if not answer.ok:
            raise self._later(f"the key's address answered {answer.status}")
        return answer.body

    def _later(self, problem: str, remedy: str = "") -> HookError:
        return HookError(self.doing, problem, remedy, permanent=False, status=503)
