"""From tables to verdicts that are kept: evaluates what was read, and stores the verdicts as objects."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from proofwatch.checks.base import Check, CheckError, TableInput, UnreadPlace
from proofwatch.checks.load import Catalog
from proofwatch.checks.merged import Files, merge
from proofwatch.checks.outcome import CheckResults, Evaluation
from proofwatch.checks.read import failing, verdicts
from proofwatch.checks.spread import THREADS as THREADS
from proofwatch.checks.spread import Judge, Judgement, Source, judged
from proofwatch.checks.validate import effective_params
from proofwatch.connectors.registry import connector_class
from proofwatch.evidence.evaluations import store_evaluation
from proofwatch.snapshots.base import Objects
from proofwatch.snapshots.exchange import Exchange
from proofwatch.snapshots.rebuild import materialise
from proofwatch.snapshots.tags import has_tags
from proofwatch.snapshots.tasks import Pool, Store
from proofwatch.store.models import Finding
from proofwatch.store.models.findings import FindingState
from proofwatch.store.outcome import (
    CheckOutcome,
    Failure,
    Key,
    Outcome,
    TableOutcome,
    Tagged,
    Verdict,
    Verdicts,
)
from proofwatch.store.services import checks as settings
from proofwatch.store.tags import lookup

GONE = "it is no longer in the catalogue"


@dataclass(frozen=True, slots=True)
class Judged:
    """What was read, ready to be judged.

    Attributes:
        manifests: table → digest of its manifest after this sweep; a table never read is missing.
        places: table → places read completely.
        unread: table → places in scope that were not.
        rows: rows of all tables, for the connection's count.
        sizes: table → rows of its state, which says whether judging is worth spreading.
    """

    manifests: Mapping[str, str]
    places: Mapping[str, tuple[tuple[str, str], ...]]
    unread: Mapping[str, Sequence[UnreadPlace]]
    rows: int
    sizes: Mapping[str, int] = field(default_factory=dict)


def judge(
    catalog: Catalog,
    kind: str,
    read: Judged,
    objects: Objects,
    cache: Path,
    observed_at: datetime,
    work: Path,
    pool: Pool | None = None,
    exchange: Exchange | None = None,
) -> Outcome:
    """Judge every check that is on and whose tables were due, and keep the verdicts.

    Args:
        catalog: all checks.
        kind: the connection's connector: only checks on its tables are due.
        read: what this sweep read.
        objects: where verdicts go.
        cache: folder of rebuilt tables.
        observed_at: the sweep's time of observation, `$now` of every check.
        work: folder for the verdicts' files; emptied first.
        pool: workers that may do a part of it; None for none.
        exchange: where they leave what is needed here.
    """
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    off = settings.disabled()
    due = [check for check in due_checks(catalog, kind, read.places) if check.id not in off]
    params, refused = fitting_params(due, settings.params())
    chosen = Catalog({check.id: check for check in due}, catalog.views, catalog.tables)
    inputs = {name: _input(name, read) for name in read.places}
    sources = {
        name: Source(read.manifests.get(name, ""), inputs[name], read.sizes.get(name, 0)) for name in inputs
    }
    whole = Judge(chosen, sources, params, refused, observed_at, Store(objects, cache), work, exchange)
    merged = merge(judged(whole, pool), whole)
    found, stored, files = merged.found, _stored(merged, read.manifests), Files(merged, whole)
    places = _place_sets(found)
    return Outcome(
        checks=tuple(
            _check_outcome(item, found, stored, merged.worst.get(name, ""), places)
            for name, item in found.checks.items()
        ),
        failures=lambda: _failures(files, work),
        verdicts=_lookup(files, work),
        complete=not any(read.unread.values()),
        tables=tuple(
            TableOutcome(name, item["results"], item["manifest"], found.tables[name].checks)
            for name, item in stored.items()
            if item["results"]
        ),
        disabled={**off, **_vanished(catalog)},
        objects_read=read.rows,
        evaluation=store_evaluation(found, stored, catalog, inputs, read.manifests, objects),
        tagged=_tagged(kind, files),
    )


def inputs_of(read: Judged, tables: Iterable[str], objects: Objects, cache: Path) -> dict[str, TableInput]:
    """Return tables as they are to be judged, by name.

    Args:
        read: what the sweep read.
        tables: which of its tables.
        objects: where snapshots are.
        cache: folder of rebuilt tables.
    """
    found = {}
    for table in tables:
        path = materialise(read.manifests[table], objects, cache) if table in read.manifests else None
        found[table] = replace(_input(table, read), path=path)
    return found


def _input(table: str, read: Judged) -> TableInput:
    """Return a table as it is to be judged, but for its file."""
    return TableInput(table, None, read.places[table], tuple(read.unread.get(table, ())))


def fitting_params(
    checks: Iterable[Check], stored: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, Mapping[str, Any]], dict[str, str]]:
    """Return the stored parameters that fit their checks, and check id → why the others do not.

    A check that was changed may have lost a parameter that somebody set: it cannot be judged as they wanted,
    and all others can.
    """
    params: dict[str, Mapping[str, Any]] = {}
    refused: dict[str, str] = {}
    for check in checks:
        given = stored.get(check.id, {})
        try:
            effective_params(check, given)
        except CheckError as error:
            refused[check.id] = f"the parameters set for it do not fit any more: {error.problem}"
        else:
            params |= {check.id: given} if given else {}
    return params, refused


def due_checks(catalog: Catalog, kind: str, tables: Mapping[str, Any]) -> Iterator[Check]:
    """Yield the checks all of whose tables this sweep set out to read."""
    known = connector_class(kind).tables()
    for check in catalog.checks.values():
        view = catalog.views.get(check.table)
        bases = view.tables if view else (check.table,)
        if all(name in known and name in tables for name in bases):
            yield check


def _vanished(catalog: Catalog) -> dict[str, str]:
    """Return the checks that have open findings and no file any more."""
    rows = Finding.objects.filter(state=FindingState.OPEN).values_list("check_id", flat=True).distinct()
    return {check: GONE for check in rows if check not in catalog.checks}


def _stored(found: Judgement, manifests: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return for each table or view the digests of its verdicts, its snapshot, and a view's rows."""
    return {
        name: {
            "results": found.results.get(name, ""),
            "manifest": manifests.get(name, ""),
            "rows_object": found.rows_objects.get(name, ""),
        }
        for name in found.found.tables
    }


