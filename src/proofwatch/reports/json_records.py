"""JSON objects out of a large file, one after another: an array, or one after the other, gzip or not.

Memory is bounded by the largest record, whatever the size of the file. What is broken is one error that
names the line on which the record begins.
"""

from __future__ import annotations

import codecs
import gzip
import json
import math
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from proofwatch.errors import ProofwatchError

CHUNK = 1 << 20
MOST_RECORD = 16 << 20
"""Characters of one record."""
MOST_TEXT = 32 << 30
"""Bytes of a whole file as text: a small archive could otherwise keep us busy for ever."""
GZIP = b"\x1f\x8b"
_SPACE = re.compile(r"[ \t\r\n]*")


class RecordError(ProofwatchError):
    """A file of records is broken, or not what it was taken for. The message names the line."""


@dataclass(frozen=True, slots=True)
class Record:
    """One JSON object of a file.

    Attributes:
        place: its number, from 0.
        line: on which it begins, from 1.
        text: as it stands in the file.
        value: the same, read.
    """

    place: int
    line: int
    text: str
    value: dict[str, Any]


def read_records(path: Path) -> Iterator[Record]:
    """Yield the objects of a file: of one array, or one after another as in JSON lines.

    Args:
        path: UTF-8, compressed with gzip or not.

    Raises:
        RecordError: it cannot be read, is no JSON, or holds something else than objects.
    """
    doing = f"reading {path.name}"
    try:
        with path.open("rb") as file:
            yield from _Reader(doing, _text(doing, file)).records()
    except OSError as error:
        raise RecordError(doing, error.strerror or str(error)) from None


def _text(doing: str, file: BinaryIO) -> Iterator[str]:
    """Yield the file's text in parts."""
    packed = file.read(2) == GZIP
    file.seek(0)
    source: Any = gzip.GzipFile(fileobj=file) if packed else file
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    read = lines = 0
    try:
        while chunk := source.read(CHUNK):
            read += len(chunk)
            if read > MOST_TEXT:
                raise RecordError(doing, f"it has more than {MOST_TEXT >> 30} GB of text", "split it")
            lines += chunk.count(b"\n")
            yield decoder.decode(chunk)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise RecordError(doing, f"it is not UTF-8, on line {lines + 1} or before") from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise RecordError(doing, "its gzip archive is broken or cut off", "fetch it again") from None


class _Twice(ValueError):
    """A name stands twice in one object: two readers would see two different things."""


class _Reader:
    """Takes values off a text that arrives in parts."""

    def __init__(self, doing: str, parts: Iterator[str]) -> None:
        self.doing, self.parts = doing, parts
        self.buffer, self.at, self.line, self.ended = "", 0, 1, False
        self.decoder = json.JSONDecoder(
            object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite
        )

    def records(self) -> Iterator[Record]:
        """Yield every object."""
        first = self._next()
        if not first:
            raise self._error("it is empty", "an import without findings is []")
        array = first == "["
        if array:
            self.at += 1
            if self._next() == "]":
                self.at += 1
                self._nothing_more()
                return
        place = 0
        while True:
            yield self._record(place)
            place += 1
            mark = self._next()
            if not array and not mark:
                return
            if array and mark == "]":
                self.at += 1
                self._nothing_more()
                return
            if array:
                if mark != ",":
                    raise self._error("a comma or ] should stand here" if mark else "its array does not end")
                self.at += 1
                self._next()

    def _nothing_more(self) -> None:
        if self._next():
            raise self._error("something stands after its array")

    def _record(self, place: int) -> Record:
        if self.buffer[self.at : self.at + 1] != "{":
            raise self._error(f"record {place + 1} is no JSON object")
        while True:
            try:
                value, end = self.decoder.raw_decode(self.buffer, self.at)
                break
            except json.JSONDecodeError as error:
                if self.ended or len(self.buffer) - self.at > MOST_RECORD:
                    raise self._broken(place, error.msg) from None
                self._fill(max(CHUNK, len(self.buffer) - self.at))
            except RecursionError:
                raise self._broken(place, "it is nested too deeply") from None
            except ValueError as error:
                raise self._broken(place, str(error)) from None
        text = self.buffer[self.at : end]
        if len(text) > MOST_RECORD:
            raise self._broken(place, f"it has more than {MOST_RECORD >> 20} MB")
        found = Record(place, self.line, text, value)
        self.at, self.line = end, self.line + text.count("\n")
        return found

    def _next(self) -> str:
        """Go to the next character that is no space; return it, "" at the end."""
        while True:
            found = _SPACE.match(self.buffer, self.at)
            end = found.end() if found else self.at
            self.line += self.buffer.count("\n", self.at, end)
            self.at = end
            if end < len(self.buffer):
                return self.buffer[end]
            if self.ended:
                return ""
            self._fill(1)

    def _fill(self, least: int) -> None:
        """Read on by so many characters or to the end, and let go of what was taken."""
        kept = [self.buffer[self.at :]]
        while least > 0 and not self.ended:
            part = next(self.parts, None)
            self.ended = part is None
            kept.append(part or "")
            least -= len(part or "")
        self.buffer, self.at = "".join(kept), 0

    def _error(self, problem: str, remedy: str = "") -> RecordError:
        return RecordError(self.doing, f"line {self.line}: {problem}", remedy)

    def _broken(self, place: int, why: str) -> RecordError:
        return self._error(f"record {place + 1}, which begins here, is broken: {why}", "nothing was taken in")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Twice(f"the name {twice[:60]!r} stands twice in one object")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _finite(text: str) -> float:
    found = float(text)
    if not math.isfinite(found):
        raise ValueError(f"the number {text[:40]} is too large")
    return found
