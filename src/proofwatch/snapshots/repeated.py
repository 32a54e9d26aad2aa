"""Which of many numbers occur more than once, in memory that does not grow with how many there are."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import IO

_RUN = 1 << 15
"""Numbers sorted at a time."""
_READ = 1 << 10
"""Numbers of one run read at a time while the runs are merged."""


class Repeated:
    """Takes numbers of 64 bits. Sorted runs go to a file without a name, which a merge reads at the end."""

    def __init__(self) -> None:
        self._run: array[int] = array("q")
        self._file: IO[bytes] | None = None
        self._runs = 0

    def __enter__(self) -> Repeated:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def __len__(self) -> int:
        return self._runs * _RUN + len(self._run)

    def append(self, number: int) -> None:
        """Take a number. Raises OSError where the disk is full."""
        self._run.append(number)
        if len(self._run) == _RUN:
            if self._file is None:
                self._file = TemporaryFile(prefix="proofwatch-")  # noqa: SIM115 - closed by __exit__
            array("q", sorted(self._run)).tofile(self._file)
            self._runs += 1
            del self._run[:]

    def twice(self) -> set[int]:
        """Return the numbers that were taken more than once."""
        found: set[int] = set()
        last = None
        for number in heapq.merge(*map(self._numbers, range(self._runs)), sorted(self._run)):
            if number == last:
                found.add(number)
            last = number
        return found

    def _numbers(self, run: int) -> Iterator[int]:
        if self._file is None:
            return
        for at in range(run * _RUN, (run + 1) * _RUN, _READ):
            self._file.seek(at * self._run.itemsize)
            some: array[int] = array("q")
            some.fromfile(self._file, _READ)
            yield from some
