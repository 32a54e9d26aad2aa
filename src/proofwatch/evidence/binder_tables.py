"""Hold the tables of a binder against its log: a signature says who wrote them, this says that they are true.

Every CSV must follow from the JSON lines beside it. Runs, populations, control lists, approvals, alerts and
reviews must be what entries and their objects say, and nothing that these say of the period may be missing.
The tables were read before the checkpoint of the binder was signed, so all that they hold lies under it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from proofwatch.evidence.base import LogReader
from proofwatch.evidence.binder_rows import ODD, Tables, words_of
from proofwatch.evidence.binder_told import COUNTS, LONGEST, NEVER, SLACK, Told, moment, short_digest
from proofwatch.evidence.bundle import BundleObjects
from proofwatch.evidence.entry import parse
from proofwatch.evidence.verify import Report


def judge_tables(
    report: Report, tables: Tables, about: Mapping[str, Any], log: LogReader, objects: BundleObjects
) -> None:
    """Compare the tables of a binder with what its log and objects say; what differs goes to the report.

    Args:
        report: where to; its log was verified before.
        tables: the binder's.
        about: binder.json.
        log: the binder's.
        objects: the binder's.
    """
    before = len(report.wrong) + report.hidden
    compared = _judge_against_log(report, tables, about, log, objects)
    tables.judge_rest()
    if compared and len(report.wrong) + report.hidden == before:
        report.proven.append(
            "the tables of control lists, approvals, runs, populations, alerts and reviews say what the log "
            "says, and leave nothing out"
        )
        report.unproven.append("the other tables row by row: they are signed, and not compared with the log")


def _judge_against_log(
    report: Report, tables: Tables, about: Mapping[str, Any], log: LogReader, objects: BundleObjects
) -> bool:
    """Return False where the log and the tables could not be compared at all."""
    try:
        told = Told(about)
        for index, data in enumerate(log.entries(0, log.size())):
            told.take(index, parse(data), objects)
    except (FileNotFoundError, *ODD) as error:
        report.doubt(f"that the tables are what the log says: they cannot be compared: {words_of(error)}")
        return False
    _judge_frame(report, told)
    for name, judge in (
        ("control lists", _judge_lists), ("controls", _judge_controls), ("runs", _judge_runs),
        ("populations", _judge_populations),
        ("alerts", _judge_alerts), ("reviews", _judge_reviews),
    ):  # fmt: skip
        try:
            judge(report, tables, told)
        except FileNotFoundError as error:
            report.blame(f"{error}: it is missing; a binder has it")
        except ODD as error:
            report.blame(f"the table of {name} is not one that a binder has: {words_of(error)}")
    return True


def _judge_frame(report: Report, told: Told) -> None:
    """What binder.json says of times and entries decides what tables must hold: it follows from the log."""
    if not told.newer_than_made:
        report.blame(f"binder.json: its tables were read at entry {told.read_at}, long before it was made")
    if not 1 <= told.read_at <= told.size:
        report.blame(f"binder.json: its tables were read at entry {told.read_at} of {told.size}")
    if told.until != min(told.ends, told.made_at):
        report.blame(
            "binder.json: its evidence does not reach to the end of the period, or until it was made"
        )
    if told.newest > told.made_at + LONGEST:
        report.blame("binder.json: its log has entries of long after it was made")
    first, last = told.dated or (told.first, told.last)
    if not told.first <= first <= last + 1 or not last <= told.last < told.size:
        said = f"{told.first} to {told.last}"
        report.blame(
            f"binder.json: entries {first} to {last} are dated within its period, and it says {said}"
        )


def _judge_lists(report: Report, tables: Tables, told: Told) -> None:
    seen = set()
    for row in tables.rows("controls/versions.jsonl"):
        seen.add(row["number"])
        file = f"controls/list-{row['number']}.json"
        if told.lists.get(row["number"], ())[:2] != (row["version"], row["sha256"]):
            report.blame(
                f"controls/versions.jsonl: no entry says that version {row['number']} was imported so"
            )
        elif tables.digests.get(file) != row["sha256"]:
            report.blame(f"{file}: it is not the control list that was imported")
    for number, (version, _, due) in told.lists.items():
        if due and number not in seen:
            report.blame(f"controls/versions.jsonl: list {number} (version {version}) is left out")
    there = [
        (row["number"], row["approved_at"], row["approved_by"], row["note"])
        for row in tables.rows("controls/approvals.jsonl")
    ]
    for number, at, by, _ in set(there) - set(told.approvals):
        report.blame(f"controls/approvals.jsonl: no entry says that {by} approved version {number} at {at}")
    for number, at, by, _ in set(told.approvals) - set(there):
        if moment(at) < told.until:
            report.blame(f"controls/approvals.jsonl: that {by} approved version {number} at {at} is left out")


def _judge_controls(report: Report, tables: Tables, told: Told) -> None:
    """The controls of the binder are those of the list that it names, with the same checks."""
    about = json.loads(tables.bundle.text("binder.json"))
    named = about["control_list"].get("sha256", "")
    numbers = [number for number, (_, digest, _due) in told.lists.items() if digest == named]
    if not numbers:
        if named or about["controls"]:
            report.blame("binder.json: no entry says that its control list was imported")
        return
    listed = {
        item["id"]: sorted(item["checks"])
        for item in json.loads(tables.bundle.text(f"controls/list-{numbers[-1]}.json"))["controls"]
    }
    for control in sorted({*listed} - {*about["controls"]}):
        report.blame(f"binder.json: control {control} of its control list is left out")
    for control in about["controls"]:
        file = f"controls/{control}/control.json"
        if control in listed and sorted(json.loads(tables.bundle.text(file))["checks"]) != listed[control]:
            report.blame(f"{file}: its checks are not those of the control list")


def _judge_runs(report: Report, tables: Tables, told: Told) -> None:
    for control in json.loads(tables.bundle.text("binder.json"))["controls"]:
        name = f"controls/{control}/runs.jsonl"
        checks = json.loads(tables.bundle.text(f"controls/{control}/control.json"))["checks"]
        if not checks:
            continue
        seen: dict[str, set[str]] = {check: set() for check in checks}
        outside = 0
        for row in tables.rows(name):
            sweep, check = str(row["sweep"]), row["check"]
            which = f"the run of {check} at {row['observed_at']}"
            if check not in seen or not told.since <= moment(row["observed_at"]) < told.until:
                report.blame(f"{name}: {which} is not one of this control in this period")
                continue
            if sweep in told.sweeps and not told.first <= told.sweeps[sweep] <= told.last:
                outside += 1
            elif told.runs.get((sweep, check)) != short_digest(_run_of(row)):
                report.blame(f"{name}: {which} is not what its sweep says")
            if sweep in seen[check]:
                report.blame(f"{name}: {which} stands in it twice")
            seen[check].add(sweep)
        if outside:
            report.unproven.append(f"{outside} runs in {name}: their sweeps ended after the period")
        for check, there in seen.items():
            if missing := len(told.due.get(check, set()) - there):
                report.blame(f"{name}: {missing} runs of {check} that the log has are left out")


def _run_of(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        row["observed_at"], row["check_version"], row["connection"], *(row[word] for word in COUNTS),
        row["places_not_read"], row["reason"], row["params"], row["results"], row["sweep_manifest"],
    )  # fmt: skip


def _judge_populations(report: Report, tables: Tables, told: Told) -> None:
    name = "coverage/populations.jsonl"
    left, seen = dict(told.last_states), set()
    for row in tables.rows(name):
        key = (row["sweep"], row["table"])
        which = f"{row['table']} of {row['connection']} on {row['day']}"
        place = (row["day"], row["connection"], row["table"])
        if place in seen:
            report.blame(f"{name}: {which} stands in it twice")
        seen.add(place)
        due = left.pop(place, NEVER)
        if moment(row["observed_at"]) < moment(due):
            report.blame(f"{name}: {which} is not the last of that day")
        index = told.sweeps.get(key[0])
        if index is not None and not told.first <= index <= told.last:
            continue
        fact = (
            row["day"], row["connection"], row["rows"], row["digest"], row["manifest"], row["observed_at"],
        )  # fmt: skip
        if told.states.get(key) != short_digest(fact):
            report.blame(f"{name}: {which} is not what its sweep says")
    for day, connection, table in left:
        report.blame(f"{name}: {table} of {connection} on {day} is left out")


def _judge_alerts(report: Report, tables: Tables, told: Told) -> None:
    name = "alerts/alerts.jsonl"
    seen = set()
    for row in tables.rows(name):
        known = told.alerts.get(row["id"])
        if row["id"] in seen:
            report.blame(f"{name}: {row['alert']} stands in it twice")
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


def _judge_reviews(report: Report, tables: Tables, told: Told) -> None:
    name = "alerts/reviews.jsonl"
    left = {key: list(counts) for key, counts in told.reviews.items()}
    for row in tables.rows(name):
        fact = (
            row["alert"], row["reviewer"], row["role"], row["decided_at"], row["decision"],
            row["note"][:2000], row["evidence_seen"], row["channel"], row["one_of"],
        )  # fmt: skip
        key = short_digest(fact)
        if key not in left:
            report.blame(f"{name}: no entry says that {row['reviewer']} reviewed {row['alert']} so")
            continue
        left[key] = [number - 1 for number in left[key]]
        if left[key][1] < 0:
            report.blame(f"{name}: that {row['reviewer']} reviewed {row['alert']} stands in it twice")
    if missing := sum(least for least, _ in left.values() if least > 0):
        report.blame(f"{name}: {missing} reviews that the log has are left out")
