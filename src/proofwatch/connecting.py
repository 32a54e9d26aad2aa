"""Connecting a source system: who we are there, what works, what we could write, what exists; all kept.

The command line and the pages both connect through here, so that both keep the same proof.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import rfc8785

from proofwatch.connectors.base import ConnectorError
from proofwatch.connectors.registry import connector_class
from proofwatch.snapshots.base import Objects
from proofwatch.store.models import Connection
from proofwatch.store.models.connections import ConnectionState
from proofwatch.store.services import connections

INTERVAL = 15
"""Minutes between sweeps, where nobody says otherwise."""


def connect(
    objects: Objects,
    kind: str,
    name: str,
    given: Mapping[str, Any],
    *,
    actor: str,
    now: datetime,
    interval: int | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Test a source system and keep what was found, as evidence; the same name again changes the connection.

    Args:
        objects: where the provider's answers are kept.
        kind: of the connector.
        name: of the connection.
        given: its settings, as a person gave them.
        actor: written beside what is kept.
        now: the time.
        interval: minutes between sweeps; None leaves them, or takes the usual ones.
        progress: hears in words what is asked next.

    Returns:
        connection, state, the digest of the evidence, identity, permissions, read-only proof and scope, as
        plain data.

    Raises:
        ConnectorError: a setting is wrong, or the system does not accept us. Nothing is stored then.
        StoreError: the name, the interval or the actor is refused.
    """
    check_same_kind(name, kind)
    cls = connector_class(kind)
    settings = cls.parse_settings(given)
    connector = cls(settings)
    progress("asking who we are")
    identity = connector.identity()
    progress("testing permissions by name")
    permissions = connector.permissions(sorted(cls.tables()))
    progress("asking what we could write")
    proof = connector.prove_read_only()
    progress("listing what exists")
    scope = connector.scope()
    evidence = {
        "connector": kind,
        "tested_at": now.isoformat().replace("+00:00", "Z"),
        "identity": asdict(identity),
        "permissions": [asdict(item) for item in permissions],
        "read_only": asdict(proof),
        "scope": asdict(scope),
    }
    digest = objects.put(rfc8785.dumps(_plain(evidence)))
    missing = sorted({item.name for item in permissions if item.allowed is False})
    state = ConnectionState.NEEDS_PERMISSION if missing else ConnectionState.CONNECTED
    body = settings.model_dump(mode="json", exclude_defaults=True)
    connections.record_test(
        _keep(kind, name, body, interval, actor, now),
        actor=actor,
        now=now,
        state=state,
        problem=", ".join(missing)[:2000],
        identity=identity,
        proof=proof,
        proof_object=digest,
        permissions=permissions,
    )
    return {"connection": name, "state": str(state), "evidence": digest, **evidence}


def check_same_kind(name: str, kind: str) -> None:
    """Raise ConnectorError if a connection of that name reads another kind of system."""
    for item in connections.every():
        if item.name == name and item.kind != kind:
            problem = f"there is a connection {name!r} to {item.kind} already"
            raise ConnectorError("connecting", problem, "Give another name.")


def _keep(
    kind: str, name: str, settings: dict[str, Any], interval: int | None, actor: str, now: datetime
) -> Connection:
    """Make the connection, or change the one of that name."""
    existing = {item.name: item for item in connections.every()}
    if name not in existing:
        minutes = interval or INTERVAL
        return connections.create(name, kind, settings, actor=actor, now=now, interval_minutes=minutes)
    values: dict[str, Any] = {"settings": settings}
    if interval:
        values["interval_minutes"] = interval
    return connections.change(existing[name], actor=actor, now=now, **values)


def _plain(value: Any) -> Any:
    """Return plain JSON data: tuples become lists, mappings dicts."""
    if isinstance(value, dict | types.MappingProxyType):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value
