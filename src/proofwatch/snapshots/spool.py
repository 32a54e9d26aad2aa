"""Stream the rows of one table in one place to a finished, validated NDJSON file.

A file under its final name is complete; whatever was interrupted has a temporary name. Every writing has a
name of its own, so that two who write the same table at once never meet: which one counts is told by the
record that is left for it (`snapshots.exchange`). Finished files lie in folders by the digest of their
place: a large company has a hundred thousand of them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import IO, Any

from proofwatch.connectors.base import KEY, Row, Table
from proofwatch.snapshots.base import Part, SnapshotError
from proofwatch.snapshots.repeated import Repeated
from proofwatch.snapshots.typed import Check, Misfit, compile_columns

_BATCH = 500
"""Rows encoded and written together."""

_ROW_LIMIT = 4_000_000
"""Characters of one row; DuckDB's JSON reader takes objects of up to 16 MiB, and UTF-8 has up to 4 bytes."""

_encode = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False
).encode

_Plan = list[tuple[str, type | None, Check]]


def write_part(folder: Path, table: Table, account_id: str, region: str, rows: Iterable[Row]) -> Part:
    """Write every row; return the finished part. Memory does not grow with their number.

    A value that does not fit its column's type becomes NULL and its column is named in the row's
    `_unread`. Members that the table does not declare are left out; missing ones are NULL. Rows that the
    provider listed twice, word for word, are kept once and counted.

    Args:
        folder: existing folder on local disk.
        table: the declaration; `columns` gives names and DuckDB types.
        account_id: the place's account; every row must carry it.
        region: the place's region; every row must carry it.
        rows: what the connector read; an error it raises passes through, and no file is left.

    Raises:
        SnapshotError: a row has no identity, belongs to another place, or two different rows share one
            identity; then the whole part is refused, because nothing can be said about such a table.
    """
    doing = f"writing {table.name} of {account_id} in {region}"
    stem = stem_of(table.name, account_id, region)
    once = uuid.uuid4().hex[:12]
    temporary = folder / f"{stem}.{once}.tmp"
    try:
        with Repeated() as hashes, temporary.open("wb") as file:
            for line in _lines(table, account_id, region, rows, hashes, doing):
                file.write(line)
            _sync(file)
            twice = hashes.twice()
        dropped = _drop_duplicates(temporary, twice, doing) if twice else 0
        count = len(hashes) - dropped
        home = _home(folder, stem)
        if not home.exists():
            home.mkdir(exist_ok=True)
            _sync_folder(folder)
        final = home / f"{stem}.{once}.ndjson"
        temporary.replace(final)
        _sync_folder(home)
    finally:
        temporary.unlink(missing_ok=True)
    return Part(table.name, account_id, region, final, count, dropped)


def write_some(folder: Path, table: Table, account_id: str, region: str, rows: Iterable[Row]) -> Part | None:
    """Write every row as `write_part` does; where there is none, write nothing and return None."""
    left = iter(rows)
    for first in left:
        return write_part(folder, table, account_id, region, chain((first,), left))
    return None


def _home(folder: Path, stem: str) -> Path:
    """Return the folder of a finished file, one of 256."""
    return folder / stem[-16:-14]


def stem_of(table: str, account_id: str, region: str) -> str:
    """Return the beginning of a file's name: readable; a digest keeps apart what the readable part cannot."""
    exact = hashlib.sha256(json.dumps([table, account_id, region]).encode()).hexdigest()[:16]
    readable = (re.sub(r"[^A-Za-z0-9_-]", "_", text)[:60] for text in (table, account_id, region))
    return ".".join([*readable, exact])


@lru_cache(maxsize=1024)
def _plan(table: Table) -> _Plan:
    columns = tuple((column.name, column.type) for column in table.columns)
    return [item for item in compile_columns(columns, table.name) if item[0] not in (*KEY, "_unread")]


def _lines(
    table: Table, account_id: str, region: str, rows: Iterable[Row], hashes: Repeated, doing: str
) -> Iterator[bytes]:
    """Yield encoded batches of lines, and note each resource's hash."""
    plan = _plan(table)
    batch: list[dict[str, Any]] = []
    for row in rows:
        resource = row.get("resource")
        if row.get("account_id") != account_id or row.get("region") != region:
            raise _misplaced(row, len(hashes), doing)
        if type(resource) is not str or not resource:
            raise _nameless(resource, len(hashes), doing)
        hashes.append(hash(resource))
        batch.append(_fit(row, plan, doing))
        if len(batch) == _BATCH:
            yield _encoded(batch)
            batch = []
    if batch:
        yield _encoded(batch)


