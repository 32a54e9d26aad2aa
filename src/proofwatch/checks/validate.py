"""Whether a check means something: its columns, types, parameters, texts and cases fit its table."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import rfc8785

from proofwatch.checks.base import Case, Check, CheckError, View
from proofwatch.checks.expressions import NOW, Expression, create_table, nearest, parse
from proofwatch.checks.form import (
    PARAM_TYPES,
    CaseForm,
    CheckForm,
    field_name,
    line_of,
    param_kind,
    param_value,
)
from proofwatch.checks.types import bound_type
from proofwatch.checks.yamlfile import Lines
from proofwatch.connectors.base import Table
from proofwatch.snapshots.base import SnapshotError
from proofwatch.snapshots.typed import Check as Fits
from proofwatch.snapshots.typed import Misfit, compile_columns

ENGINE = 1
"""Version of the rules by which expressions become verdicts; it is part of every check's version."""

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
Problem = tuple[int, str, str]
"""Line, field, what is wrong."""

_PARAM = re.compile(r"[a-z][a-z0-9_]*")
_FITS: dict[str, Fits] = {}
"""DuckDB type → validator, of every type met so far; they never change."""

_UNJUDGEABLE = {"_unread": "is the engine's own column", "idx": "is the engine's own column"}


@dataclass(frozen=True, slots=True)
class Source:
    """A check file as it was read."""

    id: str
    path: Path
    form: CheckForm
    lines: Lines


@dataclass(slots=True)
class _Findings:
    source: Source
    problems: list[Problem] = field(default_factory=list)

    def add(self, place: Sequence[str | int], problem: str) -> None:
        self.problems.append((line_of(self.source.lines, place), field_name(place), problem))


def columns_of(
    name: str, tables: Mapping[str, Table], views: Mapping[str, View]
) -> tuple[tuple[str, str], ...]:
    """Return (column, DuckDB type) of a table or view."""
    if name in views:
        return views[name].columns
    return tuple((column.name, column.type) for column in tables[name].columns)


def validate(
    session: duckdb.DuckDBPyConnection,
    source: Source,
    tables: Mapping[str, Table],
    views: Mapping[str, View],
    criteria: Iterable[str],
) -> tuple[Check | None, list[Problem]]:
    """Return the check, or None and everything that is wrong with its file.

    Args:
        session: where the check's table is created, empty, to bind its expressions.
        source: the file.
        tables: declared tables.
        views: valid views.
        criteria: ids of the known criteria.
    """
    form, found = source.form, _Findings(source)
    for number, criterion in enumerate(form.criteria):
        if criterion not in set(criteria):
            found.add(
                ("criteria", number), f"there is no criterion '{criterion}'{nearest(criterion, criteria)}"
            )
    params = _params(found)
    if form.table not in tables and form.table not in views:
        near = nearest(form.table, [*tables, *views])
        found.add(("table",), f"there is no table or view '{form.table}'{near}")
        return None, found.problems
    columns = columns_of(form.table, tables, views)
    create_table(session, form.table, columns)
    read = _expressions(session, found, columns, params)
    _texts(found, columns)
    cases = _cases(found, columns)
    if found.problems:
        return None, found.problems
    version = verdict_version(form, source.id, read, params, dict(columns), views.get(form.table))
    return _check(source, params, cases, read, version), []


def _check(
    source: Source, params: Mapping[str, Any], cases: tuple[Case, ...], read: tuple[str, ...], version: str
) -> Check:
    form = source.form
    return Check(
        id=source.id,
        title=form.title,
        table=form.table,
        criteria=tuple(form.criteria),
        severity=form.severity,
        why=form.why,
        applies=form.applies,
        passes=form.passes,
        on_pass=form.on_pass,
        on_fail=form.on_fail,
        fix=form.fix,
        params=params,
        same_as={system: tuple(names) for system, names in form.same_as.items()},
        cases=cases,
        columns=read,
        version=version,
        path=source.path,
        source=source.path.read_text(encoding="utf-8"),
        on_unknown=form.on_unknown or "",
    )


