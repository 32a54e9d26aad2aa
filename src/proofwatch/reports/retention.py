"""What evidence is held, since when and until when, where, and whether what holds it keeps it from us, too.

Nothing here, and nothing anywhere else in Proofwatch, deletes evidence: there is no code that could.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from proofwatch.errors import ProofwatchError
from proofwatch.evidence.entry import named_objects
from proofwatch.evidence.objects import OwnStore
from proofwatch.reports.bucket import Lock
from proofwatch.store import log
from proofwatch.store.django import guarded
from proofwatch.store.models import Audit, Export, LogEntry, Screenshot

MOST_JSON = 1 << 20
"""Bytes of an object that is read for the objects that it names in turn."""
MOST_NAMED = 20
_DIGEST = re.compile(rb"[0-9a-f]{64}")

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Held:
    """What is held of some days: `first` to `last`, both included; `until` is the day to which, at least.

    `objects` counts each where it is named first, and `bytes` are theirs; `audits` look at these days.
    """

    name: str
    first: date
    last: date
    until: date
    audits: tuple[str, ...] = ()
    entries: int = 0
    objects: int = 0
    bytes: int = 0
    screenshots: int = 0
    exports: int = 0


@dataclass(slots=True)
class Retention:
    """The whole report.

    Attributes:
        at: as of when.
        years: for which evidence is held after the end of its period.
        oldest: time of the first entry.
        entries: in the log.
        objects, bytes: in the store, whoever names them.
        unnamed: objects in the store that were not found to be named: left by a sweep that was stopped, or
            named only by an object that was not read (`deep` tells).
        missing: how many that are named are not in the store, and the first of them.
        deep: whether objects were read for those that they name.
        months, periods: what is held, by month and by audit.
        where: folder or bucket of the objects.
        lock: how the bucket guards them; None for a folder.
        needed_days: for which an object has to be locked, at most.
        shortfall: why what holds the objects does not keep them from us; "" if it does.
    """

    at: datetime
    years: int
    where: str
    oldest: datetime | None = None
    entries: int = 0
    objects: int = 0
    bytes: int = 0
    unnamed: int = 0
    missing: int = 0
    first_missing: list[str] = field(default_factory=list)
    deep: bool = True
    months: list[Held] = field(default_factory=list)
    periods: list[Held] = field(default_factory=list)
    lock: Lock | None = None
    needed_days: int = 0
    shortfall: str = ""


def report(
    store: OwnStore,
    where: str,
    lock: Lock | None,
    *,
    years: int,
    now: datetime,
    deep: bool,
    progress: Progress = lambda done, total: None,
) -> Retention:
    """Read the whole log once and list the store; return what is held.

    Args:
        store: the objects.
        where: folder or bucket, as it is set.
        lock: what the bucket says of itself; None for a folder.
        years: after its end for which the evidence of a period is held.
        now: as of when.
        deep: read objects for those that they name: exact, but a request for each in a bucket.
        progress: called with (entries done, entries in all).

    Raises:
        EvidenceError: the store cannot be listed.
        StoreError: the state cannot be read.
    """
    found = Retention(at=now, years=years, where=where, deep=deep, lock=lock)
    with closing(sqlite3.connect("", isolation_level=None)) as scratch:
        objects = _Objects(scratch, store, deep=deep)
        found.objects, found.bytes = objects.listed()
        days = _walk(objects, progress)
        found.unnamed = objects.unnamed()
        found.missing, found.first_missing = objects.missing()
        _sizes(objects, days)
    _others(days)
    found.entries = sum(day.entries for day in days.values())
    found.oldest = oldest()
    audits = list(Audit.objects.order_by("first", "name"))
    found.months = [_sum(held, days) for held in months(min(days, default=None), now.date(), audits, years)]
    found.periods = [_sum(held, days) for held in periods(audits, years)]
    found.needed_days = needed_days(audits, years)
    found.shortfall = shortfall(lock, found.needed_days)
    return found


def oldest() -> datetime | None:
    """Return the time of the log's first entry."""
    with guarded("reading the log"):
        found: datetime | None = LogEntry.objects.order_by("index").values_list("at", flat=True).first()
    return found


def entries_by_month(audits: Iterable[Audit], years: int, now: datetime, newest: int) -> list[Held]:
    """Return how many entries the newest months have, by few readings: entries are in the order of time."""
    size, first = log.DjangoLog().size(), oldest()
    found = months(first.date() if first else None, now.date(), audits, years)[-newest:]
    start = _first_from(found[0].first, 0, size) if found else 0
    for held in found:
        end = _first_from(held.last + timedelta(days=1), start, size)
        held.entries, start = end - start, end
    return found


def _first_from(day: date, low: int, high: int) -> int:
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    while low < high:
        middle = (low + high) // 2
        if LogEntry.objects.values_list("at", flat=True).get(pk=middle) < moment:
            low = middle + 1
        else:
            high = middle
    return low


def periods(audits: Iterable[Audit], years: int) -> list[Held]:
    """Return the audits' periods, and until when each is held."""
    return [
        Held(audit.name, audit.first, audit.last, later(audit.last, years), (audit.name,)) for audit in audits
    ]


def months(first: date | None, last: date, audits: Iterable[Audit], years: int) -> list[Held]:
    """Return the months from one day to another, each held as long as any audit needs it, and never less."""
    found: list[Held] = []
    known = list(audits)
    start = first.replace(day=1) if first else None
    while start and start <= last:
        following = (start + timedelta(days=32)).replace(day=1)
        end = following - timedelta(days=1)
        looking = [audit for audit in known if audit.first <= end and audit.last >= start]
        until = later(max([end, *(audit.last for audit in looking)]), years)
        found.append(Held(f"{start:%Y-%m}", start, end, until, tuple(audit.name for audit in looking)))
        start = following
    return found


