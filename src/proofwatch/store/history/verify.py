"""Partitions against the log, and their rows against the manifests of the sweeps that they are of."""

from __future__ import annotations

import tempfile
from pathlib import Path

from proofwatch.errors import ProofwatchError
from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.verify import Report
from proofwatch.snapshots.base import Objects
from proofwatch.store import copying
from proofwatch.store.history import manifests, rows
from proofwatch.store.history.archive import Progress
from proofwatch.store.history.asking import Reader
from proofwatch.store.history.base import HISTORY, HistoryError, Month, partitions
from proofwatch.store.history.entries import archived, differing
from proofwatch.store.models import HistoryPartition

LOG = "the log itself: `proofwatch evidence verify` proves it"


def verify(
    url: str,
    objects: Objects,
    month: Month | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> Report:
    """Prove every partition, of one month or all; what is wrong is recorded, not raised.

    Each against its log entry; its object against digest, number of rows and content; all rows of its month,
    archived and here, against the manifests.

    Args:
        url: of the database in use: it is read over a connection of its own.
        objects: where partitions and manifests are.
        month: only this one.
        progress: called with ("months", done, in all).
    """
    report = Report(unproven=[LOG, manifests.LEFT])
    hold(report, month)
    found = sorted({Month.parse(item.month) for item in partitions(month)})
    for place, one in enumerate(found):
        with tempfile.TemporaryDirectory(prefix="proofwatch-history-") as folder:
            _month(one, url, objects, Path(folder), report)
        progress("months", place + 1, len(found))
    return report


def hold(report: Report, month: Month | None = None) -> None:
    """Hold the partitions that the database has against those that the log has."""
    known = {item.entry: item for item in partitions(month)}
    wrong = False
    for index, data in archived():
        if month is not None and data.get("month") != str(month):
            continue
        item = known.pop(index, None)
        if item is None:
            what = f"{data.get('table')} of {data.get('month')}"
            report.blame(f"{what}: entry {index} archived it, and the database knows no such partition")
            wrong = True
        elif differs := differing(item, data):
            report.blame(f"{item.name}: its {', '.join(differs)} is not what entry {index} says")
            wrong = True
    for item in known.values():
        report.blame(f"{item.name}: no entry archived it")
        wrong = True
    if not wrong and partitions(month):
        report.proven.append(f"{len(partitions(month))} partitions are those that the log names")


def _month(month: Month, url: str, objects: Objects, work: Path, report: Report) -> None:
    found = partitions(month)
    bad = {item.table for item in found if not _whole(item, objects, report)}
    if not bad:
        total = sum(item.rows for item in found)
        report.proven.append(f"{month}: {len(found)} objects have the {total} rows that were archived")
    if len(bad) == len(HISTORY):
        return
    try:
        with copying.reading(url) as alias, rows.engine(work) as engine:
            reader = Reader(alias, objects, work, engine, month, month)
            paths = {name: reader.union(item) for name, item in HISTORY.items() if name not in bad}
        manifests.compare(month, paths, objects, work, report)
    except EvidenceError as error:
        report.blame(f"{month}: {error.problem}: {error.doing}")


def _whole(item: HistoryPartition, objects: Objects, report: Report) -> bool:
    """Tell whether a partition's object can be read and has its rows."""
    if item.table not in HISTORY:
        report.blame(f"{item.name}: there is no such table of history")
        return False
    try:
        table = HISTORY[item.table].table(item.columns)
        with rows.engine() as engine:
            if rows.content(table, objects.path(item.digest), engine) == (item.rows, item.content):
                return True
        raise HistoryError("proving it", "its rows are not those that were archived")
    except ProofwatchError as error:
        report.blame(f"{item.name}: object {item.digest}: {error.problem}")
        return False
