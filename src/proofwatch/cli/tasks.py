"""`tasks`: who repairs what by when, and what proved that it is repaired."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from proofwatch.app import App
from proofwatch.cli.given import BY, NOTE, REASON, moment
from proofwatch.cli.output import json_option, print_fields, print_json, print_table, say, status_text

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def tasks() -> None:
    """List, assign and claim repairs. A claim is no proof: only later readings verify it."""


@tasks.command("list")
@click.option("--state", default="", help="Only this state.")
@click.option("--owner", default="", help="Only tasks of this person.")
@click.option("--overdue", is_flag=True, help="Only those that are late.")
@click.option("--all", "everything", is_flag=True, help="Also those that have ended.")
@json_option
def list_tasks(state: str, owner: str, overdue: bool, everything: bool, as_json: bool) -> None:
    """List the tasks that have not ended, the one due first first."""
    from proofwatch.remediation import tasks as service

    App().open()
    late = datetime.now(UTC) if overdue else None
    rows = [
        body(row)
        for row in service.query(state=state, owner=owner, overdue=late, live=not (everything or state))
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ["Task", "State", "Severity", "Due", "Owner", "Alert", "Tickets", "What"],
        (
            (
                row["task"], status_text(row["state"]), row["severity"], row["due_at"],
                row["owner"] or "nobody", row["alert"],
                ", ".join(
                    (item["id"] or "…") + (" ✗" if item["problem"] else "") for item in row["tickets"]
                ), row["title"],
            )
            for row in rows
        ),
        empty="No task.",
    )  # fmt: skip


@tasks.command()
@click.argument("task")
@json_option
def show(task: str, as_json: bool) -> None:
    """Show TASK (TSK-7) with its steps, tickets and proof."""
    from proofwatch.remediation import tasks as service

    App().open()
    row = service.get(task)
    steps = [
        {"at": item.at, "what": item.kind, "by": item.actor, "before": item.before, "after": item.after,
         "text": item.text, "evidence": item.object}
        for item in service.events(row)
    ]  # fmt: skip
    if as_json:
        print_json({**body(row), "steps": steps})
        return
    facts = body(row)
    told = [_ticket(item) for item in facts.pop("tickets")]
    if row.alert and row.alert.due_at and row.alert.due_at != row.due_at:
        facts["due by policy"] = row.alert.due_at
    print_fields(
        (key.replace("_", " "), value) for key, value in facts.items() if value not in ("", None, [])
    )
    print_fields(("ticket", words) for words in told)
    print_table(
        ["At", "What", "By", "Before", "After", "Text", "Evidence"],
        (
            [item[key] for key in ("at", "what", "by", "before", "after", "text")] + [item["evidence"][:12]]
            for item in steps
        ),
        title="\nSteps",
    )


@tasks.command()
@click.argument("alert")
@click.option("--owner", default="", help="Who is to do it.")
@click.option("--due", default="", help="By when: 7d or 2026-12-01. Default: as the rule says.")
@click.option("--note", default="", help="What is to be done.")
@BY
@json_option
def make(alert: str, owner: str, due: str, note: str, by: str, as_json: bool) -> None:
    """Make a task for ALERT (AL-12)."""
    from proofwatch.remediation import tasks as service

    app = App().open()
    now = datetime.now(UTC)
    when = moment(due, now) if due else None
    _done(app, service.make(alert, by=by or app.actor, now=now, owner=owner, due=when, note=note), as_json)


@tasks.command()
@click.argument("task")
@click.argument("owner")
@click.option("--note", default="", help="Why they.")
@BY
@json_option
def assign(task: str, owner: str, note: str, by: str, as_json: bool) -> None:
    """Give TASK to OWNER."""
    from proofwatch.remediation import tasks as service

    app = App().open()
    _done(app, service.assign(task, owner, by=by or app.actor, now=datetime.now(UTC), note=note), as_json)


@tasks.command()
@click.argument("task")
@click.argument("date")
@REASON
@BY
@json_option
def due(task: str, date: str, reason: str, by: str, as_json: bool) -> None:
    """Change the date of TASK: 7d or 2026-12-01. The old one stays on record."""
    from proofwatch.remediation import tasks as service

    app = App().open()
    now = datetime.now(UTC)
    _done(app, service.move_due(task, moment(date, now), by=by or app.actor, now=now, reason=reason), as_json)


@tasks.command()
@click.argument("task")
@click.option("--note", default="", help="What you begin with.")
@BY
@json_option
def begin(task: str, note: str, by: str, as_json: bool) -> None:
    """Say that you are at it."""
    from proofwatch.remediation import tasks as service

    app = App().open()
    _done(app, service.begin(task, by=by or app.actor, now=datetime.now(UTC), note=note), as_json)


@tasks.command()
@click.argument("task")
@click.argument("text")
@click.option(
    "--file", "path", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Evidence."
)
@BY
@json_option
def comment(task: str, text: str, path: Path | None, by: str, as_json: bool) -> None:
    """Add TEXT to a task, with a file as evidence if there is one."""
    from proofwatch.remediation import tasks as service

    app = App().open()
    digest = app.objects.put(path.read_bytes()) if path else ""
    row = service.comment(task, text, by=by or app.actor, now=datetime.now(UTC), evidence=digest)
    _done(app, row, as_json)


@tasks.command("claim-fixed")
@click.argument("task")
@NOTE
@BY
@json_option
def claim_fixed(task: str, note: str, by: str, as_json: bool) -> None:
    """Say that it is repaired. It is read again soon; only that proves it."""
    from proofwatch.remediation import tasks as service

    app = App().open()
    _done(app, service.claim_fixed(task, note, by=by or app.actor, now=datetime.now(UTC)), as_json)


def _done(app: App, row: Any, as_json: bool) -> None:
    app.sign()
    if as_json:
        print_json(body(row))
    else:
        say(f"{row.name} is {row.state}, due {row.due_at:%Y-%m-%d %H:%M:%SZ}, {row.owner or 'nobody'}.")


def body(row: Any) -> dict[str, Any]:
    """Return a task as plain data."""
    names = (
        "title", "state", "reason", "severity", "owner", "due_at", "breached_at", "claimed_at", "claimed_by",
        "made_by", "made_at", "ended_at", "evidence_before", "evidence_after",
    )  # fmt: skip
    return {
        "task": row.name,
        "alert": row.alert.name if row.alert else "",
        "control": row.control_id,
        **{name: getattr(row, name) for name in names},
        "tickets": [
            {
                "tracker": item.tracker, "id": item.external_id, "url": item.url, "state": item.state_name,
                "problem": _problem(item),
            }
            for item in row.tickets.order_by("pk")
        ],
    }  # fmt: skip


def _problem(ticket: Any) -> str:
    """Return why a step waits that was tried, or has failed; "" if nothing is wrong."""
    step = ticket.steps.filter(attempts__gt=0).exclude(state="done").order_by("pk").first()
    return f"{step.kind}: {step.answer}" if step else ""


def _ticket(item: dict[str, Any]) -> str:
    parts = [item["tracker"], item["id"] or "not made yet", item["state"], item["url"], item["problem"]]
    return ", ".join(part for part in parts if part)
