"""What the entries of a binder's log say, as far as its tables repeat it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from proofwatch.evidence.bundle import BundleObjects
from proofwatch.evidence.entry import Entry
from proofwatch.evidence.listed import count_of

COUNTS = ("passed", "failed", "inconclusive", "not_applicable", "accepted")
MOST_MANIFEST = 256 << 20
LONGEST = timedelta(hours=6)
"""How long the tables may take to be written: entries between their reading and the checkpoint are newer."""
NEVER = "0001-01-01T00:00:00Z"
SLACK = timedelta(days=1)
"""How much later than an alert ended its entry may be: an observation is older than what follows from it."""
Run = tuple[str, str]


class Told:
    """What the entries say, as far as tables repeat it. Memory grows with check runs, alerts and reviews.

    Args:
        about: binder.json, whose form was looked at before.
    """

    def __init__(self, about: Mapping[str, Any]) -> None:
        self.first, self.last = int(about["entries"]["first"]), int(about["entries"]["last"])
        self.read_at, self.size = int(about["log"]["tables_read_at"]), int(about["log"]["size"])
        self.made_at = moment(about["generated_at"])
        self.since = datetime.combine(date.fromisoformat(about["period"]["first"]), time.min, UTC)
        self.until = moment(about["evidence_until"])
        last = date.fromisoformat(about["period"]["last"])
        self.ends = datetime.combine(last + timedelta(days=1), time.min, UTC)
        self.dated: list[int] = []
        """The first and the last entry that are dated within the period."""
        self.newest = self.made_at
        self.runs: dict[Run, bytes] = {}
        """(sweep, check) → digest of what its manifest says of it."""
        self.due: dict[str, set[str]] = {}
        """Check → the sweeps whose runs the tables must have."""
        self.states: dict[Run, bytes] = {}
        """(sweep, table) → digest of its row."""
        self.last_states: dict[tuple[str, str, str], str] = {}
        """(day, connection, table) → when it was read last on that day."""
        self.sweeps: dict[str, int] = {}
        """Finished sweep → its entry."""
        self.alerts: dict[str, AlertTold] = {}
        self.reviews: dict[bytes, list[int]] = {}
        """Digest of a review's row → how many the table must have, and how many it may have."""
        self.lists: dict[int, tuple[str, str, bool]] = {}
        """Number → version and SHA-256 of a control list, and whether the tables must have it."""
        self.approvals: list[tuple[int, str, str, str]] = []
        self.newer_than_made = True

    def take(self, index: int, entry: Entry, objects: BundleObjects) -> None:
        """Keep what an entry says."""
        if index >= self.read_at and entry.at < self.made_at - LONGEST:
            self.newer_than_made = False
        if self.since <= entry.at < self.ends:
            self.dated = [self.dated[0] if self.dated else index, index]
        self.newest = max(self.newest, entry.at)
        data = entry.data
        if entry.kind == "sweep.finished":
            self._sweep(index, entry, objects)
        elif entry.kind == "alerts.changed":
            for item in data["alerts"]:
                self._alert(index, entry.at, item)
        elif entry.kind == "alert.reviewed":
            self._review(index, entry)
        elif entry.kind == "controls.imported":
            due = index < self.read_at and entry.at < self.until
            self.lists[int(data["number"])] = (str(data["version"]), str(data["sha256"]), due)
        elif entry.kind == "controls.approved":
            at = str(data.get("approved_at") or text_of(entry.at))
            self.approvals.append((int(data["number"]), at, entry.actor, str(data["note"])))

    def _sweep(self, index: int, entry: Entry, objects: BundleObjects) -> None:
        sweep = str(entry.data["sweep"])
        self.sweeps[sweep] = index
        digest = str(entry.data.get("manifest") or "")
        if not digest or not self.first <= index <= self.last:
            return
        body = json.loads(objects.prove(digest, MOST_MANIFEST))
        observed, name = str(entry.data["observed_at"]), str(entry.data["name"])
        inside = index < self.read_at and self.since <= moment(observed) < self.until
        for item in body["checks"]:
            counts = (item["counts"][word] for word in COUNTS)
            fact = (
                observed, item["version"], name, *counts, count_of(item["unread"]), item["reason"],
                item["params"], item["results"], digest,
            )  # fmt: skip
            self.runs[sweep, str(item["check"])] = short_digest(fact)
            if inside:
                self.due.setdefault(str(item["check"]), set()).add(sweep)
        for item in body["tables"]:
            self.states[sweep, str(item["table"])] = short_digest(
                (observed[:10], name, item["rows"], item["digest"], item["manifest"], observed)
            )
            key = (observed[:10], name, str(item["table"]))
            if inside and moment(observed) > moment(self.last_states.get(key, NEVER)):
                self.last_states[key] = observed

    def _alert(self, index: int, at: datetime, item: Mapping[str, Any]) -> None:
        if item["number"] is None:
            return
        found = self.alerts.setdefault(str(item["alert"]), AlertTold(int(item["number"]), at))
        if index < self.read_at:
            found.known, found.states = True, []
            found.ended = at if str(item["after"]) in ENDED else None
        found.states.append((str(item["rule"]), str(item["control"]), str(item["after"])))

    def _review(self, index: int, entry: Entry) -> None:
        data = entry.data
        at = str(data.get("decided_at") or text_of(entry.at))
        fact = (
            f"AL-{data['number']}", entry.actor, data["role"], at, data["decision"],
            data["note"], data["evidence_seen"], data["channel"], data["one_of"],
        )  # fmt: skip
        due = index < self.read_at and self.since <= moment(at) < self.until
        key = short_digest(fact)
        least, most = self.reviews.get(key, [0, 0])
        self.reviews[key] = [least + due, most + 1]


ENDED = frozenset(
    {
        "verified restored",
        "verified: resource gone",
        "closed: did not last",
        "closed: false positive",
        "closed: check changed",
    }
)


class AlertTold:
    """One alert: the states that a table may show, from the reading of the tables on."""

    __slots__ = ("ended", "known", "number", "opened", "states")

    def __init__(self, number: int, opened: datetime) -> None:
        self.number, self.opened = number, opened
        self.known = False
        self.ended: datetime | None = None
        self.states: list[tuple[str, str, str]] = []


def short_digest(fact: Iterable[Any]) -> bytes:
    """Return 16 bytes that stand for a row: equal for what canonical JSON does not tell apart.

    Args:
        fact: the values of the row; `repr` tells apart what JSON does, and takes a third of its time.
    """
    # A list and not a generator: this runs for each of some hundred thousand rows.
    plain = tuple([value if type(value) in _PLAIN else whole(value) for value in fact])
    return hashlib.blake2b(repr(plain).encode("utf-8", "surrogatepass"), digest_size=16).digest()


_PLAIN = frozenset((str, int))


def whole(value: Any) -> Any:
    """Return a value with 90.0 as 90: canonical JSON, in which manifests are written, knows no difference."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not value:
        return value
    if isinstance(value, Mapping):
        return {key: whole(value[key]) for key in sorted(value)}
    return [whole(item) for item in value] if isinstance(value, list | tuple) else value


def moment(text: Any) -> datetime:
    """Return a moment in a binder. Raises ValueError if it is none."""
    found = datetime.fromisoformat(str(text))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def text_of(at: datetime) -> str:
    """Return a moment as the tables write it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
