"""`accept`: risks that are accepted for a time, asked for by one person and approved by another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from proofwatch.app import App
from proofwatch.cli.given import BY, NOTE, REASON, moment
from proofwatch.cli.output import json_option, print_json, print_table, say, status_text


@click.group()
def accept() -> None:
    """Ask for, approve, refuse and end risk acceptances. What is accepted stays visible and counted."""


@accept.command("list")
@click.option("--state", default="", help="requested, approved, refused, expired or ended.")
@json_option
def list_acceptances(state: str, as_json: bool) -> None:
    """List the acceptances, newest first."""
    from proofwatch.remediation import acceptances

    App().open()
    rows = [body(row) for row in acceptances.every(state)]
    if as_json:
        print_json(rows)
        return
    print_table(
        ["Name", "State", "Covers", "Scope", "Asked by", "Decided by", "Expires", "Reason"],
        (
            (
                row["acceptance"], status_text(row["state"]), row["count"],
                ", ".join(f"{key}={value}" for key, value in row["scope"].items()),
                row["requested_by"], row["decided_by"], row["expires_at"], row["reason"],
            )
            for row in rows
        ),
        empty="No risk was accepted.",
    )  # fmt: skip


@accept.command()
@click.option("--alert", default="", help="What fails in this alert, e.g. AL-12.")
@click.option("--control", default="", help="What fails under this control.")
@click.option("--check", default="", help="What this check finds.")
@click.option("--connection", default="", help="Only on this connection.")
@click.option("--account", default="", help="Only in this account.")
@click.option("--region", default="", help="Only in this region.")
@click.option("--resource", "resources", multiple=True, help="Only this resource; may be repeated.")
@click.option("--tag", default="", help="Only resources with this tag: key=value.")
@click.option("--until", required=True, help="When it ends: 90d or 2027-03-01; at most a year.")
@REASON
@BY
@json_option
def request(until: str, reason: str, by: str, as_json: bool, resources: Sequence[str], **given: str) -> None:
    """Ask that what fails in a scope be accepted until a date. Another person has to approve it."""
    from proofwatch.remediation import acceptances

    app = App().open()
    now = datetime.now(UTC)
    names = {"account": "account_id"}
    scope: dict[str, Any] = {names.get(key, key): value for key, value in given.items() if value}
    if resources:
        scope["resources"] = list(resources)
    if "tag" in scope:
        app.refresh_tags([given["tag"]])
    row = acceptances.request(scope, reason, moment(until, now), by=by or app.actor, now=now)
    _done(app, row, as_json)


@accept.command()
@click.argument("name")
@NOTE
@BY
@json_option
def approve(name: str, note: str, by: str, as_json: bool) -> None:
    """Approve NAME (RA-3), asked for by somebody else."""
    _decide(name, True, note, by, as_json)


@accept.command()
@click.argument("name")
@NOTE
@BY
@json_option
def refuse(name: str, note: str, by: str, as_json: bool) -> None:
    """Refuse NAME (RA-3), asked for by somebody else."""
    _decide(name, False, note, by, as_json)


@accept.command()
@click.argument("name")
@REASON
@BY
@json_option
def end(name: str, reason: str, by: str, as_json: bool) -> None:
    """Withdraw an approved acceptance: its failures count again at once."""
    from proofwatch.remediation import acceptances

    app = App().open()
    _done(app, acceptances.end(name, reason, by=by or app.actor, now=datetime.now(UTC)), as_json)


def _decide(name: str, yes: bool, note: str, by: str, as_json: bool) -> None:
    from proofwatch.remediation import acceptances

    app = App().open()
    row = acceptances.decide(name, yes, note, by=by or app.actor, now=datetime.now(UTC))
    _done(app, row, as_json)


def _done(app: App, row: Any, as_json: bool) -> None:
    app.sign()
    if as_json:
        print_json(body(row))
    else:
        say(f"{row.name} is {row.state}: {row.count} failures, until {row.expires_at:%Y-%m-%d %H:%M:%SZ}.")


def body(row: Any) -> dict[str, Any]:
    """Return an acceptance as plain data."""
    names = (
        "state", "scope", "reason", "requested_by", "requested_at", "decided_by", "decided_at",
        "decision_note", "expires_at", "ended_at", "ended_because", "count",
    )  # fmt: skip
    return {"acceptance": row.name, **{name: getattr(row, name) for name in names}}
