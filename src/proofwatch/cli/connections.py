"""`connections` and `connectors`: what is read, and what could be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from proofwatch.app import App
from proofwatch.cli.output import json_option, print_fields, print_json, print_table, say, utc
from proofwatch.connectors.registry import CONNECTORS, connector_class


@click.command()
@json_option
def connectors(as_json: bool) -> None:
    """List the connectors and the tables that each can read."""
    body: list[dict[str, Any]] = [
        {
            "connector": kind,
            "title": cls.title,
            "tables": [
                {
                    "table": table.name,
                    "about": table.about,
                    "service": table.service,
                    "read_per": table.place,
                    "source": table.source,
                    "permissions": list(table.permissions),
                    "columns": [{"name": item.name, "type": item.type} for item in table.columns],
                }
                for table in cls.tables().values()
            ],
        }
        for kind, cls in ((kind, connector_class(kind)) for kind in sorted(CONNECTORS))
    ]
    if as_json:
        print_json(body)
        return
    for item in body:
        say(f"{item['connector']}: {item['title']}, {len(item['tables'])} tables", "bold")
        print_table(
            ["Table", "Read per", "Columns", "Holds"],
            ((row["table"], row["read_per"], len(row["columns"]), row["about"]) for row in item["tables"]),
        )


@click.group()
def connections() -> None:
    """List, show, pause, resume and remove connections."""


@connections.command("list")
@json_option
def list_connections(as_json: bool) -> None:
    """List the connections: state, last sync, what is read, whether proven read-only."""
    from proofwatch.store.services import connections as service

    App().open()
    now = datetime.now(UTC)
    found = service.every()
    if as_json:
        print_json([connection_body(item, now) for item in found])
        return
    print_table(
        ["Connection", "System", "State", "Last complete sweep", "Next due", "Objects", "Read-only"],
        (
            (
                item.name,
                item.kind,
                "stale" if service.is_stale(item, now) else item.state,
                item.last_complete_at,
                item.next_due_at,
                item.objects_read,
                {True: "proven", False: "NO", None: "cannot tell"}[item.read_only],
            )
            for item in found
        ),
        empty="No connection yet. `proofwatch connect aws --help` shows how to make one.",
    )


def connection_body(item: Any, now: datetime) -> dict[str, Any]:
    """Return a connection as plain data, without anything secret."""
    from proofwatch.store.services import connections as service

    names = (
        "name", "kind", "state", "problem", "interval_minutes", "identity", "read_only", "read_only_proof",
        "last_attempt_at", "last_complete_at", "next_due_at", "objects_read", "created_at", "created_by",
        "paused_by", "paused_reason", "paused_until",
    )  # fmt: skip
    body = {name: getattr(item, name) for name in names}
    more = {"credential_ends": service.credential_ends(item), "stale": service.is_stale(item, now)}
    return {**body, **more, "settings": dict(item.settings)}


@connections.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show one connection: identity, permissions missing by name, coverage gaps, last sweeps."""
    from proofwatch.store.services import connections as service
    from proofwatch.store.services import sweeps

    App().open()
    now = datetime.now(UTC)
    item = service.get(name)
    last = sweeps.latest(item)
    gaps = [
        {"account": gap.account_id, "name": gap.account_name, "region": gap.region, "reason": gap.reason}
        for gap in (sweeps.gaps(last) if last else [])
    ]
    missing = sorted({p["name"] for p in item.permissions if p["allowed"] is False})
    if as_json:
        print_json({**connection_body(item, now), "permissions": item.permissions, "gaps": gaps})
        return
    print_fields(
        [
            ("connection", item.name),
            ("system", item.kind),
            ("state", "stale" if service.is_stale(item, now) else item.state),
            ("identity", item.identity.get("principal", "unknown")),
            ("credential ends", service.credential_ends(item) or "not told"),
            ("read-only", {True: "proven", False: "NO", None: "cannot tell"}[item.read_only]),
            ("proof", item.read_only_proof),
            ("missing", missing or "none"),
            ("last attempt", item.last_attempt_at),
            ("last complete", item.last_complete_at),
            ("next due", item.next_due_at),
            ("objects read", item.objects_read),
        ]
    )
    if gaps:
        say("\nExists and is not read:", "bold")
        print_table(["Account", "Name", "Region", "Why"], (tuple(gap.values()) for gap in gaps))
    rows = [
        (run.slot, run.trigger, run.state, run.finished_at, run.error)
        for run in sweeps.history(item, limit=5)
    ]
    if rows:
        say("\nLast sweeps:", "bold")
        print_table(["Slot", "Trigger", "State", "Finished", "Error"], rows)


@connections.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why; it becomes part of the evidence.")
@click.option("--days", type=click.IntRange(1, 30), default=1, show_default=True, help="For how long.")
@json_option
def pause(name: str, reason: str, days: int, as_json: bool) -> None:
    """Stop sweeping for a while; every occurrence meanwhile is recorded as skipped."""
    from proofwatch.store.services import connections as service

    app = App().open()
    now = datetime.now(UTC)
    item = service.pause(
        service.get(name), actor=app.actor, now=now, reason=reason, until=now + timedelta(days=days)
    )
    app.sign()
    if as_json:
        print_json(connection_body(item, now))
        return
    say(f"{item.name} is paused until {utc(item.paused_until)}: {item.paused_reason}")


@connections.command()
@click.argument("name")
@json_option
def resume(name: str, as_json: bool) -> None:
    """End a pause."""
    from proofwatch.store.services import connections as service

    app = App().open()
    now = datetime.now(UTC)
    item = service.resume(service.get(name), actor=app.actor, now=now)
    app.sign()
    if as_json:
        print_json(connection_body(item, now))
        return
    say(f"{item.name} is {item.state} again.")


@connections.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why; it becomes part of the evidence.")
@json_option
def remove(name: str, reason: str, as_json: bool) -> None:
    """Stop reading a system for good. Its evidence stays."""
    from proofwatch.store.services import connections as service

    app = App().open()
    service.remove(service.get(name), actor=app.actor, now=datetime.now(UTC), reason=reason)
    app.sign()
    if as_json:
        print_json({"name": name, "removed": True, "reason": reason})
        return
    say(f"{name} is removed. Its evidence and findings stay.")
