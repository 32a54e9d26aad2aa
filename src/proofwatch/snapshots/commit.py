"""Turn the parts of one sweep into the next proven state of a table, storing what changed.

Repeatable: the same inputs give the same objects and the same manifest digest, so a sweep that was killed
is simply run again. Everything a manifest names is stored before it; what a killed run leaves in the store
is named by nothing and is written again, byte for byte, by the rerun.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import rfc8785

from proofwatch.connectors.base import KEY, Table
from proofwatch.snapshots.base import Objects, Part, SnapshotError, State
from proofwatch.snapshots.canon import (
    KEYS,
    PARQUET,
    RESERVED,
    STAGING,
    Columns,
    copy,
    count,
    engine_errors,
    names,
    numbered,
    read_parquet,
    read_rows,
    with_room,
)
from proofwatch.snapshots.engine import connect
from proofwatch.snapshots.manifest import KIND, LISTED, ROLL_UP, Chain, fetch, put_json, resolve, state
from proofwatch.snapshots.rebuild import (
    INPUTS,
    KEPT,
    KEY_FILE,
    TABLE,
    cached,
    change_columns,
    finish_keys,
    keep,
    new_folder,
)
from proofwatch.snapshots.sorting import Extent, sorted_copy
from proofwatch.snapshots.staging import Former, Place, Staged, stage

_DELTA = "FORMAT json, COMPRESSION gzip"

PLAN = "plan.parquet"

_REBASE_SHARE, _REBASE_ROWS = 4, 1000
"""A new base is made when more than one row in four and more than 1,000 rows changed at once: then a delta
would not be smaller. A Parquet of a few rows is ten times as large as their delta."""


@dataclass(frozen=True, slots=True)
class _Job:
    """What every step of one commit needs."""

    session: duckdb.DuckDBPyConnection
    table: str
    connection: str
    columns: Columns
    before: Chain | None
    old: Path | None
    """Cache folder of the previous state."""
    objects: Objects
    folder: Path
    month: str

    @property
    def same_columns(self) -> bool:
        return self.before is not None and self.before.columns == self.columns

    @property
    def next_idx(self) -> int:
        return int(self.before.body["next_idx"]) if self.before else 0

    @property
    def seq(self) -> int:
        return int(self.before.body["seq"]) + 1 if self.before else 0


def commit(
    table: Table,
    connection_id: str,
    parts: Sequence[Part],
    unread_places: Iterable[Place],
    previous: State | None,
    objects: Objects,
    work: Path,
    month: str,
    *,
    cache: Path | None = None,
    memory_limit: str = "",
) -> State:
    """Store the state of a table after a sweep; return it, or `previous` as it was if nothing changed.

    Rows of a place in `unread_places` are carried over from `previous` unchanged. Rows of a place that is
    neither in `parts` nor unread are removed: it is no longer in scope. A resource keeps its `idx` for as
    long as it exists; one that comes back after it was gone gets a new one.

    Args:
        table: its declaration.
        connection_id: named in the manifest.
        parts: one finished part for each place that was read completely.
        unread_places: (account_id, region) of places in scope that were not.
        previous: the last state of this table and connection; only its manifest digest is relied on.
        objects: where base, changes and manifest go.
        work: folder of the sweep, on local disk; temporary files are made and removed there.
        month: of the sweep, `YYYY-MM`; the first change in a new month makes a new base.
        cache: where `materialise` will look; the new state is put there ready. None: nowhere.
        memory_limit: what the engine may hold before it spills to `work`; by default as `with_room` says.

    Raises:
        SnapshotError: the parts contradict each other or the declaration, nothing was read and there is no
            previous state, the previous state cannot be rebuilt, or disk or memory ran out.
    """
    doing = f"committing {table.name}"
    unread = sorted(set(unread_places))
    columns = _columns(table, doing)
    _check_places(parts, unread, previous, doing)
    work.mkdir(parents=True, exist_ok=True)
    before = resolve(previous.manifest, objects) if previous else None

    def carry_out(limit: str) -> State:
        with ExitStack() as stack:
            home = cache or stack.enter_context(new_folder(work))
            folder = stack.enter_context(new_folder(home))
            (folder / "spill").mkdir()
            old = cached(before.manifest, objects, home, memory_limit=memory_limit) if before else None
            stack.enter_context(engine_errors(doing))
            inputs = _inputs(columns, parts, unread)
            if before is not None and old is not None and _same_inputs(old, inputs):
                return state(before.manifest, before.body, columns, (0, 0, 0))
            session = stack.enter_context(connect(limit, temp=folder / "spill"))
            job = _Job(session, table.name, connection_id, columns, before, old, objects, folder, month)
            return _advance(job, parts, unread, inputs, home)

    return with_room(carry_out, memory_limit)


def _advance(job: _Job, parts: Sequence[Part], unread: Sequence[Place], inputs: str, home: Path) -> State:
    """Compare, and store what is new; the finished state goes to the cache last."""
    former = (
        Former(job.before.columns, job.old / TABLE, job.old / KEY_FILE) if job.before and job.old else None
    )
    staged, extent = stage(job.session, job.table, job.columns, parts, unread, former, job.folder)
    counts = _compare(job, staged)
    noted = job.folder / INPUTS
    noted.write_text(inputs, encoding="utf-8")
    if job.before is not None and job.old is not None and job.same_columns and counts == (0, 0, 0):
        noted.replace(job.old / INPUTS)
        return state(job.before.manifest, job.before.body, job.columns, counts)
    body = _store(job, counts, staged, extent)
    manifest = put_json(job.objects, body)
    job.session.close()
    keep(job.folder, home, manifest)
    return state(manifest, body, job.columns, counts)


def _columns(table: Table, doing: str) -> Columns:
    columns = tuple((column.name, column.type) for column in table.columns)
    wrong = [name for name, _ in columns if name.lower() in RESERVED]
    if wrong or tuple(name for name, _ in columns[:4]) != (*KEY, "_unread"):
        raise SnapshotError(
            doing,
            f"{table.name} declares the reserved column {wrong[0]}"
            if wrong
            else f"{table.name} does not start with the common columns",
            f"Start with {', '.join(KEY)}, _unread, and do not use {', '.join(RESERVED)}.",
        )
    return columns


def _check_places(parts: Sequence[Part], unread: Sequence[Place], previous: State | None, doing: str) -> None:
    given = Counter([*((part.account_id, part.region) for part in parts), *unread])
    twice = sorted(place for place, number in given.items() if number > 1)
    if twice:
        raise SnapshotError(doing, f"the place {twice[0]} is given twice", "Give each place once.")
    if not parts and previous is None:
        # An empty table for one that nobody read would look like a population of none.
        raise SnapshotError(doing, "no place was read, and there is no earlier state", permanent=False)


def _inputs(columns: Columns, parts: Sequence[Part], unread: Sequence[Place]) -> str:
    """Return a digest of everything that decides the rows of the next state, beside the previous one."""
    read = []
    for part in parts:
        with part.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        read.append([part.account_id, part.region, digest])
    given = [[list(column) for column in columns], sorted(read), [list(place) for place in unread]]
    return hashlib.sha256(rfc8785.dumps(given)).hexdigest()


def _same_inputs(old: Path, inputs: str) -> bool:
    try:
        return (old / INPUTS).read_text("utf-8") == inputs
    except (FileNotFoundError, UnicodeDecodeError):
        return False


def _compare(job: _Job, staged: Staged) -> tuple[int, int, int]:
    """Compare the rows as they are now by key with the rows before.

    Leaves `plan.parquet`: idx before, key, _h and _size now, _op, and _at: the place of the row among all.
    """
    rows = f"(SELECT {KEYS}, _h, _size, row_number() OVER () AS _at FROM {staged.rows})"  # noqa: S608
    if job.old is None:
        plan = f"SELECT NULL::BIGINT AS idx, {KEYS}, _h, _size, 'add' AS _op, _at FROM {rows}"  # noqa: S608
    else:
        plan = (
            f"SELECT o.idx, {KEYS}, n._h, n._size, CASE WHEN o.idx IS NULL THEN 'add' "  # noqa: S608
            "WHEN n._h IS NULL THEN 'gone' WHEN n._h = o._h THEN 'same' ELSE 'change' END AS _op, _at "
            f"FROM {rows} n FULL JOIN {read_parquet(job.old / KEY_FILE)} o USING ({KEYS})"
        )
    copy(job.session, plan, job.folder / PLAN, STAGING)
    counted = f"SELECT _op, count(*) FROM {read_parquet(job.folder / PLAN)} GROUP BY _op"  # noqa: S608
    found = dict(job.session.execute(counted).fetchall())
    return found.get("add", 0), found.get("change", 0), found.get("gone", 0)


def _store(job: _Job, counts: tuple[int, int, int], staged: Staged, extent: Extent) -> dict[str, Any]:
    """Write the new state's files and its base or delta; return the manifest's body."""
    added, changed, removed = counts
    now = _numbers(job)
    joined = _joined(job, now, staged)
    copy(job.session, f"SELECT idx, {names(job.columns)} FROM ({joined})", job.folder / TABLE, PARQUET)  # noqa: S608
    digest = finish_keys(job.session, f"SELECT {KEPT} FROM {now}", job.folder)  # noqa: S608
    return {
        "kind": KIND,
        "table": job.table,
        "connection": job.connection,
        "schema": put_json(job.objects, {"columns": [list(column) for column in job.columns]}),
        **_rows_objects(job, joined, added + changed + removed, extent),
        "previous": job.before.manifest if job.before else None,
        "rows": extent.rows,
        "digest": digest,
        "seq": job.seq,
        "next_idx": job.next_idx + added,
        "duckdb": duckdb.__version__,
    }


def _numbers(job: _Job) -> str:
    """Give the added rows their idx in the order of their keys; return the SQL table of all rows of now.

    Sorting them into a file and counting its rows takes no memory, as a window over all of them does.
    """
    fresh, plan = job.folder / "fresh.parquet", read_parquet(job.folder / PLAN)
    wanted = f"{KEYS}, _h, _size"
    copy(job.session, f"SELECT {wanted}, _at FROM {plan} WHERE _op = 'add' ORDER BY _at", fresh, STAGING)  # noqa: S608
    return (
        f"(SELECT idx, {wanted}, _op, _at FROM {plan} WHERE _op IN ('same', 'change') UNION ALL "  # noqa: S608
        f"SELECT {job.next_idx} + file_row_number, {wanted}, 'add', _at FROM {numbered(fresh)})"
    )


def _joined(job: _Job, now: str, staged: Staged) -> str:
    """Return the SELECT of every staged row with its idx and _op, in the order of the keys.

    The numbers are sorted into the order of the stage and laid beside it: joining wide rows by their keys
    would write all of them to disk once more.
    """
    beside = job.folder / "beside.parquet"
    copy(job.session, f"SELECT idx, _op FROM {now} ORDER BY _at", beside, STAGING)  # noqa: S608
    return f"SELECT n.idx, n._op, s.* FROM {staged.rows} s POSITIONAL JOIN {read_parquet(beside)} n"  # noqa: S608


def _rows_objects(job: _Job, joined: str, changes: int, extent: Extent) -> dict[str, Any]:
    """Store a base, or a delta (and its roll-up when due); return what the manifest says of them."""
    before = job.before
    if (
        before is None
        or not job.same_columns
        or before.body["month"] != job.month
        or (changes > _REBASE_ROWS and changes * _REBASE_SHARE > extent.rows)
    ):
        base = job.objects.put_file(job.folder / TABLE)
        return {"month": job.month, "base": base, "rollups": None, "deltas": [], "earlier": None}
    kept = {"month": job.month, "base": before.body["base"], "rollups": before.body["rollups"]}
    delta = _write_delta(job, joined, extent.share(changes))
    if len(before.deltas) + 1 >= ROLL_UP:
        rollup = _write_rollup(job, before, delta, extent)
        return {
            **kept,
            "rollups": put_json(job.objects, [*before.rollups, rollup]),
            "deltas": [],
            "earlier": None,
        }
    stored = job.objects.put_file(delta)
    listed = before.body["deltas"]
    if len(listed) >= LISTED:
        return {**kept, "deltas": [stored], "earlier": before.manifest}
    return {**kept, "deltas": [*listed, stored], "earlier": before.body["earlier"]}


def _write_delta(job: _Job, joined: str, extent: Extent) -> Path:
    path = job.folder / "delta"
    columns = names(job.columns)
    nothing = ", ".join(f"NULL::{kind}" for _, kind in job.columns)
    plan = read_parquet(job.folder / PLAN)
    rows = (
        f"SELECT {job.seq} AS _seq, * FROM ("  # noqa: S608
        f"SELECT NULL::BOOLEAN AS _gone, idx, {columns} FROM ({joined}) WHERE _op <> 'same' "
        f"UNION ALL SELECT true, idx, {nothing} FROM {plan} WHERE _op = 'gone')"
    )
    sorted_copy(job.session, rows, names(change_columns(job.columns)), "idx", path, _DELTA, extent)
    return path


def _write_rollup(job: _Job, before: Chain, delta: Path, extent: Extent) -> str:
    """Store the last change of each idx since the last roll-up; return the digest."""
    columns = change_columns(job.columns)
    paths = [*(fetch(digest, job.objects) for digest in before.deltas), delta]
    flat, last, path = job.folder / "changes.parquet", job.folder / "last.parquet", job.folder / "rollup"
    copy(job.session, f"SELECT * FROM {read_rows(paths, columns, gzip=True)}", flat, STAGING)  # noqa: S608
    copy(
        job.session,
        f"SELECT {names(columns)} FROM {read_parquet(flat)} SEMI JOIN "  # noqa: S608
        f"(SELECT idx, max(_seq) AS _seq FROM {read_parquet(flat)} GROUP BY idx) USING (idx, _seq)",
        last,
        STAGING,
    )
    rows = read_parquet(last)
    extent = extent.share(count(job.session, rows))
    sorted_copy(job.session, f"SELECT * FROM {rows}", names(columns), "idx", path, _DELTA, extent)  # noqa: S608
    return job.objects.put_file(path)
