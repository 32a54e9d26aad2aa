"""Judge every check that is due, table by table, over all accounts at once."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from proofwatch.checks.apart import SECONDS, Order, evaluate_apart, foreign
from proofwatch.checks.base import Check, Counts, Result, TableInput
from proofwatch.checks.expressions import open_session
from proofwatch.checks.join import judged_places, view_input
from proofwatch.checks.load import Catalog
from proofwatch.checks.outcome import CheckResults, Evaluation, TableResults, about_places
from proofwatch.checks.plan import PLANES, WORD, make_plan
from proofwatch.checks.run import Run, copy_to, first_line, list_places
from proofwatch.checks.validate import effective_params
from proofwatch.snapshots.engine import MEMORY_LIMIT, identifier, lock, quote

_LANE = 21
"""Bits of a counter. Three fit into a BIGINT, and each counts the at most 2**20 rows of a group."""


def evaluate(
    catalog: Catalog,
    checks: Sequence[Check],
    inputs: Mapping[str, TableInput],
    params: Mapping[str, Mapping[str, Any]],
    now: datetime,
    out: Path,
    *,
    threads: int = 1,
    memory_limit: str = MEMORY_LIMIT,
    seconds: float = SECONDS,
    refused: Mapping[str, str] | None = None,
) -> Evaluation:
    """Judge `checks` and write one Parquet of verdicts per table into `out`.

    The same inputs give the same bytes again. Every check has at least one row, whatever happened. If a
    person added one of the checks, all of this is done in a child process with limited memory.

    Args:
        catalog: where the checks come from; its views are joined here.
        checks: those that are due.
        inputs: table name → what was read of it; a table that is missing counts as never read.
        params: check id → parameters that differ from the defaults.
        now: the time of observation, with its zone.
        out: existing folder for the verdicts.
        threads: of the engine.
        memory_limit: of the engine, e.g. `256MB`.
        seconds: limit for one table.
        refused: check id → why it must not be evaluated (it broke an earlier attempt).

    Raises:
        CheckError: a parameter does not fit its check, or nothing at all can be evaluated.
    """
    order = Order(
        catalog,
        tuple(checks),
        inputs,
        params,
        now,
        out,
        threads=threads,
        memory_limit=memory_limit,
        seconds=seconds,
        refused=refused or {},
    )
    return evaluate_apart(order) if any(map(foreign, checks)) else evaluate_here(order)


def evaluate_here(order: Order) -> Evaluation:
    """Judge in this process; `evaluate` does so for checks that Proofwatch ships."""
    catalog, inputs, out = order.catalog, order.inputs, order.out
    due = sorted(order.checks, key=lambda check: check.id)
    chosen = {check.id: effective_params(check, order.params.get(check.id, {})) for check in due}
    by_table: dict[str, list[Check]] = {}
    for check in due:
        by_table.setdefault(check.table, []).append(check)
    spill = out / "spill"
    spill.mkdir(exist_ok=True)
    session = open_session(memory_limit=order.memory_limit, threads=order.threads, allowed=None, temp=spill)
    with session:
        _lock(session, catalog, by_table, inputs, out)
        run = Run(session, catalog, inputs, chosen, order.now, out, order.seconds, dict(order.refused))
        results = [_judge_table(run, table, by_table[table]) for table in sorted(by_table)]
    shutil.rmtree(spill, ignore_errors=True)
    tables = {found.table: found for found, _ in results}
    found_checks = {item.check.id: item for _, items in results for item in items}
    return Evaluation(order.now, tables, found_checks)


def unjudged(
    catalog: Catalog,
    inputs: Mapping[str, TableInput],
    params: Mapping[str, Mapping[str, Any]],
    now: datetime,
    errors: Mapping[str, str],
) -> Evaluation:
    """Return what is known of the checks of a catalogue that could not be evaluated at all, and why not.

    Args:
        catalog: the checks, and the views that they are about.
        inputs: what was read, by table.
        params: check id → parameters that differ from the defaults.
        now: the time of observation.
        errors: why, for each check.
    """
    checks = sorted(catalog.checks.values(), key=lambda check: check.id)
    chosen = {check.id: effective_params(check, params.get(check.id, {})) for check in checks}
    tables, found = {}, {}
    for name in sorted({check.table for check in checks}):
        source = inputs.get(name, TableInput(name, None, ()))
        if name in catalog.views:
            source = TableInput(name, None, *judged_places(catalog.views[name], inputs, catalog.tables))
        own = [check for check in checks if check.table == name]
        given = {check.id: chosen[check.id] for check in own}
        tables[name] = TableResults(name, None, None, (), given, now, 0, source.places, source.unread)
        for check in own:
            found[check.id] = _check_results(check, given[check.id], errors[check.id], source, 0, {})
    return Evaluation(now, tables, found)


def results_path(out: Path, table: str) -> Path:
    """Return where the verdicts of a table are written."""
    return out / f"{table}.results.parquet"


def rows_path(out: Path, view: str) -> Path:
    """Return where the rows of a view are written."""
    return out / f"{view}.rows.parquet"


def _lock(
    session: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    by_table: Mapping[str, Sequence[Check]],
    inputs: Mapping[str, TableInput],
    out: Path,
) -> None:
    """Let the session touch the tables' files and its own results, and nothing else."""
    allowed = [source.path for source in inputs.values() if source.path is not None]
    for table in by_table:
        allowed += [results_path(out, table)]
        if table in catalog.views:
            allowed.append(rows_path(out, table))
    lock(session, [path.resolve() for path in allowed])