def _params(found: _Findings) -> dict[str, Any]:
    """Return parameter → default, each as its type wants it."""
    params: dict[str, Any] = {}
    for name, given in found.source.form.params.items():
        place = ("params", name)
        if name == NOW or not _PARAM.fullmatch(name):
            found.add(place, "is no name: use lower-case letters, digits and _ (and not 'now')")
            continue
        stated = given if isinstance(given, dict) else {"default": given}
        for key in stated.keys() - {"type", "default", "about"}:
            found.add((*place, key), f"unknown field{nearest(key, ['type', 'default', 'about'])}")
        try:
            kind = stated.get("type") or param_kind(stated.get("default"))
            if kind not in PARAM_TYPES:
                near = nearest(str(kind), PARAM_TYPES)
                found.add(
                    (*place, "type"), f"there is no type '{kind}' (only {', '.join(PARAM_TYPES)}){near}"
                )
                continue
            params[name] = param_value(kind, stated.get("default"))
        except ValueError as error:
            found.add((*place, "default"), str(error))
    return params


def param_types(params: Mapping[str, Any]) -> dict[str, str]:
    """Return parameter → DuckDB type, with `now`. An empty list of a default counts as texts."""
    return {NOW: "TIMESTAMPTZ"} | {name: PARAM_TYPES[param_kind(value)] for name, value in params.items()}


