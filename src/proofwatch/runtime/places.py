"""Where a sweep is read: its workers, what gives their turns, and where they leave what they read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from proofwatch.connectors.turns import FolderTurns, Turns
from proofwatch.runtime.bucket import Bucket
from proofwatch.runtime.cluster import Cluster, ClusterTurns, Tls
from proofwatch.runtime.executor import Local, Workers
from proofwatch.snapshots.exchange import Exchange, SharedFolder


@dataclass(frozen=True, slots=True)
class Places:
    """What belongs together: the workers, and what they share."""

    workers: Workers
    turns: Turns
    exchange: Callable[[str], Exchange]
    """For the id of a sweep."""


def places(
    kind: str,
    size: int,
    work: Path,
    *,
    tls: tuple[str, str, str] | None = None,
    exchange: str = "",
    endpoint: str = "",
) -> Places:
    """Return where sweeps are read.

    Args:
        kind: `threads`, `processes`, or the address of a Dask scheduler.
        size: number of threads or processes.
        work: folder of sweeps in progress on this machine.
        tls: files of the authority, our certificate and its key, for a scheduler that speaks TLS.
        exchange: a folder that every worker sees, or `s3://bucket/prefix`; "" for `work`.
        endpoint: of an S3 that is not AWS's.
    """
    options = {"endpoint": endpoint} if endpoint else {}

    def left_at(sweep: str) -> Exchange:
        if exchange.startswith("s3://"):
            return Bucket(exchange, sweep, options, work / sweep)
        return SharedFolder((Path(exchange) if exchange else work) / sweep)

    if kind in ("threads", "processes"):
        return Places(Local(kind, size), FolderTurns(work / "turns"), left_at)
    return Places(Cluster(kind, Tls(*tls) if tls else None), ClusterTurns(), left_at)
