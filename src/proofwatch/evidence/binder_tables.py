"""Hold the tables of a binder against its log: a signature says who wrote them, this says that they are true.

Every CSV must follow from the JSON lines beside it. Runs, populations, control lists, approvals, alerts and
reviews must be what entries and their objects say, and nothing that these say of the period may be missing.
The tables were read before the checkpoint of the binder was signed, so all that they hold lies under it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from proofwatch.errors import ProofwatchError
from proofwatch.evidence.base import EvidenceError, LogReader
from proofwatch.evidence.bundle import Bundle, BundleObjects
from proofwatch.evidence.cells import csv_line
from proofwatch.evidence.entry import Entry, parse
from proofwatch.evidence.verify import Report

COUNTS = ("passed", "failed", "inconclusive", "not_applicable", "accepted")
LONGEST = timedelta(hours=6)
"""How long the tables may take to be written: entries between their reading and the checkpoint are newer."""
SLACK = timedelta(days=1)
"""How much later than an alert ended its entry may be: an observation is older than what follows from it."""
_Run = tuple[str, str]


class Told:
    """What the entries say, as far as tables repeat it. Memory grows with check runs, alerts and reviews.

    Args:
        bundle: the binder; its binder.json was looked at before.
        about: that file.
    """

    def __init__(self, about: Mapping[str, Any]) -> None:
        self.first, self.last = int(about["entries"]["first"]), int(about["entries"]["last"])
        self.read_at = int(about["log"].get("tables_read_at", 0))
        self.made_at = _moment(about["generated_at"])
        self.since = datetime.combine(date.fromisoformat(about["period"]["first"]), time.min, UTC)
        self.until = _moment(about["evidence_until"])
        self.runs: dict[_Run, bytes] = {}
        """(sweep, check) → digest of what its manifest says of it."""
        self.due: dict[str, int] = {}
        """Check → how many runs the tables must have."""
        self.states: dict[_Run, bytes] = {}
        """(sweep, table) → digest of its row."""
        self.sweeps: dict[str, int] = {}
        """Finished sweep → its entry."""
        self.alerts: dict[str, _Alert] = {}
        self.reviews: dict[bytes, int] = {}
        """Digest of a review's row → how many the entries say, less those that a table says."""
        self.lists: dict[int, tuple[str, str]] = {}
        self.approvals: list[tuple[int, str, str, str]] = []
        self.newer_than_made = True

    def take(self, index: int, entry: Entry, objects: BundleObjects) -> None:
        """Keep what an entry says."""
        if index >= self.read_at and entry.at < self.made_at - LONGEST:
            self.newer_than_made = False
        data = entry.data
        if entry.kind == "sweep.finished":
            self._sweep(index, entry, objects)
        elif entry.kind == "alerts.changed":
            for item in data["alerts"]:
                self._alert(index, entry.at, item)
        elif entry.kind == "alert.reviewed":
            self._review(index, entry)
        elif entry.kind == "controls.imported":
            self.lists[int(data["number"])] = (str(data["version"]), str(data["sha256"]))
        elif entry.kind == "controls.approved":
            at = str(data.get("approved_at") or text_of(entry.at))
            self.approvals.append((int(data["number"]), at, entry.actor, str(data["note"])))

    def _sweep(self, index: int, entry: Entry, objects: BundleObjects) -> None:
        sweep = str(entry.data["sweep"])
        self.sweeps[sweep] = index
        digest = str(entry.data.get("manifest") or "")
        if not digest or not self.first <= index <= self.last:
            return
        body = json.loads(objects.get(digest))
        observed, name = str(entry.data["observed_at"]), str(entry.data["name"])
        inside = index < self.read_at and self.since <= _moment(observed) < self.until
        for item in body["checks"]:
            counts = (item["counts"][word] for word in COUNTS)
            fact = (
                observed, item["version"], name, *counts, len(item["unread"]), item["reason"],
                item["params"], item["results"], digest,
            )  # fmt: skip
            self.runs[sweep, str(item["check"])] = _digest(fact)
            self.due[item["check"]] = self.due.get(item["check"], 0) + inside
        for item in body["tables"]:
            self.states[sweep, str(item["table"])] = _digest(
                (name, item["rows"], item["digest"], item["manifest"], observed)
            )

    def _alert(self, index: int, at: datetime, item: Mapping[str, Any]) -> None:
        if item["number"] is None:
            return
        found = self.alerts.setdefault(str(item["alert"]), _Alert(int(item["number"]), at))
        if index < self.read_at:
            found.known, found.states = True, []
            found.active = str(item["after"]) not in _ENDED
            found.ended = None if found.active else at
        found.states.append((str(item["rule"]), str(item["control"]), str(item["after"])))

    def _review(self, index: int, entry: Entry) -> None:
        data = entry.data
        at = str(data.get("decided_at") or text_of(entry.at))
        fact = (
            f"AL-{data['number']}", entry.actor, data["role"], at, data["decision"],
            data["note"], data["evidence_seen"], data["channel"], data["one_of"],
        )  # fmt: skip
        due = index < self.read_at and self.since <= _moment(at) < self.until
        key = _digest(fact)
        self.reviews[key] = self.reviews.get(key, 0) + due


