"""What the tables of one sweep share while they are read: no longer, or a sweep would show an older state."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class SweepCache:
    """Listings that serve several tables; a connector lives longer than a sweep, and they must not."""

    def __init__(self) -> None:
        self.rows: dict[Any, Any] = {}
        self._made: dict[Any, tuple[list[Any], threading.Lock]] = {}
        self._sweep = ""
        self._lock = threading.Lock()

    def begin(self, sweep: str) -> None:
        """Begin with nothing, unless it is the same sweep that goes on."""
        with self._lock:
            if sweep != self._sweep:
                # A new dictionary: what still reads for the old sweep keeps its own.
                self._sweep, self.rows, self._made = sweep, {}, {}

    def once(self, name: Any, make: Callable[[], T]) -> T:
        """Return what `make` returns, made once in a sweep, by the first thread that asks.

        What raises is made again by the next who asks. `make` must not ask for the same name.
        """
        with self._lock:
            kept, making = self._made.setdefault(name, ([], threading.Lock()))
        with making:
            if not kept:
                kept.append(make())
            found: T = kept[0]
            return found
