"""Read shards into finished parts. Runs in a thread, in another process, or on another machine."""

from __future__ import annotations

import errno
import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from proofwatch import __version__
from proofwatch.connectors import turns
from proofwatch.connectors.base import Connector, ReadStats, Row, Shard, Unread
from proofwatch.connectors.registry import connector_class
from proofwatch.connectors.turns import Turns
from proofwatch.errors import ProofwatchError
from proofwatch.snapshots.base import Part, SnapshotError
from proofwatch.snapshots.exchange import NOTHING, Exchange
from proofwatch.snapshots.spool import write_some

TOGETHER = 100
"""Readings that have one record: a company's millions of empty places would be millions of records."""

OWN_FAULTS = frozenset(
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EROFS", "EIO", "EFBIG", "EMFILE", "ENFILE", "ESTALE")
)
"""What a system call says when it is this machine that cannot go on, whatever the source answers."""


class WorkerFault(SnapshotError):
    """A worker cannot do its work: not for what the source says, but for what is wrong with itself.

    Another worker may do it; until one did, nothing is known of the source.

    Attributes:
        worker: which one, as its executor knows it; "" where it is not told apart.
    """

    worker: str = ""

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling between worker processes with every field intact."""
        return (_rebuild_fault, (self.doing, self.problem, self.remedy, self.worker))


def _rebuild_fault(doing: str, problem: str, remedy: str, worker: str) -> WorkerFault:
    fault = WorkerFault(doing, problem, remedy)
    fault.worker = worker
    return fault


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
    part: str = ""
    """The file with the rows, below the exchange's folder; "" where there are none."""
    duplicates: int = 0
    """Rows that the provider listed twice, word for word."""

    @property
    def complete(self) -> bool:
        """Tell whether every row was read."""
        return not self.reason


_NAMES = tuple(item.name for item in fields(Reading))


@dataclass(frozen=True, slots=True)
class Task:
    """What one worker is asked to do: read some shards of one sweep. Picklable, and without any secret.

    Attributes:
        kind: connector, as in the registry.
        settings: the connection's settings as JSON text.
        sweep: whose reading it is: what an earlier sweep listed is not used.
        shards: what to read.
        exchange: where the parts are left.
        turns: whose turn it is to ask the provider.
        version: of Proofwatch, which the worker must have, too.
    """

    kind: str
    settings: str
    sweep: str
    shards: tuple[Shard, ...]
    exchange: Exchange
    turns: Turns
    version: str = __version__

    @property
    def name(self) -> str:
        """Return how the task is called where it must be named: by its first shard and how many more."""
        more = f" and {len(self.shards) - 1} more" if len(self.shards) > 1 else ""
        return f"{self.shards[0].id}{more}"

    @property
    def doing(self) -> str:
        """Return what is done to a table."""
        return "reading it"

    @property
    def near(self) -> str:
        """Return "": any worker may read it."""
        return ""

    def pieces(self) -> list[Task]:
        """Return the same work as one task for each table in each place."""
        return [
            replace(self, shards=(replace(shard, tables=(table,)),))
            for shard in self.shards
            for table in shard.tables
        ]


def collect(task: Task) -> list[Reading]:
    """Read every table of a task's shards; a table that fails is recorded and the next one is read.

    Safe to repeat, and to do twice at once: what is finished is not read again, and the first who finishes
    a table is the one who counts.

    Raises:
        WorkerFault: this worker has another version of Proofwatch, or cannot write.
    """
    if task.version != __version__:
        problem = f"this worker has Proofwatch {__version__}, and the sweep {task.version}"
        raise WorkerFault(f"reading {task.name}", problem, "Give every worker the same version.")
    turns.share(task.turns)
    connector = _connector(task.kind, task.settings)
    connector.begin(task.sweep)
    try:
        return [
            reading
            for shards in _recorded_together(task.shards)
            for reading in _collect_shards(connector, shards, task.exchange)
        ]
    except (OSError, SnapshotError) as error:
        why = error.problem if isinstance(error, SnapshotError) else error.strerror or type(error).__name__
        problem = f"the worker cannot keep what it reads: {why}"
        raise WorkerFault(f"reading {task.name}", problem, "Give it room to write.") from None


