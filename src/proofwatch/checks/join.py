"""Turn a view into a table that can be judged: its rows in the places where all of its tables were read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import duckdb

from proofwatch.checks.base import TableInput, UnreadPlace, View
from proofwatch.checks.run import Run, copy_to, first_line, list_places
from proofwatch.connectors.base import GLOBAL, KEY, Table
from proofwatch.snapshots.engine import identifier, quote

Places = tuple[tuple[str, str], ...]

_HASH = "CAST('0x' || substr(sha256(account_id || chr(0) || region || chr(0) || resource), 1, 15) AS BIGINT)"
"""60 bits of the key: the same in every run, on every version of the engine."""


def view_input(run: Run, view: View, path: Path) -> tuple[TableInput, str]:
    """Run a view and write its rows, with an idx that stays the same between runs.

    The idx is that of the table from which the view takes its key, or else made from the key.

    Returns:
        the rows as an input, and why the view could not be run ("" if it could).
    """
    places, unread = judged_places(view, run.inputs, run.catalog.tables)
    source = TableInput(view.name, path if places else None, places, unread)
    if not places:
        return source, ""
    try:
        with run.limited():
            _write(run, view, places, path)
    except duckdb.Error as error:
        return source, f"the view {view.name} could not be run: {first_line(str(error))}"
    file = f"read_parquet({quote(str(path.resolve()))})"
    # The rows are in the order of idx, which follows from the key: two with one key are neighbours.
    near = f"SELECT idx FROM (SELECT idx, lag(idx) OVER () AS last FROM {file}) WHERE idx = last"  # noqa: S608
    twice = run.session.execute(
        f"SELECT account_id, region, resource FROM {file} WHERE idx IN ({near}) "  # noqa: S608
        "GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT 1"
    ).fetchone()
    if twice:
        return source, f"the view {view.name} gives the row {' '.join(map(str, twice))} more than once"
    return source, ""


def judged_places(
    view: View, inputs: Mapping[str, TableInput], tables: Mapping[str, Table]
) -> tuple[Places, tuple[UnreadPlace, ...]]:
    """Return the places in which every table of the view was read, and those in which one was not.

    What is missing in one region leaves the others whole; what is missing of a global table leaves no
    region of its account whole, and a global row needs every region. A view whose rows rest on all
    accounts is whole nowhere as long as anything of its tables is unread anywhere.
    """
    sources = {name: inputs.get(name, TableInput(name, None, ())) for name in view.tables}
    leading = [view.anchor] if view.anchor else list(view.tables)
    candidates = sorted(
        {place for name in leading for place in sources[name].places}
        | {(place.account_id, place.region) for name in leading for place in sources[name].unread}
    )
    hole = next(_holes(view, sources), None)
    if hole is not None:
        return (), tuple(replace(hole, account_id=account, region=region) for account, region in candidates)
    places, unread = [], []
    known = {name: _ByAccount(source) for name, source in sources.items()}
    for account, region in candidates:
        gap = next(_gaps(account, region, known, tables), None)
        if gap is None:
            places.append((account, region))
        else:
            unread.append(gap)
    return tuple(places), tuple(unread)


def _holes(view: View, sources: Mapping[str, TableInput]) -> Iterator[UnreadPlace]:
    """Yield what is unread anywhere, for a view whose rows rest on all accounts."""
    if view.across:
        for name, source in sources.items():
            for place in source.unread:
                where = f"{place.account_id} {place.region}"
                yield UnreadPlace("", "", f"{name} in {where}: {place.reason}", place.permission)


class _ByAccount:
    """The places of a table by account: each place of a view asks for those of its own."""

    def __init__(self, source: TableInput) -> None:
        self.read: dict[str, set[str]] = {}
        self.unread: dict[str, list[UnreadPlace]] = {}
        for account, region in source.places:
            self.read.setdefault(account, set()).add(region)
        for place in source.unread:
            self.unread.setdefault(place.account_id, []).append(place)


def _gaps(
    account: str, region: str, known: Mapping[str, _ByAccount], tables: Mapping[str, Table]
) -> Iterator[UnreadPlace]:
    """Yield what is missing for a view's rows in one place."""
    for name, source in known.items():
        for place in source.unread.get(account, ()):
            if region in (place.region, GLOBAL) or place.region == GLOBAL:
                yield UnreadPlace(account, region, f"{name}: {place.reason}", place.permission)
        wanted = GLOBAL if tables[name].place == "global" else region
        read = source.read.get(account, set())
        if wanted not in read and not (wanted == GLOBAL and tables[name].place == "region" and read):
            yield UnreadPlace(account, region, f"{name} was not read there")


def _write(run: Run, view: View, places: Places, path: Path) -> None:
    session = run.session
    list_places(session, "view_places", places)
    for name in view.tables:
        _base(run, name)
    anchor = run.inputs[view.anchor].path if view.anchor else None
    if anchor is not None:
        session.execute(
            f"CREATE OR REPLACE TEMP VIEW {identifier('the keys')} AS "  # noqa: S608 - our own path, quoted
            f"SELECT idx, {', '.join(KEY)} FROM read_parquet({quote(str(anchor.resolve()))})"
        )
    try:
        session.execute(copy_to(_select(view), path))
    finally:
        for name in view.tables:
            session.execute(f"DROP VIEW IF EXISTS {identifier(name)}")


def _base(run: Run, name: str) -> None:
    """Give the view a table of the rows in the places that were read."""
    source = run.inputs.get(name, TableInput(name, None, ()))
    columns = ", ".join(identifier(column.name) for column in run.catalog.tables[name].columns)
    places = f"places {name}"
    list_places(run.session, places, source.places)
    if source.path is None:
        kinds = ", ".join(
            f"CAST(NULL AS {column.type}) AS {identifier(column.name)}"
            for column in run.catalog.tables[name].columns
        )
        body = f"SELECT {kinds} WHERE false"
    else:
        file = f"read_parquet({quote(str(source.path.resolve()))})"
        body = f"SELECT {columns} FROM {file} SEMI JOIN {identifier(places)} USING (account_id, region)"  # noqa: S608
    run.session.execute(f"CREATE OR REPLACE TEMP VIEW {identifier(name)} AS {body}")


def _select(view: View) -> str:
    """Return the SELECT of idx, `_unread` and the view's columns, in the order of idx."""
    names = [name for name, _ in view.columns if name != "_unread"]
    columns = ", ".join(f"found.{identifier(name)}" for name in names)
    unread = "found._unread" if len(names) < len(view.columns) else "NULL::MAP(VARCHAR, VARCHAR)"
    body = f"(\n{view.sql.strip().rstrip(';')}\n)"
    rows = f"(SELECT * FROM {body} SEMI JOIN view_places USING (account_id, region))"  # noqa: S608
    if view.anchor:
        keys = ", ".join(KEY)
        joined = f"{rows} AS found JOIN {identifier('the keys')} AS keys USING ({keys})"
        return f"SELECT keys.idx AS idx, {columns}, {unread} AS _unread FROM {joined} ORDER BY idx"  # noqa: S608
    return f"SELECT {_HASH} AS idx, {columns}, {unread} AS _unread FROM {rows} AS found ORDER BY idx"  # noqa: S608
