"""Move the state into another database: every row read at one moment, written in one transaction, compared.

The source is only read, and nobody can append to its log until the copy is whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from proofwatch.evidence.merkle import Frontier
from proofwatch.evidence.verify import Report, verify_log
from proofwatch.store import copying, django, log, urls
from proofwatch.store.base import StoreError
from proofwatch.store.manifest import Progress
from proofwatch.store.models import LogHead

DOING = "moving the state"
MOST_SAID = 5


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved: `root` of the log in hex, the same in both databases; `index` of the entry about it."""

    tables: int
    rows: int
    entries: int
    root: str
    index: int
    source: str
    target: str
    report: Report


def move(source_url: str, vkeys: list[str], *, actor: str, now: datetime, progress: Progress) -> Moved:
    """Copy everything of another database into the one in use, which may be new.

    Args:
        source_url: of the database that has the state; see `proofwatch.store.urls.parse`.
        vkeys: public keys of the log.
        actor: who moves it.
        now: when.
        progress: called with (stage, done, total).

    Raises:
        NotEmpty: the database in use holds something.
        StoreError: somebody writes to the source, a row is not taken, or the copy differs. Nothing stays.
    """
    copying.refuse_full(DOING)
    django.migrate()
    source = urls.describe(urls.parse(source_url))
    known = copying.tables()
    with django.write(DOING), copying.reading(source_url, hold=True) as alias:
        copying.refuse_strangers(alias)
        copying.prepare(known, DOING)
        contents = _copy(alias, known, progress)
        copying.finish(known)
        for place, (table, content) in enumerate(zip(known, contents, strict=True)):
            if copying.content("default", table) != content:
                raise StoreError(DOING, f"{table.name} is not the same in {django.where()} as in {source}")
            progress("compare", place + 1, len(known))
        report = _verify(alias, vkeys, source, progress)
        rows = sum(content.rows for content in contents)
        data = {
            "from": source, "to": django.where(), "tables": len(known), "rows": rows,
            "entries": report.entries, "root": report.root,
        }  # fmt: skip
        index = log.append("state.moved", actor, data, now)
    return Moved(len(known), rows, report.entries, report.root, index, source, django.where(), report)


def _copy(alias: str, known: list[copying.Table], progress: Progress) -> list[copying.Content]:
    total = sum(table.model._base_manager.using(alias).count() for table in known)
    done = 0
    found = []
    for table in known:
        counted = copying.Counted(copying.lines(alias, table))
        copying.load(table, counted)
        found.append(counted.content)
        done += counted.content.rows
        progress("state", done, total)
    return found


def _verify(alias: str, vkeys: list[str], source: str, progress: Progress) -> Report:
    """Recompute the copied log: its root must be the source's, and nothing in it may be wrong."""
    report = verify_log(log.DjangoLog(), vkeys, None, None, lambda d, t: progress("verify", d, t))
    head = LogHead.objects.using(alias).get(pk=1)
    if report.root != Frontier.from_bytes(head.size, bytes(head.frontier)).root().hex():
        report.blame("its root is not the one that its head claims")
    if report.wrong:
        said = "; ".join(report.wrong[:MOST_SAID])
        remedy = "run `proofwatch evidence verify` there; a log that is not whole is not moved"
        raise StoreError(DOING, f"the log in {source} is not whole: {said}", remedy)
    return report
