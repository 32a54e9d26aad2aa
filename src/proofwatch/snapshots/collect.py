"""Read one shard into finished parts on local disk. Runs in a thread, or in another process."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from proofwatch.connectors.base import Connector, ReadStats, Row, Shard, Unread
from proofwatch.connectors.registry import connector_class
from proofwatch.errors import ProofwatchError
from proofwatch.snapshots.base import Part
from proofwatch.snapshots.spool import finished_part, write_part


@dataclass(frozen=True, slots=True)
class Reading:
    """How the reading of one table in one place ended. `reason` is empty when it is complete."""

    table: str
    account_id: str
    region: str
    rows: int
    calls: int
    pages: int
    seconds: float
    started_at: str
    reason: str = ""
    permission: str = ""
    code: str = ""
    lacking: int = 0
    """Rows of which something could not be read: a second call was refused."""
    lacking_why: str = ""
    """One column of such a row, and why."""

    @property
    def complete(self) -> bool:
        """Tell whether every row was read."""
        return not self.reason


def collect_shard(kind: str, settings: str, shard: Shard, folder: Path) -> list[Reading]:
    """Read every table of `shard`; a table that fails is recorded and the next one is read.

    Safe to repeat: a table whose part and record are finished in `folder` is not read again.

    Args:
        kind: connector, as in the registry.
        settings: the connection's settings as JSON text.
        shard: what to read.
        folder: the sweep's working folder; must exist.
    """
    connector = _connector(kind, settings)
    connector.begin(folder.name)
    return [_collect_table(connector, shard, table, folder) for table in shard.tables]


def collected_part(folder: Path, table: Any, reading: Reading) -> Part | None:
    """Return the finished part behind a complete reading."""
    return finished_part(folder, table, reading.account_id, reading.region)


@lru_cache(maxsize=8)
def _connector(kind: str, settings: str) -> Connector:
    """Keep one connector per process and connection: its sessions are costly to make."""
    cls = connector_class(kind)
    return cls(cls.Settings.model_validate_json(settings))


def forget_connectors() -> None:
    """Drop cached connectors, so that changed credentials are read again."""
    _connector.cache_clear()


def _collect_table(connector: Connector, shard: Shard, table: str, folder: Path) -> Reading:
    declared = connector.tables()[table]
    record = folder / f"{shard.id}.{table}.reading.json"
    done = _finished(record)
    if done is not None and finished_part(folder, declared, shard.account_id, shard.region) is not None:
        return done
    stats = ReadStats()
    began, started_at = time.monotonic(), _now()
    failure: dict[str, str] = {}
    lacking: list[str] = []
    rows = 0
    try:
        found = _noting(connector.read(shard, table, stats), lacking)
        part = write_part(folder, declared, shard.account_id, shard.region, found)
        rows = part.rows
    except Unread as error:
        failure = {"reason": _reason(error), "permission": error.permission, "code": error.code}
    except ProofwatchError as error:
        failure = {"reason": _reason(error)}
    except Exception as error:  # noqa: BLE001 - recorded as a fact: the table is unread, the sweep goes on
        # Its text may hold anything, a secret too, and this reason becomes evidence: the type alone is kept.
        failure = {"reason": f"the reader failed with {type(error).__name__}", "code": "Internal"}
    reading = Reading(
        table=table,
        account_id=shard.account_id,
        region=shard.region,
        rows=rows,
        calls=stats.calls,
        pages=stats.pages,
        seconds=round(time.monotonic() - began, 3),
        started_at=started_at,
        lacking=len(lacking),
        lacking_why=lacking[0] if lacking else "",
        **failure,
    )
    if reading.complete:
        _record(record, asdict(reading))
    return reading


def _noting(rows: Iterable[Row], lacking: list[str]) -> Iterator[Row]:
    """Pass rows on, and note one reason for each row that lacks a value."""
    for row in rows:
        unread = row.get("_unread")
        if unread:
            column = min(unread)
            lacking.append(f"{column}: {unread[column]}")
        yield row


def _reason(error: ProofwatchError) -> str:
    return " ".join(error.problem.split())


def _finished(record: Path) -> Reading | None:
    try:
        return Reading(**json.loads(record.read_text("utf-8")))
    except FileNotFoundError:
        return None


def _record(path: Path, body: Mapping[str, Any]) -> None:
    """Write atomically: a record that exists is whole."""
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(body, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
