"""A table as it stood after any sweep, rebuilt from its objects and proven against its digest.

The cache holds rebuilt tables by manifest digest: `table.parquet` (idx, then the columns, sorted by key)
and `index.parquet` (idx, key, row hash and size, for the next comparison). It may be emptied at any time and
proves nothing: what is used from it is compared with the checksums noted beside it, which finds a damaged
disk but not a forger; `prove` never looks at it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from proofwatch.snapshots.base import Objects, SnapshotError, State
from proofwatch.snapshots.canon import (
    KEYS,
    PARQUET,
    STAGING,
    Columns,
    copy,
    engine_errors,
    hashed,
    names,
    read_parquet,
    read_rows,
    table_digest,
    with_room,
)
from proofwatch.snapshots.engine import connect
from proofwatch.snapshots.manifest import Chain, fetch, resolve, state
from proofwatch.snapshots.sorting import extent_of, sorted_copy

TABLE = "table.parquet"
KEY_FILE = "index.parquet"
KEPT = f"idx, {KEYS}, _h, _size"
"""Columns of the file of keys."""
INPUTS = "inputs"
"""Digest of the parts that gave a state: the same parts again need no comparison row by row."""
_SUMS = "sums.json"
_NEW = ".new-"
_ABANDONED = 86_400
"""Seconds after which an unfinished folder belongs to no living process."""


def materialise(
    manifest: str,
    objects: Objects,
    cache: Path,
    *,
    memory_limit: str = "",
) -> Path:
    """Return the whole table as one local Parquet: `idx`, then its columns, sorted by key.

    Args:
        manifest: digest of the state's manifest.
        objects: where its objects are.
        cache: folder for rebuilt tables; made if missing.
        memory_limit: what the engine may hold; by default as `with_room` says.

    Raises:
        SnapshotError: an object is missing or changed, or the rebuilt rows do not have the digest that was
            committed to. Nothing is left in the cache then.
    """
    return cached(manifest, objects, cache, memory_limit=memory_limit) / TABLE


def cached(manifest: str, objects: Objects, cache: Path, *, memory_limit: str = "") -> Path:
    """Return the cache's folder of a state, rebuilt and proven if it is missing or damaged."""
    folder = cache / manifest
    if _intact(folder):
        return folder
    with new_folder(cache) as fresh:
        _build(resolve(manifest, objects), objects, fresh, memory_limit)
        return keep(fresh, cache, manifest)


def prove(
    manifest: str,
    objects: Objects,
    *,
    work: Path | None = None,
    memory_limit: str = "",
) -> State:
    """Derive the digest of a state again from base and changes alone; return the state if it holds.

    Args:
        manifest: digest of the state's manifest.
        objects: where its objects are.
        work: existing folder for temporary files; the system's by default.
        memory_limit: what the engine may hold; by default as `with_room` says.

    Raises:
        SnapshotError: an object is missing or changed, or the digest is not the one committed to.
    """
    chain = resolve(manifest, objects)
    with tempfile.TemporaryDirectory(dir=work, prefix="prove-") as folder:
        _build(chain, objects, Path(folder), memory_limit)
    return state(chain.manifest, chain.body, chain.columns, (0, 0, 0))


def prune(cache: Path, keep_latest: int) -> int:
    """Remove all but the most recently made states; return how many were removed.

    What a killed process left unfinished goes too, once it is a day old and surely nobody's.
    """
    folders = [path for path in cache.iterdir() if path.is_dir()] if cache.exists() else []
    states = [path for path in folders if not path.name.startswith(_NEW)]
    gone = sorted(states, key=_made, reverse=True)[keep_latest:]
    left = [path for path in folders if path.name.startswith(_NEW) and _made(path) < time.time() - _ABANDONED]
    for folder in (*gone, *left):
        shutil.rmtree(folder, ignore_errors=True)
    return len(gone)


