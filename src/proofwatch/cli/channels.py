"""`channels`: how people are told; add, test, turn off, and see what came of the messages."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from proofwatch.app import App
from proofwatch.cli.given import REASON, SET, fields_of, settings, shown
from proofwatch.cli.output import json_option, print_json, print_table, say


@click.group()
def channels() -> None:
    """Add, test and turn off the channels that alerts are told on."""


@channels.command("kinds")
@json_option
def kinds_of(as_json: bool) -> None:
    """List the kinds of channels and the settings that each takes."""
    from proofwatch.alerts.channels.registry import channel_class, kinds

    classes = {kind: channel_class(kind) for kind in kinds()}
    rows = [
        {"kind": kind, "title": cls.title, **item}
        for kind, cls in classes.items()
        for item in fields_of(cls.Settings)
    ]
    if as_json:
        print_json(rows)
        return
    columns = ("kind", "setting", "required", "about")
    print_table(["Kind", "Setting", "Needed", "What it is"], ([row[key] for key in columns] for row in rows))


@channels.command("list")
@json_option
def list_channels(as_json: bool) -> None:
    """List the channels with their newest test."""
    from proofwatch.alerts import channelbook

    App().open()
    rows = [_body(row) for row in channelbook.every()]
    if as_json:
        print_json(rows)
        return
    print_table(
        ["Channel", "Kind", "On", "Tested", "Answer", "Settings"],
        (
            (
                row["channel"],
                row["kind"],
                row["enabled"],
                row["tested_at"],
                row["tested"],
                shown(row["settings"]),
            )
            for row in rows
        ),
        empty="There is no channel: nobody is told of anything. See `proofwatch channels add --help`.",
    )


@channels.command()
@click.argument("name")
@click.argument("kind")
@SET
@json_option
def add(name: str, kind: str, given: Sequence[str], as_json: bool) -> None:
    """Add channel NAME of a KIND (`channels kinds` lists them), or change its settings."""
    from proofwatch.alerts import channelbook

    app = App().open()
    row = channelbook.save(
        name, kind, settings(given), actor=app.actor, now=datetime.now(UTC), client=app.client
    )
    app.sign()
    if as_json:
        print_json(_body(row))
    else:
        say(f"{row.name} is a {row.kind} channel. Try it: proofwatch channels test {row.name}")


@channels.command()
@click.argument("name")
@json_option
def test(name: str, as_json: bool) -> None:
    """Send a message marked TEST through a channel now, and keep the answer. Ends with 3 if it is refused."""
    from proofwatch.alerts import channelbook, outbox
    from proofwatch.runtime import jobs

    app = App().open()
    queued = channelbook.queue_test(name, actor=app.actor, now=datetime.now(UTC))
    claimed = outbox.claim(jobs.owner_name(), datetime.now(UTC), queued)
    row = outbox.deliver(claimed, app.sender("cli")) if claimed else queued
    app.sign()
    if as_json:
        print_json({"channel": name, "state": row.state, "answer": row.reason, "sent_at": row.sent_at})
    else:
        say(f"{name}: {row.state}: {row.reason or 'a worker took it over'}")
    sys.exit(0 if row.state == "accepted" else 3)


@channels.command()
@click.argument("name")
@REASON
@json_option
def enable(name: str, reason: str, as_json: bool) -> None:
    """Turn a channel on."""
    _switch(name, True, reason, as_json)


@channels.command()
@click.argument("name")
@REASON
@json_option
def disable(name: str, reason: str, as_json: bool) -> None:
    """Turn a channel off at once. What would have been sent is kept as not sent, with the reason."""
    _switch(name, False, reason, as_json)


@channels.command()
@click.argument("name")
@REASON
@json_option
def remove(name: str, reason: str, as_json: bool) -> None:
    """Remove a channel; what it delivered stays on record."""
    from proofwatch.alerts import channelbook

    app = App().open()
    row = channelbook.remove(name, actor=app.actor, now=datetime.now(UTC), reason=reason)
    app.sign()
    _done(row, "removed", as_json)


def _switch(name: str, enabled: bool, reason: str, as_json: bool) -> None:
    from proofwatch.alerts import channelbook

    app = App().open()
    row = channelbook.switch(name, enabled, actor=app.actor, now=datetime.now(UTC), reason=reason)
    app.sign()
    _done(row, "on" if enabled else "off", as_json)


def _done(row: Any, state: str, as_json: bool) -> None:
    if as_json:
        print_json(_body(row))
    else:
        say(f"{row.name} is {state}.")


def _body(row: Any) -> dict[str, Any]:
    return {
        "channel": row.name,
        "kind": row.kind,
        "enabled": row.enabled,
        "reason": row.reason,
        "settings": row.settings,
        "tested_at": row.tested_at,
        "tested": row.tested,
        "by": row.by,
        "at": row.at,
    }