def _place_sets(found: Evaluation) -> dict[str, frozenset[tuple[str, str]]]:
    """Return table → its places as a set: one for all checks, and for all tables that have the same."""
    shared: dict[Any, frozenset[tuple[str, str]]] = {}
    for item in found.tables.values():
        if item.places not in shared:
            shared[item.places] = frozenset(item.places)
    return {name: shared[item.places] for name, item in found.tables.items()}


def _check_outcome(
    item: CheckResults,
    found: Evaluation,
    stored: Mapping[str, Mapping[str, str]],
    worst: str,
    places: Mapping[str, frozenset[tuple[str, str]]],
) -> CheckOutcome:
    check = item.check
    table = found.tables[check.table]
    return CheckOutcome(
        check=check.id,
        version=check.version,
        severity=check.severity,
        table=check.table,
        counts=item.counts,
        places=frozenset() if item.error else places[check.table],
        unread=table.unread,
        params=item.params,
        results=stored[check.table]["results"],
        reason=item.error,
        worst=worst,
    )


def _failures(files: Files, work: Path) -> Iterator[Failure]:
    for row in failing(files.failing, work=work):
        yield Failure(row.check, row.account_id, row.region, row.resource or "", row.reason)


def _lookup(files: Files, work: Path) -> Verdicts:
    known = files.judgement.found.checks

    def look(check: str, keys: Sequence[Key]) -> Mapping[Key, Verdict]:
        found = files.of([known[check].check.table])
        rows = verdicts(found, check, [(key.account_id, key.region, key.resource) for key in keys], work=work)
        return {Key(*key): Verdict(row.status, row.reason) for key, row in rows.items()}

    return look


def _tagged(kind: str, files: Files) -> Tagged:
    known = connector_class(kind).tables()
    names = [name for name in files.whole.sources if name in known and has_tags(known[name])]
    return lambda keys, tags: lookup(kind, files.rows(names))(keys, tags)
