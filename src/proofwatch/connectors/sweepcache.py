"""What the tables of one sweep share while they are read: no longer, or a sweep would show an older state."""

from __future__ import annotations

import threading
from typing import Any


class SweepCache:
    """Listings that serve several tables; a connector lives longer than a sweep, and they must not."""

    def __init__(self) -> None:
        self.rows: dict[Any, Any] = {}
        self._sweep = ""
        self._lock = threading.Lock()

    def begin(self, sweep: str) -> None:
        """Begin with nothing, unless it is the same sweep that goes on."""
        with self._lock:
            if sweep != self._sweep:
                # A new dictionary: what still reads for the old sweep keeps its own.
                self._sweep, self.rows = sweep, {}
