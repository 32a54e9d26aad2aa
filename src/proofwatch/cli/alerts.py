"""`alerts`: what needs somebody, what happened to it, and who looked at it."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from proofwatch.app import App
from proofwatch.cli import silences
from proofwatch.cli.given import BY, NOTE
from proofwatch.cli.output import (
    json_option,
    print_fields,
    print_json,
    print_json_lines,
    print_table,
    safe,
    say,
    status_text,
    utc,
)


@click.group()
def alerts() -> None:
    """List, show, acknowledge, review and silence alerts."""


for _verb in (silences.silence, silences.unsilence, silences.list_silences, silences.why, silences.dismiss):
    alerts.add_command(_verb)


@alerts.command("list")
@click.option("--state", default="", help="Only this state, e.g. open.")
@click.option("--severity", default="", help="Only this severity.")
@click.option("--control", default="", help="Only this control.")
@click.option("--all", "everything", is_flag=True, help="Also those that have ended.")
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True, help="At most so many.")
@json_option
def list_alerts(state: str, severity: str, control: str, everything: bool, limit: int, as_json: bool) -> None:
    """List the alerts that have not ended, worst and oldest first."""
    from proofwatch.alerts import review

    App().open()
    live = not (everything or state)
    rows = review.query(state=state, severity=severity, control=control, live=live, limit=limit)
    held = running()
    if as_json:
        print_json([body(row, held) for row in rows])
        return
    print_table(
        ["Alert", "State", "Severity", "Failing since", "Repair by", "Flags", "What"],
        (
            (
                row.name,
                status_text(row.state),
                row.severity,
                row.first_failed_at,
                row.due_at,
                ", ".join(flags(row, held)),
                f"{'DRILL: ' if row.drill else ''}{row.headline}: {row.reason}",
            )
            for row in rows
        ),
        empty="No alert.",
    )


@alerts.command()
@click.argument("alert")
@BY
@json_option
def show(alert: str, by: str, as_json: bool) -> None:
    """Show ALERT (AL-12) with its resources and everything that happened to it."""
    from proofwatch.alerts import review
    from proofwatch.alerts.times import times

    app = App().open()
    row = review.get(alert)
    if by:
        review.view(row, by=by, now=datetime.now(UTC), channel="cli")
        app.sign()
    # Python's sort keeps the order of what happened at the same moment: first the step, then its messages.
    timeline = sorted([*map(_event, review.events(row)), *_sent(row)], key=lambda item: item["at"])
    resources = _resources(row)
    facts, took = body(row, running()), times(row)
    if as_json:
        print_json({**facts, "seconds_to": took, "resources": resources, "timeline": timeline})
        return
    print_fields(
        (key.replace("_", " "), value) for key, value in facts.items() if value not in ("", None, [])
    )
    print_fields((f"time to {name}", took_text(name, value)) for name, value in took.items())
    print_table(
        ["Since", "Until", "As", "Resource", "Why"],
        ([item[key] for key in ("since", "until", "as", "resource", "reason")] for item in resources[:10]),
        title="\nResources",
        empty="\nIt is about no single resource.",
    )
    if len(resources) > 10:
        say(f"and {len(resources) - 10} more (--json shows all)")
    print_table(
        ["At", "What", "State", "By", "Reason"],
        ([item[key] for key in ("at", "what", "state", "by", "reason")] for item in timeline),
        title="\nWhat happened",
    )


@alerts.command()
@click.argument("alert")
@NOTE
@BY
@json_option
def ack(alert: str, note: str, by: str, as_json: bool) -> None:
    """Acknowledge ALERT: its repeats stop for a time. It says nothing about the repair."""
    from proofwatch.alerts import review

    app = App().open()
    now = datetime.now(UTC)
    row = review.acknowledge(alert, note, by=by or app.actor, now=now, channel="cli")
    app.sign()
    if as_json:
        print_json(body(row))
    else:
        say(f"{row.name} is {row.state}; without a task or a review it opens again at {utc(row.ack_until)}.")


@alerts.command()
@click.argument("names", nargs=-1, required=True, metavar="ALERT…")
@click.option("--decision", type=click.Choice(("repair", "watch", "expected")), required=True)
@NOTE
@BY
@json_option
def review(names: Sequence[str], decision: str, note: str, by: str, as_json: bool) -> None:
    """Review one or more alerts, with a decision and a note. Only readings end an alert."""
    from proofwatch.alerts import review as service
    from proofwatch.remediation import tasks

    app = App().open()
    now = datetime.now(UTC)
    made = service.review(names, decision, note, by=by or app.actor, now=now, channel="cli")
    tasks.by_policy(now)
    app.sign()
    if as_json:
        print_json([review_body(item) for item in made])
    else:
        say(f"{len(made)} reviewed by {made[0].reviewer}: {decision}.")
        for name in made_tasks([item.alert_id for item in made], now):
            say(f"{name} was made: `proofwatch tasks show {name}`.")


def made_tasks(alerts: Sequence[Any], now: datetime) -> list[str]:
    """Return the names of the tasks that were made for these alerts just now."""
    from proofwatch.store.models import Task

    return [task.name for task in Task.objects.filter(alert__in=alerts, made_at=now).order_by("number")]


@alerts.command()
@click.option("--csv", "as_csv", is_flag=True, help="As CSV on standard output.")
@click.option("--jsonl", "as_lines", is_flag=True, help="As JSON Lines on standard output.")
@json_option
def reviews(as_csv: bool, as_lines: bool, as_json: bool) -> None:
    """Show the log of reviews: who looked at what, when, and what was decided."""
    from proofwatch.alerts import review as service

    if as_csv and as_lines:
        raise click.UsageError("choose one of --csv and --jsonl")
    App().open()
    rows = [review_body(item) for item in service.reviews()]
    if as_json:
        print_json(rows)
    elif as_lines:
        print_json_lines(rows)
    elif as_csv:
        _print_csv(rows)
    else:
        print_table(
            ["Decided", "Alert", "Reviewer", "Role", "Decision", "One of", "Note"],
            (
                [
                    row[key]
                    for key in ("decided_at", "alert", "reviewer", "role", "decision", "one_of", "note")
                ]
                for row in rows
            ),
            empty="Nothing was reviewed yet.",
        )


REVIEW_COLUMNS = (
    "alert", "control", "reviewer", "role", "opened_at", "viewed_at", "decided_at", "decision", "note",
    "evidence_seen", "channel", "one_of",
)  # fmt: skip


def _print_csv(rows: Sequence[dict[str, Any]]) -> None:
    from proofwatch.evidence.cells import escape_cell

    writer = csv.writer(sys.stdout)
    writer.writerow(REVIEW_COLUMNS)
    for row in rows:
        writer.writerow([escape_cell(row[name]) for name in REVIEW_COLUMNS])


def review_body(item: Any) -> dict[str, Any]:
    """Return one row of the review log as plain data."""
    return {
        "alert": item.alert.name,
        "control": item.alert.control_id,
        "reviewer": item.reviewer,
        "role": item.role,
        "opened_at": item.opened_at,
        "viewed_at": item.viewed_at,
        "decided_at": item.decided_at,
        "decision": item.decision,
        "note": item.note,
        "evidence_seen": item.evidence_seen,
        "channel": item.channel,
        "one_of": item.bulk_size,
    }


def running() -> Sequence[Any]:
    """Return the silences in force."""
    from proofwatch.alerts import silences

    return silences.running(datetime.now(UTC))


def took_text(name: str, seconds: int | None) -> str:
    """Return how long something took, in words."""
    if seconds is None:
        unknown = "not known: it failed when it was first read" if name == "detect" else "not yet"
        return unknown
    days, rest = divmod(seconds, 86400)
    clock = f"{rest // 3600} h {rest // 60 % 60} min" if rest >= 3600 else f"{rest // 60} min {rest % 60} s"
    return ("at most " if name == "detect" else "") + (f"{days} d " if days else "") + clock


def flags(row: Any, held: Sequence[Any] = ()) -> list[str]:
    """Return the flags that stand beside an alert's state, in words; `held`: the silences in force."""
    from proofwatch.alerts.base import utc_text
    from proofwatch.alerts.silences import covering

    found = []
    if row.drill:
        found.append("drill")
    if held and (silence := covering(row, held)) is not None:
        found.append(f"silenced until {utc_text(silence.until)}")
    if row.breached_at:
        found.append("late")
    if row.interrupted_since:
        found.append("evidence interrupted")
    if row.flapping_since:
        found.append("flapping")
    if row.escalated:
        found.append(f"escalated {row.escalated}")
    if row.regressed:
        found.append(f"again {row.regressed}")
    return found


