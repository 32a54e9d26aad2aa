"""`drill`: send a marked synthetic failure on the whole way of an alert, and keep how it went."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from proofwatch.app import App
from proofwatch.cli.given import BY
from proofwatch.cli.output import json_option, print_json, print_table, say, status_text, utc


@click.group(invoke_without_command=True)
@click.option("--control", default="", help="Which control fails. Default: the first automated one.")
@click.option("--within", type=click.IntRange(1, 168), default=4, show_default=True, help="Hours to answer.")
@BY
@json_option
@click.pass_context
def drill(ctx: click.Context, control: str, within: int, by: str, as_json: bool) -> None:
    """Begin a drill: finding → rule → channel → somebody acknowledges → restored. No status changes."""
    if ctx.invoked_subcommand:
        return
    from proofwatch.alerts import drills
    from proofwatch.remediation import clock

    app = App().open()
    now = datetime.now(UTC)
    row = drills.start(control, by=by or app.actor, now=now, within=timedelta(hours=within))
    clock.look(now)
    app.sign()
    if as_json:
        print_json(body(row))
        return
    say(f"A drill on {row.control_id} has begun.")
    say(f"Somebody has to acknowledge its alert by {utc(row.deadline_at)}.")
    say("`proofwatch alerts list` shows it; the worker delivers its messages.")


@drill.command("list")
@json_option
def list_drills(as_json: bool) -> None:
    """List the drills and how they went."""
    from proofwatch.alerts import drills

    App().open()
    rows = [body(row) for row in drills.every()]
    if as_json:
        print_json(rows)
        return
    print_table(
        ["Started", "Control", "State", "Sent", "Acknowledged", "By", "Ended", "Why"],
        (
            (
                row["started_at"], row["control"], status_text(row["state"]), row["sent_at"],
                row["acknowledged_at"], row["acknowledged_by"], row["ended_at"], row["reason"],
            )
            for row in rows
        ),
        empty="No drill yet: nobody knows whether an alert would reach anybody. Run `proofwatch drill`.",
    )  # fmt: skip


def body(row: Any) -> dict[str, Any]:
    """Return a drill as plain data."""
    names = (
        "state", "reason", "by", "started_at", "deadline_at", "sent_at", "acknowledged_at",
        "acknowledged_by", "ended_at", "object",
    )  # fmt: skip
    return {"drill": str(row.pk), "control": row.control_id, **{name: getattr(row, name) for name in names}}