def _judge_table(run: Run, table: str, checks: list[Check]) -> tuple[TableResults, list[CheckResults]]:
    """Judge the checks of one table or view."""
    source = run.inputs.get(table, TableInput(table, None, ()))
    if table in run.catalog.views:
        view = run.catalog.views[table]
        source, error = view_input(run, view, rows_path(run.out, table))
        if error:
            run.errors |= {check.id: error for check in checks}
    sound = [check for check in checks if check.id not in run.errors]
    path, population = None, 0
    counts: dict[str, Counts] = {}
    if source.path is not None and source.places and sound:
        path = results_path(run.out, table)
        population, counts = _judge_rows(run, source, sound, path)
        sound = [check for check in sound if check.id not in run.errors]
    found = TableResults(
        table=table,
        path=path if sound else None,
        rows=source.path,
        checks=tuple((check.id, check.version) for check in sound),
        params={check.id: run.params[check.id] for check in checks},
        now=run.now,
        population=population,
        places=source.places,
        unread=source.unread,
    )
    about = ((check, run.params[check.id], run.errors.get(check.id, "")) for check in checks)
    return found, [_check_results(*each, source, population, counts) for each in about]


def _check_results(
    check: Check,
    params: Mapping[str, Any],
    error: str,
    source: TableInput,
    population: int,
    counts: Mapping[str, Counts],
) -> CheckResults:
    """Add the rows about whole places to the counts of a check."""
    about = about_places(check, source, population, check.table)
    if error:
        reason = f"cannot tell: {error}"
        about = [Result(check.id, check.version, "", "", None, "inconclusive", reason)]
    judged = counts.get(check.id, Counts())
    whole = Counts(
        passed=judged.passed,
        failed=judged.failed,
        inconclusive=judged.inconclusive + sum(row.status == "inconclusive" for row in about),
        not_applicable=judged.not_applicable + sum(row.status == "not_applicable" for row in about),
    )
    return CheckResults(check, params, whole, tuple(about), error)


class _Rows(NamedTuple):
    """SQL of the rows to judge, of their order, and the type of their idx."""

    relation: str
    order: str
    idx: str


def _judge_rows(
    run: Run, source: TableInput, checks: list[Check], path: Path
) -> tuple[int, dict[str, Counts]]:
    """Write the verdicts of all rows in the places read; checks that cannot run go to `run.errors`."""
    rows = _rows(run, source)
    sound, error = checks, _copy(run, checks, rows, path)
    if error:
        _find_culprits(run, checks, rows, error)
        sound = [check for check in checks if check.id not in run.errors]
        error = _copy(run, sound, rows, path) if sound else ""
    if error:
        run.errors |= dict.fromkeys(
            (check.id for check in sound), f"the table could not be evaluated: {error}"
        )
        sound = []
    return _count(run.session, path, sound) if sound else (0, {})


