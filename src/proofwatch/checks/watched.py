"""The catalogue as its files stand: read anew when a file of the user's own checks changed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from proofwatch.checks.base import CheckError
from proofwatch.checks.load import Catalog

logger = logging.getLogger(__name__)

Stamp = tuple[tuple[str, int, int], ...]


class Watched:
    """A catalogue that notices changes.

    A change that cannot be loaded leaves the catalogue as it was, so that a slip in one file does not stop
    what runs; `problem` says what is wrong until the files are mended.

    Args:
        load: validates the files; raises CheckError.
        folder: of the user's own checks; it need not exist.
    """

    def __init__(self, load: Callable[[], Catalog], folder: Path) -> None:
        self.problem = ""
        self._load, self._folder = load, folder
        self._kept: Catalog | None = None
        self._stamp: Stamp = ()
        self._lock = threading.Lock()

    def now(self) -> Catalog:
        """Return the catalogue. Raises CheckError if it never could be loaded."""
        stamp = self._look()
        kept = self._kept
        if kept is not None and stamp == self._stamp:
            return kept
        with self._lock:
            if self._kept is None or stamp != self._stamp:
                self._renew(stamp)
            assert self._kept is not None
            return self._kept

    def _renew(self, stamp: Stamp) -> None:
        try:
            self._kept, self.problem = self._load(), ""
        except CheckError as error:
            if self._kept is None:
                raise
            self.problem = f"{error.problem}\n{error.remedy}".strip()
            logger.error("the checks changed and cannot be loaded: %s", self.problem)
        self._stamp = stamp

    def _look(self) -> Stamp:
        """Return what changes with every file of the folder; a file that is just replaced is met again."""
        found = []
        for path in sorted(self._folder.rglob("*.y*ml")) if self._folder.is_dir() else ():
            try:
                stat = path.stat()
            except OSError:
                continue
            found.append((str(path), stat.st_mtime_ns, stat.st_size))
        return tuple(found)