def _fit(row: Row, plan: _Plan, doing: str) -> dict[str, Any]:
    """Return the row as it is written: declared members that have a value, and what is unread."""
    out: dict[str, Any] = {
        "account_id": row["account_id"],
        "region": row["region"],
        "resource": row["resource"],
    }
    marked = row.get("_unread")
    unread: dict[str, str] = _reasons(marked, row, doing) if marked else {}
    get = row.get
    for name, exact, check in plan:
        value = get(name)
        if value is None:
            continue
        if type(value) is exact:
            out[name] = value
            continue
        try:
            out[name] = check(value)
        except Misfit as misfit:
            unread[name] = misfit.reason(name)
    if unread:
        out["_unread"] = dict(sorted(unread.items()))
    return out


def _encoded(batch: list[dict[str, Any]]) -> bytes:
    lines = [_encode(row) for row in batch]
    if max(map(len, lines)) > _ROW_LIMIT:
        lines = [_shortened(row, line) for row, line in zip(batch, lines, strict=True)]
    try:
        return ("\n".join(lines) + "\n").encode()
    except UnicodeEncodeError:
        return "".join(_encode(_without_surrogates(row)) + "\n" for row in batch).encode()


def _shortened(row: dict[str, Any], line: str) -> str:
    """Drop the largest values of a row that the engine could not read back."""
    while len(line) > _ROW_LIMIT:
        sizes = {name: len(_encode(value)) for name, value in row.items() if name not in (*KEY, "_unread")}
        name = max(sizes, key=lambda key: sizes[key], default="")
        if not name:
            break
        del row[name]
        _mark(row, name, f"{name}: too large to keep ({sizes[name]} characters)")
        line = _encode(row)
    return line


def _without_surrogates(row: dict[str, Any]) -> dict[str, Any]:
    """Drop the values that have no UTF-8 form."""
    for name in [name for name in row if not _is_unicode(row[name])]:
        if name in (*KEY, "_unread"):
            raise SnapshotError("writing a row", f"its {name} is not valid Unicode text", permanent=False)
        del row[name]
        _mark(row, name, f"{name}: expected text, got text that is not valid Unicode")
    return row


def _is_unicode(value: Any) -> bool:
    try:
        _encode(value).encode()
    except UnicodeEncodeError:
        return False
    return True


def _mark(row: dict[str, Any], name: str, reason: str) -> None:
    row["_unread"] = dict(sorted({**row.get("_unread", {}), name: reason}.items()))


def _reasons(marked: Any, row: Row, doing: str) -> dict[str, str]:
    if isinstance(marked, dict) and all(
        isinstance(name, str) and isinstance(why, str) for name, why in marked.items()
    ):
        return dict(marked)
    raise SnapshotError(
        doing,
        f"the row {row['resource']!r} does not say in column → reason form what of it is unread",
        "This is a fault of the connector; please report it.",
    )


def _misplaced(row: Row, number: int, doing: str) -> SnapshotError:
    place = {name: row.get(name) for name in ("account_id", "region")}
    return SnapshotError(
        doing,
        f"row {number + 1} says it belongs to {place['account_id']!r} in {place['region']!r}",
        "This is a fault of the connector; please report it.",
    )


def _nameless(resource: object, number: int, doing: str) -> SnapshotError:
    found = "nothing" if resource is None else "empty text" if resource == "" else type(resource).__name__
    return SnapshotError(
        doing,
        f"row {number + 1} has no identity: its resource is {found}",
        "A table whose rows cannot be told apart cannot be judged; please report it.",
    )


def _drop_duplicates(path: Path, twice: set[int], doing: str) -> int:
    """Rewrite the file without exact repetitions; return how many there were."""
    seen: dict[str, bytes] = {}
    dropped = 0
    thinned = path.with_suffix(".thin.tmp")
    try:
        with path.open("rb") as source, thinned.open("wb") as target:
            for line in source:
                resource = json.loads(line)["resource"]
                if hash(resource) in twice:
                    digest = hashlib.sha256(line).digest()
                    before = seen.setdefault(resource, digest)
                    if before != digest:
                        raise _contradiction(resource, doing)
                    if before is not digest:
                        dropped += 1
                        continue
                target.write(line)
            _sync(target)
        thinned.replace(path)
    finally:
        thinned.unlink(missing_ok=True)
    return dropped


def _contradiction(resource: str, doing: str) -> SnapshotError:
    # It may have changed between two pages, so another reading can succeed.
    return SnapshotError(
        doing,
        f"{resource!r} is listed twice with different values",
        "It may have changed while it was read; sweep again.",
        permanent=False,
    )


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
