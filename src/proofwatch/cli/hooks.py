"""`hooks` and `serve`: where source systems say that something changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from proofwatch.app import App
from proofwatch.cli.given import REASON, SET, fields_of, settings
from proofwatch.cli.output import json_option, print_json, print_table, say


@click.group()
def hooks() -> None:
    """Add and remove the addresses at which source systems report changes."""


@hooks.command("kinds")
@json_option
def kinds_of(as_json: bool) -> None:
    """List the kinds of senders and the settings that each takes."""
    from proofwatch.hooks.registry import SOURCES, source_class

    rows = [{"kind": kind, **item} for kind in SOURCES for item in fields_of(source_class(kind).Settings)]
    if as_json:
        print_json(rows)
        return
    columns = ("kind", "setting", "required", "about")
    print_table(["Kind", "Setting", "Needed", "What it is"], ([row[key] for key in columns] for row in rows))


@hooks.command("list")
@json_option
def list_hooks(as_json: bool) -> None:
    """List the addresses, when each was used last, and what was refused."""
    from proofwatch.store.services import hooks as service

    App().open()
    rows = [_body(row) for row in service.every()]
    if as_json:
        print_json(rows)
        return
    print_table(
        ["Address", "Connection", "Kind", "Heard", "Refused", "Why"],
        (
            (row["path"], row["connection"], row["kind"], row["heard_at"], row["refused_at"], row["refused"])
            for row in rows
        ),
        empty="No address: changes are seen by the next sweep. See `proofwatch hooks add --help`.",
    )


@hooks.command()
@click.argument("connection")
@click.argument("kind")
@click.option("--name", default="", help="Last part of the address. Default: the connection's name.")
@SET
@json_option
def add(connection: str, kind: str, name: str, given: Sequence[str], as_json: bool) -> None:
    """Add an address for CONNECTION that takes events of a KIND (`hooks kinds` lists them)."""
    from proofwatch.store.services import hooks as service

    app = App().open()
    row = service.save(
        name or connection, connection, kind, settings(given),
        actor=app.actor, now=datetime.now(UTC), client=app.client,
    )  # fmt: skip
    app.sign()
    if as_json:
        print_json(_body(row))
    else:
        say(f"{app.settings.url or 'https://…'}/hooks/{row.name} takes events of {kind} for {connection}.")
        say("`proofwatch serve` hears them, and a worker answers them.")


@hooks.command()
@click.argument("name")
@REASON
@json_option
def remove(name: str, reason: str, as_json: bool) -> None:
    """Remove an address."""
    from proofwatch.store.services import hooks as service

    app = App().open()
    row = service.remove(name, actor=app.actor, now=datetime.now(UTC), reason=reason)
    app.sign()
    if as_json:
        print_json(_body(row))
    else:
        say(f"/hooks/{row.name} is removed.")


def _body(row: Any) -> dict[str, Any]:
    return {
        "hook": row.name,
        "path": f"/hooks/{row.name}",
        "connection": row.connection.name,
        "kind": row.kind,
        "settings": row.settings,
        "heard_at": row.heard_at,
        "refused_at": row.refused_at,
        "refused": row.refused,
    }
