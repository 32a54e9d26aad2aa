"""`audits`: the observation periods that audits look at, and how ready each is."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import click

from proofwatch.app import App
from proofwatch.cli.output import json_option, print_fields, print_json, print_table, say, status_text

if TYPE_CHECKING:
    from proofwatch.store.models import Audit

DAY = click.DateTime(formats=["%Y-%m-%d"])
SHOWN_GAPS = 50


@click.group()
def audits() -> None:
    """Set observation periods, and look at how ready they are."""


@audits.command()
@click.argument("name", required=False)
@click.option("--framework", default="soc2", show_default=True, help="What is audited.")
@click.option("--from", "first", type=DAY, required=True, help="First day of the period, UTC.")
@click.option("--to", "last", type=DAY, required=True, help="Last day of the period, UTC.")
@click.option("--auditor", default="", help="The firm or person.")
@click.option(
    "--reason",
    default="The observation period was agreed with the auditor.",
    show_default=True,
    help="Why; it is kept as evidence.",
)
@json_option
def create(
    name: str | None,
    framework: str,
    first: datetime,
    last: datetime,
    auditor: str,
    reason: str,
    as_json: bool,
) -> None:
    """Set the observation period of the audit NAME; the same name again changes it.

    Without a name it is called after the framework and the year of its last day: soc2-2026.
    """
    from proofwatch.store.services import audits as service

    app = App().open()
    row = service.save(
        name or f"{framework.lower()}-{last.year}", first.date(), last.date(), actor=app.actor,
        now=datetime.now(UTC), reason=reason, auditor=auditor, framework=framework,
    )  # fmt: skip
    app.sign()
    if as_json:
        print_json(_body(row))
        return
    say(f"{row.name} looks at {row.first} to {row.last}, both days included, in UTC.")


@audits.command("list")
@json_option
def list_audits(as_json: bool) -> None:
    """List the audits, the one that ends last first."""
    from proofwatch.store.services import audits as service

    App().open()
    rows = [_body(row) for row in service.every()]
    if as_json:
        print_json(rows)
        return
    print_table(
        ["Name", "Framework", "From", "To", "Auditor", "Set by"],
        ([row[key] for key in ("name", "framework", "from", "to", "auditor", "by")] for row in rows),
        empty="No observation period is set. Run `proofwatch audits create --help`.",
    )


@audits.command()
@click.option("--audit", "name", default="", help="Name of the audit. Default: the one that holds today.")
@click.option("--control", default="", help="Only this control, day by day.")
@json_option
def readiness(name: str, control: str, as_json: bool) -> None:
    """Say of every control and day what was due, read, inconclusive and missed, and why.

    Ends with 1 when one of the four usual findings stands.
    """
    from proofwatch.reports import readiness as report
    from proofwatch.store.services import controls

    app, now = App().open(), datetime.now(UTC)
    audit = audit_of(name, now)
    listed = controls.of_period(audit)
    cover = report.coverage(audit, now, listed)
    usual = report.usual(cover, now, listed)
    days = list(report.ledger(audit, now, listed))
    if control:
        days = [item for item in days if item["control"] == control]
        if not days:
            raise click.UsageError(f"No automated control {control!r}; `proofwatch controls list` has them.")
    if as_json:
        print_json({"audit": _body(audit), "as_of": now, "usual": usual_body(usual), "days": days})
    else:
        _show(audit, now, cover, usual, days, by_day=bool(control), criteria=len(app.criteria))
    sys.exit(1 if any(item.state == "failing" for item in usual) else 0)


def audit_of(name: str, now: datetime) -> Audit:
    """Return the audit of that name, else the one that holds today. Raises StoreError if there is none."""
    from proofwatch.store.base import StoreError
    from proofwatch.store.services import audits as service

    if name:
        return service.get(name)
    found = service.current(service.every(), now)
    if found is None:
        raise StoreError(
            "looking for the audit", "no observation period is set", "run `proofwatch audits create --help`"
        )
    return found


def usual_body(usual: list[Any]) -> list[dict[str, Any]]:
    """Return the four usual findings as plain data."""
    return [
        {
            "finding": item.id, "question": item.title, "state": item.state, "says": item.says,
            "number": item.number, "reasons": [what for what, _ in item.reasons],
        }
        for item in usual
    ]  # fmt: skip


def _body(row: Audit) -> dict[str, Any]:
    return {
        "name": row.name, "framework": row.framework, "from": row.first, "to": row.last,
        "auditor": row.auditor, "by": row.by, "at": row.at, "reason": row.reason,
    }  # fmt: skip


def _show(
    audit: Audit, now: datetime, cover: Any, usual: list[Any], days: list[dict[str, Any]], *, by_day: bool,
    criteria: int,
) -> None:  # fmt: skip
    print_fields(
        [
            ("audit", f"{audit.name} ({audit.framework}, {criteria} criteria known)"),
            ("period", f"{audit.first} to {audit.last}, {len(cover.days)} days so far"),
            ("as of", now),
        ]
    )
    say("\nThe four usual findings")
    for item in usual:
        say(f"{status_text(item.state)} {item.title} {item.says}")
        for what, _ in item.reasons[:5]:
            say(f"    {what}")
        if item.number > 5:
            say(f"    and {item.number - 5} more; --json has {len(item.reasons)} of {item.number}")
    say()
    if by_day:
        _show_days(days)
        return
    _show_controls(days)
    say(f"\nEvery gap ({len(cover.gaps)})")
    print_table(
        ["From", "To", "Connection", "What", "Not read", "In part", "Why"],
        (
            (
                _day(gap.first),
                _day(gap.last),
                gap.connection,
                gap.word,
                gap.lost,
                gap.partial,
                "; ".join(gap.why),
            )
            for gap in cover.gaps[:SHOWN_GAPS]
        ),
        empty="There is none: everything that was due was read whole.",
    )
    if len(cover.gaps) > SHOWN_GAPS:
        say(f"{SHOWN_GAPS} of {len(cover.gaps)} shown; the others are in --json and in the binder.")


def _show_days(days: list[dict[str, Any]]) -> None:
    names = (
        "day", "coverage", "due", "read", "read_in_part", "missed", "check_runs", "inconclusive_runs",
        "failing_runs",
    )  # fmt: skip
    titles = [name.replace("_", " ").capitalize() for name in names]
    rows = ((*(item[name] for name in names), "; ".join(item["why"])) for item in days)
    print_table([*titles, "Why"], rows)


def _show_controls(days: list[dict[str, Any]]) -> None:
    """One line a control; the days of each word stand beside each other, none is averaged away."""
    from proofwatch.controls.period import WORDS

    words: dict[str, Counter[str]] = {}
    sums: dict[str, Counter[str]] = {}
    names = ("due", "read", "read_in_part", "missed", "inconclusive_runs")
    for item in days:
        words.setdefault(item["control"], Counter())[item["coverage"]] += 1
        sums.setdefault(item["control"], Counter()).update({name: item[name] for name in names})
    shown = [word for word in reversed(WORDS) if any(found[word] for found in words.values())]
    print_table(
        ["Control", *(f"{word} days" for word in shown), "Due", "Read", "In part", "Missed", "Inconclusive"],
        (
            (control, *(found[word] for word in shown), *(sums[control][name] for name in names))
            for control, found in words.items()
        ),
        empty="No control list is in force.",
    )


def _day(day: date) -> str:
    return day.isoformat()
