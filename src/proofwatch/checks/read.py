"""Read verdicts back: one row per check and resource, with its reason in words.

The verdicts hold no names; they are joined with the judged rows by idx. Reasons are made in SQL, in one scan
for all checks of a table.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from proofwatch.checks.base import Check, Result, Status
from proofwatch.checks.expressions import open_session
from proofwatch.checks.outcome import CheckResults, Evaluation, TableResults
from proofwatch.checks.plan import PLANES, WORD, bind
from proofwatch.checks.reasons import inapplicable_sql, nested_reason, presentable, template_sql, unknown_sql
from proofwatch.checks.run import first_line
from proofwatch.checks.validate import PLACEHOLDER
from proofwatch.snapshots.engine import MEMORY_LIMIT, identifier, quote

BATCH = 2000
"""Rows that are held at a time."""

_NAMED_ERRORS = 50
"""Rows of one batch and check whose error is looked up one by one; the others say the same as the first."""

STATUSES: tuple[Status, ...] = ("fail", "inconclusive", "not_applicable", "pass")

Key = tuple[str, str, str]
"""account_id, region, resource."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which results are wanted; what is empty does not restrict.

    `resource` is a part of the identifier, in any case; a row about a whole place has none.
    """

    checks: Collection[str] = ()
    statuses: Collection[str] = ()
    resource: str = ""
    account: str = ""
    region: str = ""

    def takes(self, result: Result) -> bool:
        """Tell whether a row about a whole place is wanted."""
        return (
            (not self.checks or result.check in self.checks)
            and (not self.statuses or result.status in self.statuses)
            and not self.resource
            and (not self.account or result.account_id in (self.account, ""))
            and (not self.region or result.region in (self.region, ""))
        )


def results(
    evaluation: Evaluation,
    where: Where | None = None,
    *,
    memory_limit: str = MEMORY_LIMIT,
    work: Path | None = None,
) -> Iterator[Result]:
    """Yield the wanted results: by table, rows about whole places first, then resources by their checks.

    Args:
        evaluation: what was judged.
        where: what is wanted; everything by default.
        memory_limit: what the engine may hold before it spills.
        work: existing folder to spill into; the system's temporary one by default.
    """
    where = where or Where()
    with _session(evaluation.tables.values(), memory_limit, work) as session:
        for table in evaluation.tables.values():
            found = [item for item in evaluation.checks.values() if item.check.table == table.table]
            for item in found:
                yield from (result for result in item.about if where.takes(result))
            checks = {item.check.id: item.check for item in found}
            for _, result in _judged(session, table, checks, where):
                yield result


def failing(
    evaluation: Evaluation, *, memory_limit: str = MEMORY_LIMIT, work: Path | None = None
) -> Iterator[Result]:
    """Yield every failing result with its reason."""
    return results(evaluation, Where(statuses=("fail",)), memory_limit=memory_limit, work=work)


def examples(
    evaluation: Evaluation, *, memory_limit: str = MEMORY_LIMIT, work: Path | None = None
) -> dict[str, str]:
    """Return check → the reason of one failing result, else of one that could not be told; "" for neither.

    One row is read for each check: a sweep asks this of every check.
    """
    found: dict[str, str] = {}
    with _session(evaluation.tables.values(), memory_limit, work) as session:
        for table in evaluation.tables.values():
            items = [item for item in evaluation.checks.values() if item.check.table == table.table]
            wanted: list[tuple[CheckResults, Status]] = []
            for item in items:
                found[item.check.id] = ""
                status: Status = "fail" if item.counts.failed else "inconclusive"
                if not item.counts.failed and not item.counts.inconclusive:
                    continue
                about = next((result for result in item.about if result.status == status), None)
                if about is not None:
                    found[item.check.id] = about.reason
                else:
                    wanted.append((item, status))
            found |= _first(session, table, wanted)
    return found


def _first(
    session: duckdb.DuckDBPyConnection, table: TableResults, wanted: Sequence[tuple[CheckResults, Status]]
) -> dict[str, str]:
    """Return check → the reason of its first result of a status."""
    found: dict[str, str] = {}
    places = {check_id: position for position, (check_id, _) in enumerate(table.checks)}
    if table.path is None or table.rows is None or not wanted:
        return found
    reader = _Reader(session, table, dict(table.checks))
    for item, status in wanted:
        check = item.check
        if check.id in places:
            sql, values = reader.select([(places[check.id], check)], [status], Where(), None)
            rows = session.execute(f"{sql} LIMIT 1", values).fetchall()
            for _, result in reader.complete(rows, {check.id: check}):
                found[check.id] = result.reason
    return found


def verdicts(
    evaluation: Evaluation,
    check: str,
    keys: Sequence[Key],
    *,
    memory_limit: str = MEMORY_LIMIT,
    work: Path | None = None,
) -> dict[Key, Result]:
    """Return the verdicts of one check on some resources; a key that was not judged is missing."""
    definition = evaluation.checks[check].check
    table = evaluation.tables[definition.table]
    where = Where(checks=(check,))
    found = judged(table, {check: definition}, where, memory_limit=memory_limit, keys=keys, work=work)
    return {(r.account_id, r.region, r.resource or ""): r for _, r in found}


def judged(
    table: TableResults,
    checks: Mapping[str, Check],
    where: Where,
    *,
    memory_limit: str = MEMORY_LIMIT,
    keys: Sequence[Key] | None = None,
    work: Path | None = None,
) -> Iterator[tuple[int, Result]]:
    """Yield (idx, result) for the resources of one table, row by row.

    Args:
        table: the verdicts.
        checks: definitions by id; verdicts of a check without one are left out.
        where: what is wanted.
        memory_limit: of the engine.
        keys: only these resources.
        work: existing folder to spill into; the system's temporary one by default.
    """
    with _session([table], memory_limit, work) as session:
        yield from _judged(session, table, checks, where, keys)


@contextmanager
def _session(
    tables: Iterable[TableResults], memory_limit: str, work: Path | None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give one session that reads the verdicts and rows of these tables; opening costs 20 ms."""
    files = {path.resolve() for table in tables for path in (table.path, table.rows) if path is not None}
    with (
        tempfile.TemporaryDirectory(prefix="results-", dir=work) as spill,
        open_session(memory_limit=memory_limit, allowed=sorted(files), temp=Path(spill)) as session,
    ):
        yield session


