"""Judge the tables of a sweep: all in one go, or several at once where that saves time.

A table's checks are judged the same way wherever that is done, and give the same verdicts in the same object.
What travels is where the table's state is, and the checks; what comes back is counts, reasons and digests.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from proofwatch.checks.apart import Order, evaluate_apart, foreign
from proofwatch.checks.base import TableInput
from proofwatch.checks.evaluate import evaluate_here, unjudged
from proofwatch.checks.load import Catalog
from proofwatch.checks.outcome import Evaluation
from proofwatch.checks.read import examples
from proofwatch.snapshots.base import Objects, Part
from proofwatch.snapshots.exchange import Exchange
from proofwatch.snapshots.rebuild import materialise
from proofwatch.snapshots.tasks import (
    UNABLE,
    VERSION,
    Lost,
    Pool,
    Store,
    at_once,
    check_version,
    each,
    packed,
    reach,
)

TOGETHER = 2_000_000
"""Rows times checks from which the tables of a sweep are given to workers: about a second of one core."""
EACH = 20_000
"""What a table counts as beside that: opening and closing it takes as long."""
THREADS = 2
"""Of the engine, where one process judges all tables."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """One table as a sweep read it: digest of its manifest ("" if it was never read), and its places."""

    manifest: str
    read: TableInput
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Judge:
    """A task: judge the checks of some tables and views. Picklable, and without any secret.

    Attributes:
        catalog: what the checks need of the catalogue; its checks are those to judge.
        sources: the tables that they are about, and those that their views join.
        params: check id → parameters that differ from the defaults.
        refused: check id → why it must not be evaluated.
        now: the sweep's time of observation.
        store: where snapshots are, and verdicts go.
        out: folder in which the verdicts' files get one; None for the worker's own, on another machine.
        exchange: where another machine leaves the rows of a table in which something fails.
        threads: of the engine.
        version: of Proofwatch and its engine, which the worker must have, too.
    """

    catalog: Catalog
    sources: Mapping[str, Source]
    params: Mapping[str, Mapping[str, Any]]
    refused: Mapping[str, str]
    now: datetime
    store: Store
    out: Path | None
    exchange: Exchange | None = None
    threads: int = 1
    version: str = VERSION

    @property
    def tables(self) -> list[str]:
        """Return the tables and views whose checks are to be judged."""
        return sorted({check.table for check in self.catalog.checks.values()})

    @property
    def doing(self) -> str:
        """Return what is done to a table."""
        return "judging it"

    @property
    def near(self) -> str:
        """Return the first table's name, or that of a view's rows: whoever committed it has it."""
        name = next(iter(self.tables), "")
        view = self.catalog.views.get(name)
        return (view.anchor or view.tables[0]) if view and view.tables else name

    def pieces(self) -> list[Judge]:
        """Return one task for each table or view."""
        return [self.only([name]) for name in self.tables]

    def only(self, tables: Iterable[str]) -> Judge:
        """Return the task of some of its tables and views, with no more than it needs."""
        names = set(tables)
        checks = {name: check for name, check in self.catalog.checks.items() if check.table in names}
        views = {name: view for name, view in self.catalog.views.items() if name in names}
        bases = names.union(*(view.tables for view in views.values()))
        known = {name: table for name, table in self.catalog.tables.items() if name in bases}
        return replace(
            self,
            catalog=Catalog(checks, views, known),
            sources={name: source for name, source in self.sources.items() if name in bases},
            params={name: given for name, given in self.params.items() if name in checks},
            refused={name: why for name, why in self.refused.items() if name in checks},
        )

    def weight(self, table: str) -> int:
        """Return about how much work a table's or view's checks are, in rows times checks."""
        view = self.catalog.views.get(table)
        rows = sum(self.sources[name].rows for name in (view.tables if view else (table,)))
        return EACH + rows * sum(check.table == table for check in self.catalog.checks.values())


@dataclass(frozen=True, slots=True)
class Judgement:
    """What judging found.

    Attributes:
        found: counts and rows about whole places; its files are missing where another machine had them.
        results: table or view → digest of the object with its verdicts.
        rows_objects: view → digest of the object with its rows.
        worst: check → the reason of one failing result, as `checks.read.examples` says.
    """

    found: Evaluation
    results: Mapping[str, str] = field(default_factory=dict)
    rows_objects: Mapping[str, str] = field(default_factory=dict)
    worst: Mapping[str, str] = field(default_factory=dict)


def judge_tables(task: Judge) -> Judgement:
    """Judge the checks of a task and keep the verdicts. Safe to repeat, and to do twice at once.

    Raises:
        WorkerFault: this worker, of another machine, cannot do it.
        ProofwatchError: nothing can be evaluated, on the machine that leads the sweep.
    """
    doing = f"judging {task.near}"
    check_version(task.version, doing)
    with task.store.faults(doing), task.store.opened() as (objects, cache), _folder(task, cache) as out:
        inputs = {name: _input(source, objects, cache) for name, source in task.sources.items()}
        checks = tuple(task.catalog.checks.values())
        order = Order(
            task.catalog, checks, inputs, task.params, task.now, out,
            threads=task.threads, refused=task.refused,
        )  # fmt: skip
        # What a person wrote is not sent to other machines, where the shipped checks have other paths.
        apart = task.out is not None and any(map(foreign, checks))
        found = evaluate_apart(order) if apart else evaluate_here(order)
        results = {name: objects.put_file(item.path) for name, item in found.tables.items() if item.path}
        rows = {
            name: objects.put_file(item.rows)
            for name, item in found.tables.items()
            if item.path and item.rows and name in task.catalog.views
        }
        worst = examples(found, work=out)
        if task.out is None:
            _leave_rows(task, found)
            found = _without_files(found)
        return Judgement(found, results, rows, worst)


def judged(whole: Judge, pool: Pool | None) -> Iterator[Judgement]:
    """Judge all checks of a task; yield what was found, in any order.

    What is little, and what the workers cannot do, is done here. The checks of a table that kills whoever
    judges it are inconclusive, with that reason.

    Args:
        whole: everything that the sweep is to judge, with a folder for the verdicts.
        pool: the workers; None for none.

    Raises:
        ProofwatchError: nothing at all can be evaluated.
    """
    left, unable = set(whole.tables), ""
    tasks = _tasks(whole, pool) if pool else []
    for task, found in each(pool, judge_tables, tasks) if pool else ():
        if not isinstance(found, Lost):
            left.difference_update(task.tables)
            yield found
        elif found.killed:
            left.difference_update(task.tables)
            yield Judgement(_unjudged(task, f"the table could not be evaluated: {found.reason}"))
        else:
            unable = unable or found.reason
    if unable:
        logger.warning(UNABLE, "judge", unable)
    if left or not whole.catalog.checks:
        yield judge_tables(replace(whole.only(left), threads=THREADS))


def _tasks(whole: Judge, pool: Pool) -> list[Judge]:
    """Return the tables in tasks; none where one process is as good as several."""
    here = pool.here
    own = {check.table for check in whole.catalog.checks.values() if not here and foreign(check)}
    weighed = [(name, whole.weight(name)) for name in whole.tables if name not in own]
    if len(weighed) < 2 or sum(weight for _, weight in weighed) < TOGETHER:
        return []
    if not reach(pool, whole.store.objects):
        return []
    many = at_once(pool)
    if many < 2 and here:
        return []
    away = whole if here else replace(whole, store=replace(whole.store, cache=None), out=None)
    return [away.only(tables) for tables in packed(weighed, many)]


def _unjudged(task: Judge, why: str) -> Evaluation:
    inputs = {name: source.read for name, source in task.sources.items()}
    errors = dict.fromkeys(task.catalog.checks, why) | dict(task.refused)
    return unjudged(task.catalog, inputs, task.params, task.now, errors)


def _input(source: Source, objects: Objects, cache: Path) -> TableInput:
    path = materialise(source.manifest, objects, cache) if source.manifest else None
    return replace(source.read, path=path)


@contextmanager
def _folder(task: Judge, cache: Path) -> Iterator[Path]:
    """Give an empty folder for the verdicts; one of the worker's own is gone at the end."""
    if task.out is not None:
        # A folder of its own: the worker of a leader that was killed may still be at the same table.
        yield Path(tempfile.mkdtemp(dir=task.out, prefix="judged-"))
        return
    with tempfile.TemporaryDirectory(dir=cache.parent, prefix="judging-") as folder:
        yield Path(folder)


def _leave_rows(task: Judge, found: Evaluation) -> None:
    """Leave the rows of tables in which something fails: whoever leads reads reasons from them.

    It could rebuild them from their objects, which takes as long as committing them did.
    """
    failing = {item.check.table for item in found.checks.values() if item.counts.failed}
    for name, item in found.tables.items():
        if task.exchange and item.rows and name in failing and name not in task.catalog.views:
            copy = task.exchange.folder() / f"rows-{uuid.uuid4().hex}.parquet"
            shutil.copyfile(item.rows, copy)
            part = task.exchange.send(Part(name, "", "", copy, item.population))
            record = json.dumps({"part": part}).encode()
            task.exchange.leave(rows_record(task.sources[name].manifest), record)


def rows_record(manifest: str) -> str:
    """Return the name in the exchange of the record of a state's rows."""
    return f"rows-{manifest}.json"


def _without_files(found: Evaluation) -> Evaluation:
    tables = {name: replace(item, path=None, rows=None) for name, item in found.tables.items()}
    return replace(found, tables=tables)
