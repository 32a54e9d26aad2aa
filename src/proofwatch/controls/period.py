"""Coverage of an observation period: for every control and day, whether it was read, and why not.

A day is judged by the occurrences that were due on it (UTC), of every connection that the control's checks
read. The words: `covered`: all that was due was read whole. `partial`: something was, something was not.
`missed`: nothing was read. `not due`: nothing had to be. `not connected`: there was no connection yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from proofwatch.controls.base import Control

WORDS = ("missed", "partial", "not connected", "not due", "covered")
"""Worst first, for a control that rests on several connections."""
ONE_DAY = 1440


@dataclass(frozen=True, slots=True)
class Source:
    """A connection as the period sees it.

    Attributes:
        name: of the connection.
        kind: of its connector; the first word of the ids of the checks that read it.
        since: the first day on which it existed.
        until: the last one; None: it still does.
        intervals: (day, minutes) from which day on how many minutes lay between two occurrences, in order.
    """

    name: str
    kind: str
    since: date
    until: date | None
    intervals: tuple[tuple[date, int], ...]

    def daily(self, day: date) -> bool:
        """Tell whether something was due on a whole day."""
        return 0 < self._minutes(day) <= ONE_DAY

    def expected(self, day: date) -> int:
        """Return how many occurrences are due on a whole day; 0 where not every day has one."""
        return ONE_DAY // self._minutes(day) if self.daily(day) else 0

    def _minutes(self, day: date) -> int:
        minutes = 0
        for since, value in self.intervals:
            if since < day:
                minutes = value
        return minutes


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of the occurrences of one connection on one day, as counts, and why some were not read."""

    complete: int = 0
    partial: int = 0
    lost: int = 0
    """Missed, failed or skipped."""
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """Days that follow each other on which a connection was not read as it should have been.

    Attributes:
        connection: its name.
        word: missed or partial.
        first: the first such day.
        last: the last one.
        lost: occurrences that were due and not read; those read in part are not among them.
        partial: occurrences that were read in part.
        why: reasons, as they were recorded.
        controls: ids of the controls that rest on it.
    """

    connection: str
    word: str
    first: date
    last: date
    lost: int
    partial: int
    why: tuple[str, ...]
    controls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """A period: its days, control → a word for each day, and every gap."""

    days: Sequence[date]
    words: Mapping[str, Sequence[str]]
    gaps: Sequence[Gap]

    def counts(self) -> dict[str, int]:
        """Return word → number of control days, for the words that occur."""
        found: dict[str, int] = {}
        for words in self.words.values():
            for word in words:
                found[word] = found.get(word, 0) + 1
        return found


@dataclass(frozen=True, slots=True)
class ControlDay:
    """One control on one day.

    Attributes:
        control: its id.
        day: in UTC.
        word: one of `WORDS`.
        due: occurrences that were due, over all connections that its checks read.
        complete: those that were read whole.
        partial: those that were read in part.
        missed: those that were due and not read: missed, failed or skipped.
        why: the reasons for what was not read whole, as they were recorded.
    """

    control: str
    day: date
    word: str
    due: int
    complete: int
    partial: int
    missed: int
    why: tuple[str, ...]


def control_days(
    controls: Iterable[Control],
    sources: Sequence[Source],
    ran: Mapping[tuple[str, date], Ran],
    days: Sequence[date],
) -> Iterator[ControlDay]:
    """Yield every automated control on every day, none left out; see `cover` for the arguments."""
    for control in controls:
        if not control.checks:
            continue
        kinds = {check.partition(".")[0] for check in control.checks}
        resting = [item for item in sources if item.kind in kinds]
        for day in days:
            yield _control_day(control.id, resting, ran, day)


def _control_day(
    control: str, sources: Sequence[Source], ran: Mapping[tuple[str, date], Ran], day: date
) -> ControlDay:
    words: list[str] = []
    why: list[str] = []
    complete = partial = missed = 0
    for item in sources:
        found = ran.get((item.name, day)) or Ran()
        word = _word(item, found, day)
        unrecorded = word == "missed" and not (found.complete or found.partial or found.lost)
        lost = item.expected(day) if unrecorded else found.lost
        complete, partial, missed = complete + found.complete, partial + found.partial, missed + lost
        why += [f"{item.name}: {text}" for text in found.why]
        why += [f"{item.name}: nothing was recorded"] if unrecorded else []
        words.append(word)
    due = complete + partial + missed
    return ControlDay(control, day, _worst(words), due, complete, partial, missed, tuple(why))


def days_of(first: date, last: date) -> list[date]:
    """Return the days from `first` to `last`, both included."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def cover(
    controls: Iterable[Control],
    sources: Sequence[Source],
    ran: Mapping[tuple[str, date], Ran],
    days: Sequence[date],
) -> Coverage:
    """Judge every day of every automated control.

    Args:
        controls: of the list in force; those without checks are shown by hand and left out.
        sources: connections that exist or existed.
        ran: (connection, day) → what became of its occurrences; no key: nothing was recorded.
        days: in order; none lies in the future.
    """
    judged = {item.name: [_word(item, ran.get((item.name, day)), day) for day in days] for item in sources}
    words: dict[str, list[str]] = {}
    resting: dict[str, list[str]] = {item.name: [] for item in sources}
    for control in controls:
        if not control.checks:
            continue
        kinds = {check.partition(".")[0] for check in control.checks}
        names = [item.name for item in sources if item.kind in kinds]
        for name in names:
            resting[name].append(control.id)
        words[control.id] = [_worst([judged[name][place] for name in names]) for place in range(len(days))]
    gaps = [gap for item in sources for gap in _gaps(item, judged[item.name], ran, days, resting[item.name])]
    return Coverage(days, words, sorted(gaps, key=lambda gap: (gap.first, gap.connection)))


def _word(source: Source, ran: Ran | None, day: date) -> str:
    if ran is not None and (ran.complete or ran.partial or ran.lost):
        if not ran.lost and not ran.partial:
            return "covered"
        return "partial" if ran.complete or ran.partial else "missed"
    if day < source.since or (source.until is not None and day > source.until):
        return "not connected"
    # Its first and last day, and the day on which its interval changed, may lie between two occurrences.
    return "missed" if source.daily(day) and day not in (source.since, source.until) else "not due"


def _worst(words: Sequence[str]) -> str:
    """Return the worst word; a connection that was not there yet says nothing where another was read."""
    said = [word for word in words if word != "not connected"] or list(words)
    return min(said, key=WORDS.index) if said else "not connected"


def _gaps(
    source: Source, words: Sequence[str], ran: Mapping[tuple[str, date], Ran], days: Sequence[date],
    controls: Sequence[str],
) -> Iterable[Gap]:  # fmt: skip
    """Yield the gaps of one connection; days of one word and for the same reasons are one gap."""
    run: list[tuple[date, Ran]] = []
    now: tuple[str, tuple[str, ...]] = ("", ())
    for day, word in [*zip(days, words, strict=True), (None, "")]:
        found = (ran.get((source.name, day)) if day else None) or Ran()
        why = found.why or (("nothing was recorded",) if word == "missed" else ())
        if run and (word, why) != now:
            yield Gap(
                source.name, now[0], run[0][0], run[-1][0], sum(item.lost for _, item in run),
                sum(item.partial for _, item in run), now[1], tuple(controls),
            )  # fmt: skip
            run = []
        if day and word in ("missed", "partial"):
            run.append((day, found))
            now = (word, why)