def effective_params(check: Check, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the check's parameters with those of `given` in place of its defaults.

    Raises:
        CheckError: no such parameter, or a value of another type.
    """
    doing = f"setting the parameters of {check.id}"
    params = dict(check.params)
    for name, value in given.items():
        if name not in params:
            raise CheckError(doing, f"there is no parameter '{name}'{nearest(name, params)}")
        try:
            params[name] = param_value(param_kind(params[name]), value)
        except ValueError as error:
            raise CheckError(doing, f"{name}: {error}") from error
    return params


def _expressions(
    session: duckdb.DuckDBPyConnection,
    found: _Findings,
    columns: Sequence[tuple[str, str]],
    params: Mapping[str, Any],
) -> tuple[str, ...]:
    """Check both expressions; return the columns that they read, in the table's order."""
    form = found.source.form
    kinds = param_types(params)
    used: set[str] = set()
    read: set[str] = set()
    for name, text in (("applies", form.applies), ("passes", form.passes)):
        expression, tree, problems = parse(session, text)
        used.update(param for param, _, _ in expression.params)
        if tree and not problems:
            names, problems = read_columns(expression, form.table, columns)
            read.update(names)
            problems += _unknown_params(expression, form.params, kinds)
        if tree and not problems:
            kind, problems = bound_type(session, form.table, tree, kinds)
            if not problems and kind != "BOOLEAN":
                problems = [f"must be true or false, but is {kind}: `{text}`"]
        for problem in problems:
            found.add((name,), problem)
    for param in form.params:
        if param in params and param not in used:
            found.add(("params", param), f"is not used: write ${param} in applies or passes, or remove it")
    return tuple(name for name, _ in columns if name in read)


def _unknown_params(expression: Expression, declared: Iterable[str], kinds: Mapping[str, str]) -> list[str]:
    """Name what is used and not declared; what is declared wrongly has been reported where it stands."""
    known = {*declared, *kinds}
    unknown = dict.fromkeys(name for name, _, _ in expression.params if name not in known)
    wrong = [f"there is no parameter ${name}{nearest(name, sorted(known))}" for name in unknown]
    if not wrong and any(name not in kinds for name, _, _ in expression.params):
        return ["uses a parameter whose declaration is wrong"]
    return wrong


def read_columns(
    expression: Expression, table: str, columns: Sequence[tuple[str, str]]
) -> tuple[list[str], list[str]]:
    """Return the columns that an expression reads, and what is wrong with its names."""
    known = {name.lower(): name for name, _ in columns}
    read, problems = [], []
    for reference in expression.columns:
        parts = reference.lower().split(".")
        if parts[0] == table.lower() and parts[0] not in known and len(parts) > 1:
            parts = parts[1:]
        if parts[0] in _UNJUDGEABLE:
            problems.append(f"{parts[0]} {_UNJUDGEABLE[parts[0]]} and cannot be used here")
        elif parts[0] in known:
            read.append(known[parts[0]])
        elif parts[0].startswith("current_"):
            problems.append(
                f"{parts[0]} gives another answer at every run: use $now, the time of observation"
            )
        else:
            near = nearest(parts[0], [name for name in known.values() if name != "_unread"])
            problems.append(f"there is no column '{parts[0]}' in {table}{near}")
    return read, problems


def _texts(found: _Findings, columns: Sequence[tuple[str, str]]) -> None:
    """Check the placeholders of the sentences."""
    form = found.source.form
    known = [name for name, _ in columns if name != "_unread"]
    texts = {"on_pass": form.on_pass, "on_fail": form.on_fail, "on_unknown": form.on_unknown or ""}
    for name, text in texts.items():
        rest = PLACEHOLDER.sub("", text)
        if "{" in rest or "}" in rest:
            found.add((name,), "a brace is not closed or not opened: a placeholder is {column}")
        for column in PLACEHOLDER.findall(text):
            if column not in known:
                near = nearest(column, known)
                found.add((name,), f"there is no column '{column}' in {form.table}{near}")


def _cases(found: _Findings, columns: Sequence[tuple[str, str]]) -> tuple[Case, ...]:
    """Check the cases: they show every outcome, and what is given fits the columns."""
    form = found.source.form
    shown = {case.expect for case in form.cases}
    for wanted in ("pass", "fail", "inconclusive"):
        if wanted not in shown:
            found.add(("cases",), f"no case expects '{wanted}': show pass, fail and inconclusive")
    given = {name for case in form.cases for name in case.given}
    try:
        fits = checkers((name, kind) for name, kind in columns if name in given)
    except SnapshotError as error:
        found.add(("cases",), error.problem)
        return ()
    known = [name for name, _ in columns if name != "_unread"]
    names: set[str] = set()
    for number, case in enumerate(form.cases):
        if case.name in names:
            found.add(("cases", number, "name"), f"two cases are called '{case.name}'")
        names.add(case.name)
        for place, problem in _case_problems(form.table, case, known, fits):
            found.add(("cases", number, *place), problem)
    return tuple(
        Case(case.name, dict(case.given), case.expect, tuple(case.unread), case.reason) for case in form.cases
    )


def _case_problems(
    table: str, case: CaseForm, known: Sequence[str], fits: Mapping[str, Fits]
) -> Iterator[tuple[tuple[str, ...], str]]:
    for column, value in case.given.items():
        if column not in known:
            yield ("given", column), f"there is no column '{column}' in {table}{nearest(column, known)}"
        elif value is not None:
            try:
                fits[column](value)
            except Misfit as misfit:
                yield ("given", column), misfit.reason(column)
    for column in case.unread:
        if column not in known:
            yield ("unread",), f"there is no column '{column}' in {table}{nearest(column, known)}"


def prime(kinds: Iterable[str]) -> None:
    """Compile the validators of many types at once, which costs as much as one. Bad types are left out."""
    wanted = sorted(set(kinds) - _FITS.keys())
    if not wanted:
        return
    with contextlib.suppress(SnapshotError):
        for kind, _, fits in compile_columns(tuple((kind, kind) for kind in wanted), "the catalogue"):
            _FITS[kind] = fits


def checkers(columns: Iterable[tuple[str, str]]) -> dict[str, Fits]:
    """Return column → what tells whether a value fits it. Raises SnapshotError for a type without values."""
    named = dict(columns)
    prime(named.values())
    for name, kind in named.items():
        if kind not in _FITS:
            compile_columns(((name, kind),), "the catalogue")
    return {name: _FITS[kind] for name, kind in named.items()}


def verdict_version(
    check: CheckForm | Check,
    name: str,
    read: Sequence[str],
    params: Mapping[str, Any],
    kinds: Mapping[str, str],
    view: View | None,
) -> str:
    """Return the SHA-256 over what decides the verdict, and nothing else: words may change freely.

    Args:
        check: its table and expressions.
        name: its id.
        read: the columns that its expressions read.
        params: its parameters with their defaults.
        kinds: column → DuckDB type, of those at least.
        view: the view that it judges, if it judges one.
    """
    body: dict[str, Any] = {
        "engine": ENGINE,
        "id": name,
        "table": check.table,
        "columns": [[name, kinds[name]] for name in read],
        "applies": check.applies,
        "passes": check.passes,
        "params": {name: _canonical(value) for name, value in params.items()},
        "view": view.version if view else None,
    }
    return hashlib.sha256(rfc8785.dumps(body)).hexdigest()


def _canonical(value: Any) -> Any:
    """Return whole numbers as text, because JSON's are exact only up to 2**53."""
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    return f"int {value}" if type(value) is int else value
