"""From tables to verdicts that are kept: evaluates what was read, and stores the verdicts as objects."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from proofwatch.checks.base import Check, CheckError, TableInput, UnreadPlace
from proofwatch.checks.evaluate import evaluate
from proofwatch.checks.load import Catalog
from proofwatch.checks.outcome import CheckResults, Evaluation, TableResults
from proofwatch.checks.read import examples, failing, verdicts
from proofwatch.checks.validate import effective_params
from proofwatch.connectors.registry import connector_class
from proofwatch.evidence.evaluations import store_evaluation
from proofwatch.snapshots.base import Objects
from proofwatch.snapshots.rebuild import materialise
from proofwatch.store.models import Finding
from proofwatch.store.models.findings import FindingState
from proofwatch.store.outcome import CheckOutcome, Failure, Key, Outcome, TableOutcome, Verdict, Verdicts
from proofwatch.store.services import checks as settings
from proofwatch.store.tags import lookup

THREADS = 2
GONE = "it is no longer in the catalogue"


@dataclass(frozen=True, slots=True)
class Judged:
    """What was read, ready to be judged.

    Attributes:
        manifests: table → digest of its manifest after this sweep; a table never read is missing.
        places: table → places read completely.
        unread: table → places in scope that were not.
        rows: rows of all tables, for the connection's count.
    """

    manifests: Mapping[str, str]
    places: Mapping[str, tuple[tuple[str, str], ...]]
    unread: Mapping[str, Sequence[UnreadPlace]]
    rows: int


def judge(
    catalog: Catalog,
    kind: str,
    read: Judged,
    objects: Objects,
    cache: Path,
    observed_at: datetime,
    work: Path,
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
    """
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    off = settings.disabled()
    due = [check for check in due_checks(catalog, kind, read.places) if check.id not in off]
    inputs = inputs_of(read, read.places, objects, cache)
    params, refused = fitting_params(due, settings.params())
    found = evaluate(catalog, due, inputs, params, observed_at, work, threads=THREADS, refused=refused)
    stored = {name: _store(item, read, objects) for name, item in found.tables.items()}
    worst = examples(found, work=work)
    return Outcome(
        checks=tuple(_check_outcome(item, found, stored, worst[name]) for name, item in found.checks.items()),
        failures=lambda: _failures(found, work),
        verdicts=_lookup(found, work),
        complete=not any(read.unread.values()),
        tables=tuple(
            TableOutcome(name, item["results"], item["manifest"], found.tables[name].checks)
            for name, item in stored.items()
            if item["results"]
        ),
        disabled={**off, **_vanished(catalog)},
        objects_read=read.rows,
        evaluation=store_evaluation(found, stored, catalog, inputs, read.manifests, objects),
        tagged=lookup(kind, {name: item.path for name, item in inputs.items() if item.path is not None}),
    )


def inputs_of(read: Judged, tables: Iterable[str], objects: Objects, cache: Path) -> dict[str, TableInput]:
    """Return tables as they are to be judged, by name.

    Args:
        read: what the sweep read.
        tables: which of its tables.
        objects: where snapshots are.
        cache: folder of rebuilt tables.
    """
    return {
        table: TableInput(
            table,
            materialise(read.manifests[table], objects, cache) if table in read.manifests else None,
            read.places[table],
            tuple(read.unread.get(table, ())),
        )
        for table in tables
    }


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


def _store(item: TableResults, read: Judged, objects: Objects) -> dict[str, str]:
    """Keep the verdicts of one table, and a view's rows; return the digests."""
    is_table = item.table in read.places
    return {
        "results": objects.put_file(item.path) if item.path else "",
        "manifest": read.manifests.get(item.table, ""),
        "rows_object": objects.put_file(item.rows) if item.path and item.rows and not is_table else "",
    }


def _check_outcome(
    item: CheckResults, found: Evaluation, stored: Mapping[str, Mapping[str, str]], worst: str
) -> CheckOutcome:
    check = item.check
    table = found.tables[check.table]
    return CheckOutcome(
        check=check.id,
        version=check.version,
        severity=check.severity,
        table=check.table,
        counts=item.counts,
        places=frozenset() if item.error else frozenset(table.places),
        unread=table.unread,
        params=item.params,
        results=stored[check.table]["results"],
        reason=item.error,
        worst=worst,
    )


def _failures(found: Evaluation, work: Path) -> Iterator[Failure]:
    for row in failing(found, work=work):
        yield Failure(row.check, row.account_id, row.region, row.resource or "", row.reason)


def _lookup(found: Evaluation, work: Path) -> Verdicts:
    def look(check: str, keys: Sequence[Key]) -> Mapping[Key, Verdict]:
        rows = verdicts(found, check, [(key.account_id, key.region, key.resource) for key in keys], work=work)
        return {Key(*key): Verdict(row.status, row.reason) for key, row in rows.items()}

    return look
