"""`trackers`: the ticket systems that tasks are told to."""

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
def trackers() -> None:
    """Add, test and remove ticket systems. A closed ticket is a claim, not a proof."""


@trackers.command("kinds")
@json_option
def kinds_of(as_json: bool) -> None:
    """List the kinds of trackers and the settings that each takes."""
    from proofwatch.remediation.trackers.registry import kinds, tracker_class

    rows = [{"kind": kind, **item} for kind in kinds() for item in fields_of(tracker_class(kind).Settings)]
    if as_json:
        print_json(rows)
        return
    columns = ("kind", "setting", "required", "about")
    print_table(["Kind", "Setting", "Needed", "What it is"], ([row[key] for key in columns] for row in rows))


@trackers.command("list")
@json_option
def list_trackers(as_json: bool) -> None:
    """List the trackers, with what is wrong with them."""
    from proofwatch.remediation import trackerbook

    App().open()
    rows = [_body(row) for row in trackerbook.every()]
    if as_json:
        print_json(rows)
        return
    print_table(
        ["Tracker", "Kind", "Last read", "Problem", "Settings"],
        ((r["tracker"], r["kind"], r["polled_at"], r["problem"], shown(r["settings"])) for r in rows),
        empty="There is no tracker. See `proofwatch trackers add --help`.",
    )


@trackers.command()
@click.argument("name")
@click.argument("kind")
@SET
@json_option
def add(name: str, kind: str, given: Sequence[str], as_json: bool) -> None:
    """Add tracker NAME of a KIND (`trackers kinds` lists them), or change its settings."""
    from proofwatch.remediation import trackerbook

    app = App().open()
    row = trackerbook.save(
        name, kind, settings(given), actor=app.actor, now=datetime.now(UTC), client=app.client
    )
    app.sign()
    if as_json:
        print_json(_body(row))
    else:
        say(f"{row.name} is a {row.kind} tracker. Try it: proofwatch trackers test {row.name}")


@trackers.command()
@click.argument("name")
@json_option
def test(name: str, as_json: bool) -> None:
    """Ask the tracker for a ticket, as a task does; nothing is made there. Ends with 3 if it refuses."""
    from proofwatch.errors import ProofwatchError
    from proofwatch.remediation import trackerbook
    from proofwatch.remediation.tickets import build

    app = App().open()
    config, problem = trackerbook.get(name), ""
    try:
        build(config, app.client).find("TSK-0")
    except ProofwatchError as error:
        problem = error.problem
    if as_json:
        print_json({"tracker": name, "reached": not problem, "problem": problem})
    else:
        say(f"{name}: {problem or 'it answers, and our credential is accepted.'}")
    sys.exit(3 if problem else 0)


@trackers.command()
@click.argument("name")
@REASON
@json_option
def remove(name: str, reason: str, as_json: bool) -> None:
    """Remove a tracker; its tickets stay named in their tasks."""
    from proofwatch.remediation import trackerbook

    app = App().open()
    row = trackerbook.remove(name, actor=app.actor, now=datetime.now(UTC), reason=reason)
    app.sign()
    if as_json:
        print_json(_body(row))
    else:
        say(f"{row.name} is removed.")


def _body(row: Any) -> dict[str, Any]:
    return {
        "tracker": row.name,
        "kind": row.kind,
        "enabled": row.enabled,
        "settings": row.settings,
        "polled_at": row.polled_at,
        "problem": row.problem,
        "by": row.by,
        "at": row.at,
    }