_ENDED = frozenset(
    {
        "verified restored",
        "verified: resource gone",
        "closed: did not last",
        "closed: false positive",
        "closed: check changed",
    }
)


class _Alert:
    """One alert: the states that a table may show, from the reading of the tables on."""

    __slots__ = ("active", "ended", "known", "number", "opened", "states")

    def __init__(self, number: int, opened: datetime) -> None:
        self.number, self.opened = number, opened
        self.known, self.active = False, True
        self.ended: datetime | None = None
        self.states: list[tuple[str, str, str]] = []


def judge_tables(
    report: Report, bundle: Bundle, about: Mapping[str, Any], log: LogReader, objects: BundleObjects
) -> None:
    """Compare the tables of a binder with what its log and objects say; what differs goes to the report.

    Args:
        report: where to; its log was verified before.
        bundle: the binder.
        about: binder.json.
        log: the binder's.
        objects: the binder's.
    """
    before = len(report.wrong) + report.hidden
    _judge_csvs(report, bundle)
    try:
        told = Told(about)
        for index, data in enumerate(log.entries(0, log.size())):
            told.take(index, parse(data), objects)
    except (ProofwatchError, FileNotFoundError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = error.problem if isinstance(error, ProofwatchError) else f"{type(error).__name__}: {error}"
        report.unproven.append(f"that the tables are what the log says: the log cannot be read: {problem}")
        return
    if not told.newer_than_made:
        report.blame(f"binder.json: its tables were read at entry {told.read_at}, long before it was made")
    for name, judge in (
        ("control lists", _judge_lists), ("runs", _judge_runs), ("populations", _judge_populations),
        ("alerts", _judge_alerts), ("reviews", _judge_reviews),
    ):  # fmt: skip
        try:
            judge(report, bundle, told)
        except (EvidenceError, FileNotFoundError, ValueError, KeyError, TypeError, AttributeError) as error:
            report.blame(f"the table of {name} is not one that a binder has: {type(error).__name__}: {error}")
    if len(report.wrong) + report.hidden == before:
        report.proven.append(
            "the tables of control lists, approvals, runs, populations, alerts and reviews say what the log "
            "says, and leave nothing out"
        )
        report.unproven.append("the other tables row by row: they are signed, and not compared with the log")


def _judge_csvs(report: Report, bundle: Bundle) -> None:
    """Every CSV follows from the JSON lines beside it."""
    for name in bundle.names:
        base, dot, ending = name.rpartition(".")
        if (dot and ending) != "csv" or f"{base}.jsonl" not in bundle or f"{base}.meta.json" not in bundle:
            continue
        hasher, rows = hashlib.sha256(), 0
        try:
            columns = json.loads(bundle.text(f"{base}.meta.json"))["columns"]
            hasher.update(csv_line(columns).encode())
            for row in _lines(bundle, f"{base}.jsonl"):
                rows += 1
                if list(row) != columns:
                    report.blame(f"{base}.jsonl: line {rows} does not have the columns of the table")
                    break
                hasher.update(csv_line(row.values()).encode())
            else:
                if hasher.hexdigest() != _sha256(bundle, name):
                    report.blame(f"{name}: it does not hold the {rows} rows of {base}.jsonl")
        except EvidenceError:
            continue  # A damaged file was named before.
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            report.blame(f"{base}.jsonl: it is not a table: {type(error).__name__}")


def _judge_lists(report: Report, bundle: Bundle, told: Told) -> None:
    seen = {}
    for row in _lines(bundle, "controls/versions.jsonl"):
        seen[row["number"]] = (row["version"], row["sha256"])
        file = f"controls/list-{row['number']}.json"
        if told.lists.get(row["number"]) != (row["version"], row["sha256"]):
            report.blame(
                f"controls/versions.jsonl: no entry says that version {row['number']} was imported so"
            )
        elif _sha256(bundle, file) != row["sha256"]:
            report.blame(f"{file}: it is not the control list that was imported")
    there = [
        (row["number"], row["approved_at"], row["approved_by"], row["note"])
        for row in _lines(bundle, "controls/approvals.jsonl")
    ]
    for number, at, by, _ in set(there) - set(told.approvals):
        report.blame(f"controls/approvals.jsonl: no entry says that {by} approved version {number} at {at}")
    for number, at, by, _ in set(told.approvals) - set(there):
        if _moment(at) < told.until:
            report.blame(f"controls/approvals.jsonl: that {by} approved version {number} at {at} is left out")


def _judge_runs(report: Report, bundle: Bundle, told: Told) -> None:
    for control in json.loads(bundle.text("binder.json"))["controls"]:
        name = f"controls/{control}/runs.jsonl"
        checks = json.loads(bundle.text(f"controls/{control}/control.json"))["checks"]
        if not checks:
            continue
        left = {check: told.due.get(check, 0) for check in checks}
        before: set[_Run] = set()
        outside = 0
        for row in _lines(bundle, name):
            key = (row["sweep"], row["check"])
            fact = (
                row["observed_at"], row["check_version"], row["connection"], *(row[word] for word in COUNTS),
                row["places_not_read"], row["reason"], row["params"], row["results"], row["sweep_manifest"],
            )  # fmt: skip
            if key[0] in told.sweeps and not told.first <= told.sweeps[key[0]] <= told.last:
                outside += 1
            elif told.runs.get(key) != _digest(fact):
                report.blame(
                    f"{name}: the run of {key[1]} at {row['observed_at']} is not what its sweep says"
                )
            if key in before:
                report.blame(f"{name}: the run of {key[1]} in sweep {key[0]} stands in it twice")
            before.add(key)
            left[key[1]] = left.get(key[1], 0) - (told.sweeps.get(key[0], told.read_at) < told.read_at)
        if outside:
            report.unproven.append(f"{outside} runs in {name}: their sweeps ended after the period")
        for check, number in left.items():
            if number > 0:
                report.blame(f"{name}: {number} runs of {check} that the log has are left out")


def _judge_populations(report: Report, bundle: Bundle, told: Told) -> None:
    name = "coverage/populations.jsonl"
    for row in _lines(bundle, name):
        key = (row["sweep"], row["table"])
        index = told.sweeps.get(key[0])
        if index is not None and not told.first <= index <= told.last:
            continue
        fact = (row["connection"], row["rows"], row["digest"], row["manifest"], row["observed_at"])
        if told.states.get(key) != _digest(fact):
            report.blame(f"{name}: {row['table']} of {row['day']} is not what its sweep says")


def _judge_alerts(report: Report, bundle: Bundle, told: Told) -> None:
    name = "alerts/alerts.jsonl"
    seen = set()
    for row in _lines(bundle, name):
        known = told.alerts.get(row["id"])
        seen.add(row["id"])
        if known is None or row["alert"] != f"AL-{known.number}":
            report.blame(f"{name}: the log has no alert {row['alert']} with its id")
        elif (row["rule"], row["control"], row["state"]) not in known.states:
            report.blame(
                f"{name}: {row['alert']} is {row['state']!r}, and the log says {known.states[-1][2]!r}"
            )
    for key, alert in told.alerts.items():
        over = alert.ended is not None and alert.ended < told.since + SLACK
        if key not in seen and alert.known and alert.opened < told.until and not over:
            report.blame(f"{name}: AL-{alert.number} is left out")


def _judge_reviews(report: Report, bundle: Bundle, told: Told) -> None:
    name = "alerts/reviews.jsonl"
    left = dict(told.reviews)
    for row in _lines(bundle, name):
        fact = (
            row["alert"], row["reviewer"], row["role"], row["decided_at"], row["decision"],
            row["note"][:2000], row["evidence_seen"], row["channel"], row["one_of"],
        )  # fmt: skip
        key = _digest(fact)
        if key not in left:
            report.blame(f"{name}: no entry says that {row['reviewer']} reviewed {row['alert']} so")
        else:
            left[key] -= 1
    if missing := sum(number for number in left.values() if number > 0):
        report.blame(f"{name}: {missing} reviews that the log has are left out")


def _lines(bundle: Bundle, name: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file of JSON lines with bounded memory."""
    rest = b""
    for chunk in bundle.chunks(name):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from map(json.loads, whole)
    if rest:
        yield json.loads(rest)


def _digest(fact: Any) -> bytes:
    text = json.dumps(fact, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def _sha256(bundle: Bundle, name: str) -> str:
    hasher = hashlib.sha256()
    for chunk in bundle.chunks(name):
        hasher.update(chunk)
    return hasher.hexdigest()


def _moment(text: Any) -> datetime:
    found = datetime.fromisoformat(str(text))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def text_of(at: datetime) -> str:
    """Return a moment as the tables write it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