def _judged(
    session: duckdb.DuckDBPyConnection,
    table: TableResults,
    checks: Mapping[str, Check],
    where: Where,
    keys: Sequence[Key] | None = None,
) -> Iterator[tuple[int, Result]]:
    wanted = [
        (position, checks[check_id])
        for position, (check_id, _) in enumerate(table.checks)
        if check_id in checks and (not where.checks or check_id in where.checks)
    ]
    statuses = [status for status in STATUSES if not where.statuses or status in where.statuses]
    if table.path is None or table.rows is None or not wanted or not statuses:
        return
    reader = _Reader(session, table, dict(table.checks))
    sql, values = reader.select(wanted, statuses, where, keys)
    cursor = session.execute(sql, values)
    while rows := cursor.fetchmany(BATCH):
        yield from reader.complete(rows, checks)


class _Reader:
    """Reads one table's verdicts in one session."""

    def __init__(
        self, session: duckdb.DuckDBPyConnection, table: TableResults, versions: Mapping[str, str]
    ) -> None:
        self.session = session
        self.aside = session.cursor()
        """A second connection: a statement ends the answer that its connection is giving out."""
        self.table = table
        self.versions = versions
        self.rows = _file(table.rows)
        described = session.execute(f"DESCRIBE SELECT * FROM {self.rows}").fetchall()  # noqa: S608
        self.kinds = {str(row[0]): str(row[1]) for row in described}

    def select(
        self,
        wanted: Sequence[tuple[int, Check]],
        statuses: Sequence[Status],
        where: Where,
        keys: Sequence[Key] | None,
    ) -> tuple[str, dict[str, Any]]:
        """Return the SELECT of idx, key, position, status and reason, and what to bind."""
        items = [self._item(position, check, statuses) for position, check in wanted]
        conditions, values = _conditions(where)
        conditions.append(f"({' OR '.join(_any_bit(wanted, statuses))})")
        named = ", ".join(identifier(name) for name in self._columns(check for _, check in wanted))
        rows = f"(SELECT idx, {named} FROM {self.rows})"  # noqa: S608
        if keys is not None:
            rows = self._only(keys, named)
        source = f"{_file(self.table.path)} AS words JOIN {rows} AS judged USING (idx)"
        inner = (
            f"SELECT idx, account_id, region, resource, unnest(list_filter([{', '.join(items)}], "  # noqa: S608
            f"lambda item: item IS NOT NULL)) AS item FROM {source} WHERE {' AND '.join(conditions)}"
        )
        found = "idx, account_id, region, resource, item.position, item.status, item.reason"
        return f"SELECT {found} FROM ({inner})", values  # noqa: S608

    def _only(self, keys: Sequence[Key], named: str) -> str:
        """Return a table of some rows, found before the join: only they meet the words."""
        lists = [list(part) for part in zip(*keys, strict=True)] or [[], [], []]
        self.session.execute(
            "CREATE OR REPLACE TEMP TABLE wanted AS SELECT unnest($a::VARCHAR[]) AS account_id, "
            "unnest($b::VARCHAR[]) AS region, unnest($c::VARCHAR[]) AS resource",
            dict(zip("abc", lists, strict=True)),
        )
        self.session.execute(
            f"CREATE OR REPLACE TEMP TABLE chosen AS SELECT idx, {named} FROM {self.rows} "  # noqa: S608
            "SEMI JOIN wanted USING (account_id, region, resource)"
        )
        return "chosen"

    def _columns(self, checks: Iterable[Check]) -> list[str]:
        """Return the columns that reasons need, with the key."""
        names = dict.fromkeys(("account_id", "region", "resource", "_unread"))
        for check in checks:
            names |= dict.fromkeys(check.columns)
            names |= dict.fromkeys(PLACEHOLDER.findall(check.on_pass + check.on_fail + check.on_unknown))
        return [name for name in names if name in self.kinds]

    def _item(self, position: int, check: Check, statuses: Sequence[Status]) -> str:
        """Return SQL of one check's verdict on a row as a struct; NULL if it is not wanted."""
        reasons = {
            "fail": template_sql(check.on_fail, self.kinds),
            "inconclusive": unknown_sql(check, self.kinds),
            "not_applicable": inapplicable_sql(check),
            "pass": template_sql(check.on_pass, self.kinds),
        }
        branches = " ".join(
            f"WHEN {_has(position, status)} THEN {{'position': {position}, 'status': {quote(status)}, "
            f"'reason': {reasons[status]}}}"
            for status in statuses
        )
        return f"CASE {branches} END"

    def complete(
        self, rows: Sequence[tuple[Any, ...]], checks: Mapping[str, Check]
    ) -> Iterator[tuple[int, Result]]:
        """Turn rows into results; where SQL could not tell the reason, look for the error."""
        unclear: dict[int, list[int]] = {}
        for idx, _, _, _, position, status, reason in rows:
            if status == "inconclusive" and (reason is None or "was not read" not in reason):
                unclear.setdefault(position, []).append(idx)
        errors = {
            (position, idx): message
            for position, found in unclear.items()
            for idx, message in self._errors(checks[self.table.checks[position][0]], found).items()
        }
        for idx, account_id, region, resource, position, status, reason in rows:
            check_id, version = self.table.checks[position]
            text = errors.get((position, idx)) or reason or nested_reason(checks[check_id])
            yield idx, Result(check_id, version, account_id, region, resource, status, presentable(text))

    def _errors(self, check: Check, idxs: list[int]) -> dict[int, str]:
        """Return idx → the error that the check meets there, by trying smaller and smaller sets of rows."""
        prefix = replace(check, applies="true")
        params = self.table.params.get(check.id, check.params)
        both = [
            bind(self.aside, check, params, self.table.now, "a_"),
            bind(self.aside, prefix, params, self.table.now, "a_"),
        ]
        tests = [item for item in (both[0].applies, both[1].passes) if item]
        values = dict(both[0].values)
        found: dict[int, str] = {}
        waiting = [idxs]
        while waiting:
            some = waiting.pop()
            message = self._try(tests, values, some, check.table)
            if not message:
                continue
            if len(some) == 1 or len(found) >= _NAMED_ERRORS:
                found |= dict.fromkeys(some, f"cannot tell: the evaluation failed ({message})")
                continue
            half = len(some) // 2
            waiting += [some[half:], some[:half]]
        return found

    def _try(self, tests: Sequence[str], values: Mapping[str, Any], idxs: Sequence[int], table: str) -> str:
        """Evaluate without TRY; return the error's first line, "" if there is none."""
        for test in tests:
            names = {name: value for name, value in values.items() if f"${name}" in test}
            try:
                self.aside.execute(
                    f"SELECT count(*) FILTER ({test}) FROM {self.rows} AS {identifier(table)} "  # noqa: S608
                    "WHERE idx IN (SELECT unnest($the_rows::BIGINT[]))",
                    {**names, "the_rows": list(idxs)},
                ).fetchall()
            except duckdb.Error as error:
                return first_line(str(error)).partition(". Use TRY")[0]
        return ""