def body(row: Any, held: Sequence[Any] = ()) -> dict[str, Any]:
    """Return an alert as plain data; `held`: the silences in force."""
    return {
        "alert": row.name,
        "id": row.pk,
        "state": row.state,
        "severity": row.severity,
        "headline": row.headline,
        "reason": row.reason,
        "rule": row.rule_id,
        "rule_version": row.rule_version,
        "control": row.control_id,
        "connection": row.connection.name if row.connection else "",
        "group": row.group,
        "failing": row.count,
        "population": row.population,
        "flags": flags(row, held),
        "interruption": row.interruption,
        "first_failed_at": row.first_failed_at,
        "opened_at": row.opened_at,
        "acknowledged_at": row.acknowledged_at,
        "acknowledged_by": row.acknowledged_by,
        "reviewed_at": row.reviewed_at,
        "due_at": row.due_at,
        "ended_at": row.ended_at,
        "evidence_before": row.evidence_before,
        "evidence_after": row.evidence_after,
    }


def _resources(row: Any) -> list[dict[str, Any]]:
    rows = row.resources.select_related("finding").order_by("ended_at", "since", "pk")
    return [
        {
            "check": item.finding.check_id,
            "account": item.finding.account_id,
            "region": item.finding.region,
            "resource": item.finding.resource,
            "reason": item.finding.reason,
            "since": item.since,
            "until": item.ended_at,
            "as": item.ended_as or "failing",
        }
        for item in rows
    ]


def _sent(row: Any) -> list[dict[str, Any]]:
    """Return what the outbox did with the alert's messages, as lines of its timeline."""
    found = []
    for item in row.deliveries.select_related("into").prefetch_related("tries").order_by("order"):
        words = f"message “{item.happened}” on {item.channel}"
        line = {"state": "", "by": "system", "data": {}}
        tries = list(item.tries.all())
        found += [
            {
                **line,
                "at": tried.at,
                "what": f"{words}: attempt {tried.number}: {tried.outcome}",
                "reason": tried.answer,
            }
            for tried in tries
            if tried.outcome != "accepted"
        ]
        at = item.sent_at or (tries[-1].at if tries else item.created_at)
        found.append({**line, "at": at, "what": f"{words}: {item.state}", "reason": silences.said(item)})
    return found


def _event(item: Any) -> dict[str, Any]:
    moved = f"{item.before} → {item.after}" if item.before and item.before != item.after else item.after
    return {
        "at": item.at,
        "what": item.kind,
        "state": moved,
        "by": f"{item.actor} ({item.role})" if item.role else item.actor,
        "reason": safe(item.reason),
        "data": item.data,
    }