def later(day: date, years: int) -> date:
    """Return the same day some years later; 29 February becomes 1 March."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def needed_days(audits: Iterable[Audit], years: int) -> int:
    """Return for how many days an object has to be locked, from the first day of the longest period on."""
    spans: list[int] = [(later(audit.last, years) - audit.first).days for audit in audits]
    return max([years * 365 + (years + 3) // 4, *spans])


def shortfall(lock: Lock | None, needed: int) -> str:
    """Return why what holds the objects does not keep them from us; "" if it does."""
    if lock is None:
        return "a folder: whoever administers this machine can delete files in it"
    return lock.shortfall(needed)


@dataclass(slots=True)
class _Day:
    entries: int = 0
    objects: int = 0
    bytes: int = 0
    screenshots: int = 0
    exports: int = 0


def _walk(objects: _Objects, progress: Progress) -> dict[date, _Day]:
    """Read every entry once; note on which day each object was named first."""
    days: dict[date, _Day] = {}
    total = log.DjangoLog().size()
    with guarded("reading the log"):
        rows = LogEntry.objects.order_by("index").values_list("at", "entry")
        for place, (at, entry) in enumerate(rows.iterator(chunk_size=1000)):
            day = at.astimezone(UTC).date()
            days.setdefault(day, _Day()).entries += 1
            if _DIGEST.search(entry):
                objects.name(json.loads(bytes(entry))["data"], day)
            if place % 1000 == 999:
                progress(place + 1, total)
    progress(total, total)
    return days


class _Objects:
    """The objects of the store, and on which day each was named first; in a file, however many there are."""

    def __init__(self, scratch: sqlite3.Connection, store: OwnStore, *, deep: bool) -> None:
        self._scratch, self._store, self._deep = scratch, store, deep
        scratch.execute("CREATE TABLE object (digest TEXT PRIMARY KEY, size INTEGER, day TEXT) WITHOUT ROWID")
        scratch.execute("BEGIN")
        scratch.executemany("INSERT OR IGNORE INTO object (digest, size) VALUES (?, ?)", store.sizes())

    def listed(self) -> tuple[int, int]:
        """Return how many objects there are, and their bytes. To be called before any is named."""
        number, size = self._scratch.execute("SELECT count(*), sum(size) FROM object").fetchone()
        return number, size or 0

    def name(self, data: object, day: date) -> None:
        """Note the objects that an entry's data name, and, where asked, those that these name."""
        waiting = list(named_objects(data))
        while waiting:
            digest = waiting.pop()
            row = self._scratch.execute("SELECT size, day FROM object WHERE digest = ?", (digest,)).fetchone()
            if row is None:
                self._scratch.execute("INSERT INTO object (digest, day) VALUES (?, ?)", (digest, str(day)))
            elif row[1] is None:
                self._scratch.execute("UPDATE object SET day = ? WHERE digest = ?", (str(day), digest))
                if self._deep and row[0] <= MOST_JSON:
                    waiting += self._named_in(digest)

    def _named_in(self, digest: str) -> list[str]:
        try:
            data = self._store.get(digest)
            return list(named_objects(json.loads(data), "object")) if data[:1] in (b"{", b"[") else []
        except (ProofwatchError, ValueError, RecursionError):
            return []  # Changed bytes are found by verifying, which this does not replace.

    def unnamed(self) -> int:
        """Return how many nobody names."""
        return int(self._scratch.execute("SELECT count(*) FROM object WHERE day IS NULL").fetchone()[0])

    def missing(self) -> tuple[int, list[str]]:
        """Return how many are named and not there, and the first of them."""
        query = "FROM object WHERE size IS NULL"
        number = int(self._scratch.execute(f"SELECT count(*) {query}").fetchone()[0])
        first = self._scratch.execute(f"SELECT digest {query} ORDER BY day, digest LIMIT ?", (MOST_NAMED,))
        return number, [row[0] for row in first]

    def by_day(self) -> Iterator[tuple[date, int, int]]:
        """Yield (day, how many objects were named first on it, their bytes)."""
        query = (
            "SELECT day, count(size), coalesce(sum(size), 0) FROM object WHERE day IS NOT NULL GROUP BY day"
        )
        for day, number, size in self._scratch.execute(query):
            yield date.fromisoformat(day), number, size


def _sizes(objects: _Objects, days: dict[date, _Day]) -> None:
    for day, number, size in objects.by_day():
        days[day].objects, days[day].bytes = number, size


def _others(days: dict[date, _Day]) -> None:
    """Count what people asked for: pictures of pages, and files that were handed out."""
    with guarded("reading the state"):
        pictures = Counter(
            at.astimezone(UTC).date() for at in Screenshot.objects.values_list("at", flat=True)
        )
        done = Export.objects.filter(state="done").values_list("at", flat=True)
        exports = Counter(at.astimezone(UTC).date() for at in done)
    for day, number in pictures.items():
        days.setdefault(day, _Day()).screenshots = number
    for day, number in exports.items():
        days.setdefault(day, _Day()).exports = number


def _sum(held: Held, days: dict[date, _Day]) -> Held:
    for day, found in days.items():
        if held.first <= day <= held.last:
            held.entries += found.entries
            held.objects += found.objects
            held.bytes += found.bytes
            held.screenshots += found.screenshots
            held.exports += found.exports
    return held