def _conditions(where: Where) -> tuple[list[str], dict[str, Any]]:
    conditions, values = [], {}
    if where.resource:
        conditions.append("contains(lower(resource), lower($resource))")
        values["resource"] = where.resource
    if where.account:
        conditions.append("account_id = $account")
        values["account"] = where.account
    if where.region:
        conditions.append("region = $region")
        values["region"] = where.region
    return conditions, values


def _any_bit(wanted: Sequence[tuple[int, Check]], statuses: Sequence[Status]) -> Iterator[str]:
    """Yield conditions on words, one of which holds for every row that has a wanted verdict."""
    masks: dict[int, int] = {}
    for position, _ in wanted:
        masks[position // WORD] = masks.get(position // WORD, 0) | 1 << position % WORD
    for word, mask in masks.items():
        if "pass" in statuses:
            union = " | ".join(f"{plane}_{word}" for plane in PLANES)
            yield f"(({union}) & {mask}::UBIGINT) <> {mask}::UBIGINT"
        for status in statuses:
            if status != "pass":
                yield f"({status}_{word} & {mask}::UBIGINT) <> 0"


def _has(position: int, status: Status) -> str:
    word, bit = divmod(position, WORD)
    if status == "pass":
        union = " | ".join(f"{plane}_{word}" for plane in PLANES)
        return f"(({union}) & {1 << bit}::UBIGINT) = 0"
    return f"({status}_{word} & {1 << bit}::UBIGINT) <> 0"


def _file(path: Path | None) -> str:
    return f"read_parquet({quote(str(path.resolve()))})" if path else "(SELECT 1 AS idx WHERE false)"