def _made(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def finish_keys(session: duckdb.DuckDBPyConnection, keys: str, folder: Path) -> str:
    """Write the file of keys into `folder`; return the table's digest.

    Args:
        session: an open engine.
        keys: SQL SELECT of `KEPT`, in any order.
        folder: existing, on local disk.
    """
    copy(session, f"SELECT * FROM ({keys}) ORDER BY idx", folder / KEY_FILE, STAGING)  # noqa: S608
    return table_digest(session, read_parquet(folder / KEY_FILE))


def keep(fresh: Path, cache: Path, manifest: str) -> Path:
    """Move a finished folder into the cache; return where it is. A folder that is there is whole."""
    sums = {name: _sum(fresh / name) for name in (TABLE, KEY_FILE)}
    for leftover in fresh.iterdir():
        if leftover.name not in (*sums, INPUTS):
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    (fresh / _SUMS).write_text(json.dumps(sums), encoding="utf-8")
    target = cache / manifest
    if target.exists() and not _intact(target):
        shutil.rmtree(target, ignore_errors=True)
    try:
        fresh.rename(target)
    except OSError:
        if not _intact(target):
            raise
    return target


@contextmanager
def new_folder(parent: Path) -> Iterator[Path]:
    """Give a temporary folder inside `parent`, gone at the end unless it was moved."""
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=parent, prefix=f"{_NEW}{os.getpid()}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _build(chain: Chain, objects: Objects, folder: Path, memory_limit: str) -> None:
    """Rebuild a state's files in `folder`, and check rows and digest."""
    with_room(lambda limit: _rebuild(chain, objects, folder, limit), memory_limit)


def _rebuild(chain: Chain, objects: Objects, folder: Path, memory_limit: str) -> None:
    doing = f"rebuilding {chain.body['table']} as of manifest {chain.manifest}"
    base, *changes = [fetch(digest, objects) for digest in chain.objects]
    spill = folder / "spill"
    spill.mkdir(exist_ok=True)
    with engine_errors(doing), connect(memory_limit, temp=spill) as session:
        stage = folder / "stage.parquet"
        rows = _latest(session, chain.columns, base, changes, folder)
        copy(session, hashed(chain.columns, rows), stage, STAGING)
        source = read_parquet(stage)
        extent = extent_of(session, source)
        columns = f"idx, {names(chain.columns)}"
        sorted_copy(session, f"SELECT * FROM {source}", columns, KEYS, folder / TABLE, PARQUET, extent)  # noqa: S608
        digest = finish_keys(session, f"SELECT {KEPT} FROM {source}", folder)  # noqa: S608
    found = extent.rows
    if (found, digest) != (chain.body["rows"], chain.body["digest"]):
        raise SnapshotError(
            doing,
            f"the objects give {found} rows with the digest {digest}; manifest {chain.manifest} committed to "
            f"{chain.body['rows']} rows with {chain.body['digest']}",
            "The manifest and its objects do not belong together: do not rely on this state.",
        )


def _latest(
    session: duckdb.DuckDBPyConnection, columns: Columns, base: Path, changes: list[Path], folder: Path
) -> str:
    """Return the SELECT of idx and every column: the base, with the last change of each idx applied."""
    wanted = f"idx, {names(columns)}"
    if not changes:
        return f"SELECT {wanted} FROM {read_parquet(base)}"  # noqa: S608
    flat = folder / "changes.parquet"
    copy(session, f"SELECT * FROM {read_rows(changes, change_columns(columns), gzip=True)}", flat, STAGING)  # noqa: S608
    session.execute(
        f"CREATE TABLE latest AS SELECT idx, max(_seq) AS _seq FROM {read_parquet(flat)} GROUP BY idx"  # noqa: S608
    )
    return (
        f"SELECT {wanted} FROM {read_parquet(base)} ANTI JOIN latest USING (idx) UNION ALL "  # noqa: S608
        f"SELECT {wanted} FROM {read_parquet(flat)} SEMI JOIN latest USING (idx, _seq) WHERE _gone IS NULL"
    )


def change_columns(columns: Columns) -> Columns:
    """Return the columns of a delta or roll-up."""
    return (("_seq", "BIGINT"), ("_gone", "BOOLEAN"), ("idx", "BIGINT"), *columns)


def _intact(folder: Path) -> bool:
    """Tell whether a cached state is what was put there; damage means it is rebuilt."""
    try:
        sums = json.loads((folder / _SUMS).read_text("utf-8"))
        return bool({name: _sum(folder / name) for name in (TABLE, KEY_FILE)} == sums)
    except (OSError, ValueError):
        return False


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
