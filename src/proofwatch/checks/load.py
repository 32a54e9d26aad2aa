"""Load the catalogue: every check and view, from the shipped folder and the user's own.

All problems of all files are reported together, each on its own line as `file:line: field: problem`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
from pydantic import ValidationError

from proofwatch.checks.base import Check, CheckError, View
from proofwatch.checks.expressions import open_session
from proofwatch.checks.form import CheckForm, form_problems
from proofwatch.checks.validate import Source, columns_of, prime, validate
from proofwatch.checks.views import load_view
from proofwatch.checks.yamlfile import Unreadable, read_yaml
from proofwatch.connectors.base import Table

_ID = re.compile(r"[a-z0-9][a-z0-9_-]*(\.[a-z0-9][a-z0-9-]*)+")


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything that can be judged: checks by id, views and tables by name."""

    checks: Mapping[str, Check]
    views: Mapping[str, View]
    tables: Mapping[str, Table]

    def columns(self, name: str) -> tuple[tuple[str, str], ...]:
        """Return (column, DuckDB type) of a table or view."""
        return columns_of(name, self.tables, self.views)


@dataclass(slots=True)
class _Reader:
    """One loading: what was found so far, and everything that is wrong."""

    session: duckdb.DuckDBPyConnection
    tables: Mapping[str, Table]
    criteria: frozenset[str]
    views: dict[str, View] = field(default_factory=dict)
    checks: dict[str, Check] = field(default_factory=dict)
    paths: dict[str, Path] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    """Views that are wrong: what uses them is not complained about as well."""
    sources: list[Source] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def report(self, path: Path, line: int, name: str, problem: str) -> None:
        self.problems.append(f"{path}:{line}: {name}: {problem}" if name else f"{path}:{line}: {problem}")


def load_catalog(
    folders: Iterable[Path],
    views_folder: Path | None,
    tables: Mapping[str, Table],
    criteria: Iterable[str],
    base: Catalog | None = None,
) -> Catalog:
    """Load and validate all checks and views.

    Args:
        folders: of check files; the path below the folder is the id, so each id exists once in all of them.
        views_folder: of `<name>.sql` files; None for no views.
        tables: every declared table by name.
        criteria: ids of the known criteria.
        base: a catalogue over the same tables that is sound already and is only added to.

    Raises:
        CheckError: something is wrong; names every problem with file, line and field.
    """
    with open_session() as session:
        reader = _Reader(session, tables, frozenset(criteria))
        if base is not None:
            reader.views.update(base.views)
            reader.checks.update(base.checks)
            reader.paths.update({name: check.path for name, check in base.checks.items()})
        for path in sorted(views_folder.glob("*.sql")) if views_folder else ():
            _read_view(reader, path)
        for folder in folders:
            _read_folder(reader, Path(folder))
        _validate_all(reader)
    if reader.problems:
        count = len(reader.problems)
        head = "one problem" if count == 1 else f"{count} problems"
        raise CheckError(
            "loading the checks", "\n".join([head, *reader.problems]), "Mend the files at the lines named."
        )
    return Catalog(dict(sorted(reader.checks.items())), reader.views, tables)


def _read_view(reader: _Reader, path: Path) -> None:
    view, problems = load_view(reader.session, path, reader.tables)
    for line, name, problem in problems:
        reader.report(path, line, name, problem)
    if view is not None:
        reader.views[view.name] = view
    else:
        reader.broken.add(path.stem)


def _read_folder(reader: _Reader, folder: Path) -> None:
    if not folder.is_dir():
        reader.problems.append(f"{folder}: there is no such folder")
        return
    for path in sorted(path for path in folder.rglob("*") if path.suffix in (".yaml", ".yml")):
        check_id = ".".join(path.relative_to(folder).with_suffix("").parts)
        if path.suffix == ".yml":
            reader.report(path, 1, "", "the name of a check file ends in .yaml")
        elif not _ID.fullmatch(check_id):
            reader.report(
                path, 1, "", f"'{check_id}' is no id: use lower-case letters, digits and - in a folder"
            )
        elif check_id in reader.paths:
            other = reader.paths[check_id]
            reader.report(path, 1, "", f"the id {check_id} is already used by {other}: rename the file")
        else:
            reader.paths[check_id] = path
            _read_check(reader, check_id, path)


def _read_check(reader: _Reader, check_id: str, path: Path) -> None:
    try:
        body, lines = read_yaml(path)
        if not isinstance(body, dict):
            raise Unreadable(1, "expected the fields of a check")
        form = CheckForm.model_validate(body)
    except Unreadable as error:
        reader.report(path, error.line, "", error.problem)
        return
    except ValidationError as error:
        for line, name, problem in form_problems(error, lines):
            reader.report(path, line, name, problem)
        return
    reader.sources.append(Source(check_id, path, form, lines))


def _validate_all(reader: _Reader) -> None:
    """Hold the checks that are in form against their tables. What uses a broken view is left out."""
    sources = [source for source in reader.sources if source.form.table not in reader.broken]
    prime(
        kind
        for source in sources
        if source.form.table in reader.tables or source.form.table in reader.views
        for name, kind in columns_of(source.form.table, reader.tables, reader.views)
        if any(name in case.given for case in source.form.cases)
    )
    for source in sources:
        check, problems = validate(reader.session, source, reader.tables, reader.views, reader.criteria)
        for line, name, problem in problems:
            reader.report(source.path, line, name, problem)
        if check is not None:
            reader.checks[check.id] = check