def _rows(run: Run, source: TableInput) -> _Rows:
    """Return the rows in the places read, under the table's name (checks may qualify with it).

    Rows of other places are rare (an account that could not be read today), and filtering costs the order
    of the file, so it is done only where there are any.
    """
    file = f"read_parquet({quote(str(source.path.resolve()))})" if source.path else "(SELECT 1 WHERE false)"
    relation = f"{file} AS {identifier(source.table)}"
    idx = "BIGINT" if source.table in run.catalog.views else "INTEGER"
    list_places(run.session, "places", source.places)
    stray = run.session.execute(
        f"SELECT 1 FROM (SELECT DISTINCT account_id, region FROM {file}) "  # noqa: S608 - our own path
        "ANTI JOIN places USING (account_id, region) LIMIT 1"
    ).fetchone()
    if stray is None:
        return _Rows(relation, "", idx)
    return _Rows(f"{relation} SEMI JOIN places USING (account_id, region)", " ORDER BY idx", idx)


def _copy(run: Run, checks: Sequence[Check], rows: _Rows, path: Path) -> str:
    """Write the verdicts of the checks; return why that failed, "" if it did not."""
    plan = make_plan(run.session, checks, run.params, run.now)
    sql = plan.select(rows.relation, rows.idx) + rows.order
    try:
        with run.limited():
            run.session.execute(copy_to(sql, path), plan.values)
    except duckdb.Error as error:
        path.unlink(missing_ok=True)
        return first_line(str(error))
    return ""


def _find_culprits(run: Run, checks: Sequence[Check], rows: _Rows, error: str) -> None:
    """Find the checks that cannot be evaluated even alone. If each can, all of them share the failure."""
    for check in checks:
        plan = make_plan(run.session, [check], run.params, run.now)
        words = f"({plan.select(rows.relation, rows.idx)})"
        try:
            with run.limited():
                run.session.execute(
                    f"SELECT bit_or(fail_0), bit_or(inconclusive_0) FROM {words}",  # noqa: S608
                    plan.values,
                ).fetchall()
        except duckdb.Error as alone:
            run.errors[check.id] = f"the check could not be evaluated: {first_line(str(alone))}"
    if not any(check.id in run.errors for check in checks):
        text = f"the table could not be evaluated: {error}"
        run.errors |= dict.fromkeys((check.id for check in checks), text)


def _count(
    session: duckdb.DuckDBPyConnection, path: Path, checks: Sequence[Check]
) -> tuple[int, dict[str, Counts]]:
    """Count each check's verdicts. Bits far apart are summed together, which is three times as fast."""
    lanes = sum(1 << (_LANE * lane) for lane in range(3))
    sums: list[tuple[str, int, str]] = []
    for word in range(-(-len(checks) // WORD)):
        held = min(len(checks) - word * WORD, WORD)
        for name in (f"{plane}_{word}" for plane in PLANES):
            for shift in range(min(held, _LANE)):
                sums.append((name, shift, f"sum(CAST(({name} >> {shift}) & {lanes} AS BIGINT))"))
            if held == WORD:  # the 64th bit is beyond the three lanes
                sums.append((name, WORD - 1, f"count(*) FILTER ({name} >> {WORD - 1} = 1)"))
    file = f"read_parquet({quote(str(path.resolve()))})"
    rows = session.execute(
        f"SELECT count(*), {', '.join(sql for _, _, sql in sums)} FROM {file} GROUP BY idx >> 20"  # noqa: S608
    ).fetchall()
    totals: dict[tuple[str, int], int] = {}
    for row in rows:
        for (name, bit, _), value in zip(sums, row[1:], strict=True):
            for lane in range(3 if bit < _LANE else 1):
                place = (name, bit + _LANE * lane)
                totals[place] = totals.get(place, 0) + (int(value) >> (_LANE * lane) & ((1 << _LANE) - 1))
    population = sum(int(row[0]) for row in rows)
    return population, {check.id: _counts(totals, n, population) for n, check in enumerate(checks)}


def _counts(totals: Mapping[tuple[str, int], int], position: int, population: int) -> Counts:
    word, bit = divmod(position, WORD)
    fail, inconclusive, not_applicable = (totals.get((f"{plane}_{word}", bit), 0) for plane in PLANES)
    return Counts(
        passed=population - fail - inconclusive - not_applicable,
        failed=fail,
        inconclusive=inconclusive,
        not_applicable=not_applicable,
    )