def collected_part(reading: Reading) -> Part:
    """Return the part behind a complete reading; its path is its name in the exchange."""
    name = Path(reading.part if reading.rows else NOTHING)
    return Part(reading.table, reading.account_id, reading.region, name, reading.rows, reading.duplicates)


@lru_cache(maxsize=8)
def _connector(kind: str, settings: str) -> Connector:
    """Keep one connector per process and connection: its sessions are costly to make."""
    cls = connector_class(kind)
    return cls(cls.Settings.model_validate_json(settings))


def forget_connectors() -> None:
    """Drop cached connectors, so that changed credentials are read again."""
    _connector.cache_clear()


def _recorded_together(shards: Sequence[Shard]) -> Iterator[list[Shard]]:
    """Yield the shards of a task as they have one record."""
    held: list[Shard] = []
    for shard in shards:
        if held and sum(len(item.tables) for item in (*held, shard)) > TOGETHER:
            yield held
            held = []
        held.append(shard)
    if held:
        yield held


def _collect_shards(connector: Connector, shards: Sequence[Shard], exchange: Exchange) -> list[Reading]:
    """Read some shards, and leave what is complete as one record; what an earlier one lacks is read again."""
    body = json.dumps([astuple(shard) for shard in shards])
    name = f"{hashlib.sha256(body.encode()).hexdigest()}.json"
    kept = exchange.record(name)
    known = _readings(kept) if kept else {}
    found = [
        known.get((table, shard.account_id, shard.region))
        or _collect_table(connector, shard, table, exchange)
        for shard in shards
        for table in shard.tables
    ]
    whole = [{name: getattr(item, name) for name in _NAMES} for item in found if item.complete]
    if not whole or kept:
        return found
    first = _readings(exchange.leave(name, json.dumps(whole).encode()))
    return [first.get((item.table, item.account_id, item.region), item) for item in found]


def _readings(record: bytes) -> dict[tuple[str, str, str], Reading]:
    found = [Reading(**item) for item in json.loads(record)]
    return {(item.table, item.account_id, item.region): item for item in found}


def _collect_table(connector: Connector, shard: Shard, table: str, exchange: Exchange) -> Reading:
    declared = connector.tables()[table]
    folder = exchange.folder()
    stats = ReadStats()
    began, started_at = time.monotonic(), _now()
    failure: dict[str, str] = {}
    lacking = _Lacking()
    part: Part | None = None
    try:
        found = lacking.noting(connector.read(shard, table, stats))
        part = write_some(folder, declared, shard.account_id, shard.region, found)
    except Unread as error:
        failure = {"reason": _reason(error), "permission": error.permission, "code": error.code}
    except ProofwatchError as error:
        failure = {"reason": _reason(error)}
    except Exception as error:  # recorded as a fact: the table is unread, the sweep goes on
        if isinstance(error, OSError) and error.errno in OWN_FAULTS:
            raise
        # Its text may hold anything, a secret too, and this reason becomes evidence: the type alone is kept.
        failure = {"reason": f"the reader failed with {type(error).__name__}", "code": "Internal"}
    return Reading(
        table=table,
        account_id=shard.account_id,
        region=shard.region,
        rows=part.rows if part else 0,
        calls=stats.calls,
        pages=stats.pages,
        seconds=round(time.monotonic() - began, 3),
        started_at=started_at,
        lacking=lacking.rows,
        lacking_why=lacking.why,
        part=exchange.send(part) if part else "",
        duplicates=part.duplicates if part else 0,
        **failure,
    )


@dataclass(slots=True)
class _Lacking:
    """How many rows lack a value, and one reason."""

    rows: int = 0
    why: str = ""

    def noting(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Pass rows on, and count those that lack a value."""
        for row in rows:
            unread = row.get("_unread")
            if unread:
                self.rows += 1
                if not self.why:
                    column = min(unread)
                    self.why = f"{column}: {unread[column]}"
            yield row


def _reason(error: ProofwatchError) -> str:
    return " ".join(error.problem.split())


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
