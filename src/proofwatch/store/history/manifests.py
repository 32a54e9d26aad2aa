"""The rows of a month held against the manifests of their sweeps, which the log names one by one.

A manifest has what a sweep read, its gaps, tables, checks and results; the log, or an object that it names,
has what became of findings. So a row that was changed or left out before its month was archived is found as
well as one that was changed in the file.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from proofwatch.evidence.entry import parse
from proofwatch.evidence.listed import rows_of
from proofwatch.evidence.verify import Report
from proofwatch.snapshots.base import Objects
from proofwatch.snapshots.engine import identifier
from proofwatch.store.history import rows
from proofwatch.store.history.base import Month
from proofwatch.store.models import LogEntry

Row = tuple[Any, ...]
COLUMNS: dict[str, tuple[int, tuple[str, ...]]] = {
    "shard_read": (
        3,
        ("table", "account_id", "region", "state", "rows", "calls", "pages", "reason", "permission", "code",
         "lacking"),
    ),
    "coverage_gap": (2, ("account_id", "region", "account_name", "reason")),
    "table_state": (1, ("table", "manifest", "digest", "rows", "added", "changed", "removed")),
    "check_run": (
        1,
        ("check_id", "check_version", "table", "params", "passed", "failed", "inconclusive", "not_applicable",
         "accepted", "results", "reason", "unread"),
    ),
    "result_object": (1, ("table", "digest", "manifest")),
    "finding_event": (2, ("finding_id", "kind", "reason", "check_version")),
}  # fmt: skip
"""Table → how many of the columns name a row within its sweep, and the columns that a manifest has."""
JSON, COUNTS = ("params", "unread"), COLUMNS["check_run"][1][4:9]
LEFT = "what manifests do not have (severity and worst reason of a run, ids, the checks of a result object)"


@dataclass(slots=True)
class Told:
    """What the log says of a sweep that was applied: its manifest, and the entry about its findings."""

    manifest: str
    changes: int = -1


def applied(month: Month) -> dict[str, Told]:
    """Return the sweeps of a month that were applied, as the log has them."""
    kinds = ("sweep.finished", "findings.changed")
    found: dict[str, Told] = {}
    entries = LogEntry.objects.filter(kind__in=kinds, at__gte=month.first).order_by("index")
    for index, kind, entry in entries.values_list("index", "kind", "entry").iterator(chunk_size=500):
        data = parse(bytes(entry)).data
        if kind == "sweep.finished" and str(data.get("observed_at"))[:7] == str(month):
            found[data["sweep"]] = Told(data["manifest"])
        elif kind == "findings.changed" and data["sweep"] in found:
            found[data["sweep"]].changes = index
    return found


def compare(
    month: Month, paths: Mapping[str, Sequence[Path]], objects: Objects, work: Path, report: Report
) -> None:
    """Compare a month's rows with what its sweeps said; what differs is blamed by name.

    Args:
        month: the month.
        paths: table → files that have all its rows of the month; tables that cannot be read are left out.
        objects: where manifests are.
        work: folder to sort in.
        report: takes what was found.

    Raises:
        EvidenceError: a manifest is missing or changed.
    """
    told = applied(month)
    wrong, unapplied, total = len(report.wrong) + report.hidden, 0, 0
    with ExitStack() as stack:
        streams: list[Iterable[tuple[str, str, Row]]] = [((sweep, "", ()) for sweep in sorted(told))]
        streams += [_sorted(name, paths[name], work, stack) for name in paths]
        merged = heapq.merge(*streams, key=itemgetter(0))
        for sweep, items in groupby(merged, itemgetter(0)):
            found: dict[str, list[Row]] = {name: [] for name in paths}
            for _, name, row in items:
                if name:
                    found[name].append(row)
            number = sum(map(len, found.values()))
            if sweep not in told:
                unapplied += number
                continue
            total += number
            for name, said in _said(told[sweep], objects, work, paths).items():
                _differ(f"{name} of {month}, sweep {sweep}", name, found[name], said, report)
    if len(report.wrong) + report.hidden == wrong:
        report.proven.append(
            f"{month}: {total} rows of {len(told)} sweeps are those of the sweeps' manifests"
        )
    if unapplied:
        report.unproven.append(
            f"{month}: {unapplied} rows of sweeps that were never applied, and so have no manifest"
        )


def _sorted(name: str, paths: Sequence[Path], work: Path, stack: ExitStack) -> Iterator[tuple[str, str, Row]]:
    """Yield (sweep, table, values) by sweep."""
    casts = [f"{identifier(c)}::VARCHAR" if c.endswith("_id") else identifier(c) for c in COLUMNS[name][1]]
    wanted = f"sweep_id::VARCHAR AS sweep, {', '.join(casts)}"
    sql = f"SELECT {wanted} FROM {rows.source(paths)} ORDER BY 1"  # noqa: S608 – our own names
    jsons = [place for place, column in enumerate(COLUMNS[name][1], 1) if column in JSON]
    for batch in rows.select(sql, stack.enter_context(rows.engine(work))):
        for row in batch:
            values = list(row)
            for place in jsons:
                values[place] = json.loads(values[place])
            yield values[0], name, tuple(values[1:])


@dataclass(frozen=True, slots=True)
class _Said:
    """The rows that a sweep said it has; `some` where only some of them have to be there."""

    rows: list[Row]
    some: bool = False


def _said(told: Told, objects: Objects, work: Path, wanted: Iterable[str]) -> dict[str, _Said]:
    body = json.loads(objects.get(told.manifest))
    found = {
        "coverage_gap": _Said([_row("coverage_gap", item) for item in body["gaps"]]),
        "table_state": _Said([_row("table_state", item) for item in body["tables"]]),
        "check_run": _Said([_run(item, objects) for item in body["checks"]]),
        "result_object": _Said(
            [(item["table"], item["results"], item["manifest"]) for item in body["results"]]
        ),
        "shard_read": _reads(body["reads"], objects, work),
        "finding_event": _Said([_event(item) for item in _changes(told.changes, objects)]),
    }
    return {name: found[name] for name in wanted}


def _row(name: str, item: Mapping[str, Any]) -> Row:
    return tuple(item.get(column) for column in COLUMNS[name][1])


def _run(item: Mapping[str, Any], objects: Objects) -> Row:
    counts = (item["counts"][name] for name in COUNTS)
    return (
        item["check"], item["version"], item["table"], item["params"], *counts,
        item["results"], item["reason"], rows_of(item["unread"], objects),
    )  # fmt: skip


def _event(item: Mapping[str, Any]) -> Row:
    return (item["finding"], item["kind"], item["reason"], item["check_version"])


def _reads(said: Any, objects: Objects, work: Path) -> _Said:
    """Return the readings that a manifest has; of very many it names the object that has them."""
    if isinstance(said, list):
        return _Said([_row("shard_read", item) for item in said])
    columns = ", ".join(map(identifier, COLUMNS["shard_read"][1]))
    noted = "WHERE state = 'failed' OR lacking > 0"
    source = rows.source([objects.path(said["object"])])
    with rows.engine(work) as engine:
        batches = rows.select(f"SELECT {columns} FROM {source} {noted}", engine)  # noqa: S608 – our own names
        return _Said([row for batch in batches for row in batch], some=True)


def _changes(index: int, objects: Objects) -> list[Mapping[str, Any]]:
    if index < 0:
        return []
    data = parse(bytes(LogEntry.objects.values_list("entry", flat=True).get(index=index))).data
    if "transitions" in data:
        return [json.loads(line) for line in objects.get(data["transitions"]).splitlines()]
    changes: list[Mapping[str, Any]] = data["changes"]
    return changes


def _differ(what: str, name: str, found: Sequence[Row], said: _Said, report: Report) -> None:
    keys, columns = COLUMNS[name]
    expected = {row[:keys]: row[keys:] for row in said.rows}
    seen: set[Row] = set()
    for row in found:
        key, values = row[:keys], row[keys:]
        named = f"{what}: {' '.join(map(str, key))}"
        if key in seen:
            report.blame(f"{named} stands there twice")
        elif key not in expected:
            report.blame(f"{named} is not in the manifest")
        else:
            for column, is_so, was_so in zip(columns[keys:], values, expected[key], strict=True):
                if was_so is not None and is_so != was_so:
                    report.blame(f"{named}: its {column} is {is_so!r}, and was {was_so!r}")
        seen.add(key)
    if not said.some:
        for key in expected.keys() - seen:
            report.blame(f"{what}: {' '.join(map(str, key))} is missing")
