"""What was judged in several places, as one evaluation, whose files are fetched when they are asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from proofwatch.checks.outcome import CheckResults, Evaluation, TableResults
from proofwatch.checks.spread import Judge, Judgement, rows_record
from proofwatch.errors import ProofwatchError
from proofwatch.snapshots.rebuild import materialise


def merge(judgements: Iterable[Judgement], whole: Judge) -> Judgement:
    """Return several judgements as one, in the order that one process would have left: by table and check."""
    tables: dict[str, TableResults] = {}
    checks: dict[str, CheckResults] = {}
    results: dict[str, str] = {}
    rows_objects: dict[str, str] = {}
    worst: dict[str, str] = {}
    for item in judgements:
        tables |= item.found.tables
        checks |= item.found.checks
        results |= item.results
        rows_objects |= item.rows_objects
        worst |= item.worst
    known = whole.catalog.checks
    order = sorted(checks, key=lambda name: (known[name].table, name))
    found = Evaluation(
        whole.now,
        {name: tables[name] for name in sorted(tables)},
        {name: replace(checks[name], check=known[name]) for name in order},
    )
    return Judgement(found, results, rows_objects, worst)


@dataclass(slots=True)
class Files:
    """The verdicts and rows behind a judgement. What another machine judged is fetched at the first need.

    Attributes:
        judgement: what was found, of all tables.
        whole: what was to be judged.
    """

    judgement: Judgement
    whole: Judge
    _tables: dict[str, TableResults] = field(default_factory=dict)
    _rows: dict[str, Path] = field(default_factory=dict)

    @property
    def failing(self) -> Evaluation:
        """Return the tables in which something fails."""
        found = self.judgement.found
        return self.of({item.check.table for item in found.checks.values() if item.counts.failed})

    def of(self, tables: Iterable[str]) -> Evaluation:
        """Return some tables of the evaluation, with their files on this machine."""
        names, found = set(tables), self.judgement.found
        return Evaluation(
            found.now,
            {name: self._table(item) for name, item in found.tables.items() if name in names},
            {name: item for name, item in found.checks.items() if item.check.table in names},
        )

    def rows(self, tables: Iterable[str]) -> Mapping[str, Path]:
        """Return the rows of tables that were read, on this machine."""
        return {name: self._rebuilt(name) for name in tables if self.whole.sources[name].manifest}

    def _table(self, item: TableResults) -> TableResults:
        digest = self.judgement.results.get(item.table)
        if item.path is not None or digest is None:
            return item
        if item.table not in self._tables:
            objects, view = self.whole.store.objects, self.judgement.rows_objects.get(item.table)
            rows = objects.path(view) if view else self._rebuilt(item.table)
            self._tables[item.table] = replace(item, path=objects.path(digest), rows=rows)
        return self._tables[item.table]

    def _rebuilt(self, table: str) -> Path:
        if table not in self._rows:
            known = self.judgement.found.tables.get(table)
            manifest = self.whole.sources[table].manifest
            self._rows[table] = (known and known.rows) or self._left(manifest) or self._made(manifest)
        return self._rows[table]

    def _left(self, manifest: str) -> Path | None:
        """Return the rows as the worker that judged them left them; None if it did not, or they are lost."""
        exchange = self.whole.exchange
        try:
            record = exchange.record(rows_record(manifest)) if exchange else None
            return exchange.fetch(json.loads(record)["part"]) if exchange and record else None
        except (OSError, ProofwatchError):
            return None

    def _made(self, manifest: str) -> Path:
        store = self.whole.store
        assert store.cache is not None, "whoever leads has a cache of its own"
        return materialise(manifest, store.objects, store.cache)
