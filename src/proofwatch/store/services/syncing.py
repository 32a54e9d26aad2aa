"""Asking that a connection be read again now, outside its schedule."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from proofwatch.connectors.registry import connector_class
from proofwatch.store import log
from proofwatch.store.base import StoreError
from proofwatch.store.django import write
from proofwatch.store.models import Connection
from proofwatch.store.models.connections import ConnectionState
from proofwatch.store.services import hints
from proofwatch.store.services.actors import administering
from proofwatch.store.services.naming import unknown


def ask(connection: Connection, tables: Sequence[str] = (), *, actor: str, now: datetime) -> list[str]:
    """Ask a worker to read tables of a connection again, all if none is named; return their names.

    Raises:
        StoreError: who asks may not, a table is unknown, or the connection rests or was never set up.
    """
    doing = f"reading {connection.name} again"
    administering(actor, doing)
    known = sorted(connector_class(connection.kind).tables())
    for name in tables:
        if name not in known:
            raise unknown(doing, "table", name, known)
    if connection.state == ConnectionState.PAUSED:
        raise StoreError(doing, f"it rests: {connection.paused_reason}", "end the pause first")
    if connection.next_due_at is None:
        raise StoreError(doing, "it was never connected", "connect it again on the command line")
    chosen = list(dict.fromkeys(tables)) or known
    with write(doing):
        log.lock()
        hints.add(connection, [(name, "", "") for name in chosen], now)
        said = f"asked that {len(chosen)} of {len(known)} tables be read again now"
        log.append("log.noted", actor, {"connection": connection.name, "note": said}, now)
    return chosen
