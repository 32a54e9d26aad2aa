"""How often somebody may ask: so many requests in any minute, counted in the memory of this process."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass
from threading import Lock

MOST_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class Left:
    """What is left after one request.

    Attributes:
        allowed: whether the request may pass.
        most: how many may pass in a window.
        remaining: how many more may pass now.
        reset: seconds until one more may pass, or until all may where some are left.
    """

    allowed: bool
    most: int
    remaining: int
    reset: int

    def headers(self) -> dict[str, str]:
        """Return them as headers."""
        found = {
            "RateLimit-Limit": str(self.most),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }
        return found if self.allowed else {**found, "Retry-After": str(self.reset)}


class Window:
    """A sliding window. With several server processes each counts its own part of the requests.

    Args:
        most: requests of one key in a window.
        seconds: its length.
    """

    def __init__(self, most: int, seconds: float = 60) -> None:
        self.most, self.seconds = most, seconds
        self._passed: dict[str, deque[float]] = {}
        self._lock = Lock()

    def take(self, key: str, now: float | None = None) -> Left:
        """Count one request of a key, unless it is one too many."""
        now = time.monotonic() if now is None else now
        with self._lock:
            if key not in self._passed and len(self._passed) >= MOST_KEYS:
                self._forget(now)
            passed = self._passed.setdefault(key, deque())
            while passed and passed[0] <= now - self.seconds:
                passed.popleft()
            allowed = len(passed) < self.most
            if allowed:
                passed.append(now)
            wait = math.ceil(passed[0] + self.seconds - now)
            return Left(allowed, self.most, self.most - len(passed), max(wait, 1))

    def _forget(self, now: float) -> None:
        """Forget those who have not asked for a window, or, if all have, everybody."""
        old = [key for key, passed in self._passed.items() if not passed or passed[-1] <= now - self.seconds]
        for key in old or list(self._passed):
            del self._passed[key]
