"""The tables of a binder, row by row: each is read once, and its CSV is made again meanwhile."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

from proofwatch.errors import ProofwatchError
from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.bundle import Bundle
from proofwatch.evidence.cells import ROWS, csv_row
from proofwatch.evidence.verify import Report

MOST_LINE = 16 << 20
"""Bytes of one row: the reasons of a view may be long, and nobody writes more."""
ODD = (
    ProofwatchError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError,
)  # fmt: skip
"""What reading values of a stranger's may raise."""


class Tables:
    """The tables of a binder.

    Args:
        report: hears of a CSV that does not follow from its JSON lines.
        bundle: the binder.
        digests: SHA-256 of each of its files, as their bytes were read; "" where one is damaged.
    """

    def __init__(self, report: Report, bundle: Bundle, digests: Mapping[str, str]) -> None:
        self.report, self.bundle, self.digests = report, bundle, digests
        self._judged: set[str] = set()

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of a file of JSON lines; whoever reads to the end has judged its CSV, too.

        Raises:
            FileNotFoundError: there is no such file.
            EvidenceError: it is damaged, or a row is too long.
            ValueError: a row is no JSON.
        """
        base = name.removesuffix(".jsonl")
        if f"{base}.csv" not in self.bundle or f"{base}.meta.json" not in self.bundle:
            yield from _lines(self.bundle, name)
            return
        again = _Again(self._columns(base))
        for row in _lines(self.bundle, name):
            again.take(name, row)
            yield row
        self._judged.add(base)
        # A damaged file has no digest, and was named before.
        if self.digests.get(f"{base}.csv") not in ("", again.digest()):
            self.report.blame(f"{base}.csv: it does not hold the {again.seen} rows of {name}")

    def judge_rest(self) -> None:
        """Make the CSVs again that nobody's reading has made; none may be without its JSON lines."""
        for name in self.bundle.names:
            base, dot, ending = name.rpartition(".")
            beside = f"{base}.jsonl" in self.bundle and f"{base}.meta.json" in self.bundle
            if (dot and ending) != "csv" or (name.startswith("documents/") and not beside):
                continue  # What people added by hand may be a CSV, too.
            if not beside:
                self.report.blame(f"{name}: its JSON lines or {base}.meta.json are missing")
            elif base not in self._judged:
                self._judge(base)

    def _judge(self, base: str) -> None:
        try:
            for _ in self.rows(f"{base}.jsonl"):
                pass
        except EvidenceError as error:
            said = f"{error.doing.removeprefix('reading ')}: {error.problem}"
            if said not in self.report.wrong:  # A damaged file was named before.
                self.report.blame(said)
        except ODD as error:
            self.report.blame(f"{base}.jsonl: it is not a table: {type(error).__name__}")

    def _columns(self, base: str) -> list[str]:
        columns: list[str] = json.loads(self.bundle.text(f"{base}.meta.json"))["columns"]
        return columns


class _Again:
    """The CSV of a table, made again row by row; only its digest is kept."""

    def __init__(self, columns: list[str]) -> None:
        self.seen, self._columns = 0, columns
        self._hasher = hashlib.sha256()
        self._text = io.StringIO()
        self._writer = csv.writer(self._text, lineterminator="\r\n")
        self._writer.writerow(csv_row(columns))

    def take(self, name: str, row: dict[str, Any]) -> None:
        """Write a row. Raises EvidenceError where it has other columns than the table."""
        self.seen += 1
        if list(row) != self._columns:
            raise EvidenceError(f"reading {name}", f"line {self.seen} does not have the columns of the table")
        self._writer.writerow(csv_row(row.values()))
        if self.seen % ROWS == 0:
            self._drain()

    def digest(self) -> str:
        """Return the SHA-256 of all that was written."""
        self._drain()
        return self._hasher.hexdigest()

    def _drain(self) -> None:
        self._hasher.update(self._text.getvalue().encode())
        self._text.seek(0)
        self._text.truncate()


def _lines(bundle: Bundle, name: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file of JSON lines with bounded memory."""
    rest = b""
    for chunk in bundle.chunks(name):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield json.loads(line.decode())  # Told that it is UTF-8, it need not find out.
        if len(rest) > MOST_LINE:
            raise EvidenceError(f"reading {name}", f"one of its lines has more than {MOST_LINE} bytes")
    if rest:
        yield json.loads(rest)


def words_of(error: Exception) -> str:
    """Return what was wrong, in words."""
    return error.problem if isinstance(error, ProofwatchError) else f"{type(error).__name__}: {error}"
