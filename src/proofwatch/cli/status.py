"""`status`, `results` and `findings`: how the controls stand, and why."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from proofwatch.app import App
from proofwatch.checks.base import SEVERITIES
from proofwatch.cli.output import (
    json_option,
    note,
    print_json,
    print_json_lines,
    print_table,
    say,
    status_text,
    utc,
)

if TYPE_CHECKING:
    from proofwatch.controls.base import ControlStatus

UNTOLD = ("no data", "inconclusive", "pending")


@click.command()
@click.option(
    "--fail-on",
    type=click.Choice([*SEVERITIES, "never"]),
    default="low",
    show_default=True,
    help="End with 1 only for failing controls of this severity or worse.",
)
@json_option
def status(fail_on: str, as_json: bool) -> None:
    """Show the controls, worst first, with reasons.

    Ends with 1 when a control fails, 3 when none fails but something could not be told or no control is
    monitored at all, 0 otherwise.
    """
    from proofwatch.store.services import controls

    app = App().open()
    now = datetime.now(UTC)
    found = controls.statuses(now)
    listed = controls.current()
    titles = {item.id: item for item in controls.controls_of(listed)} if listed else {}
    if as_json:
        print_json(_status_body(app, found, titles, now))
    else:
        show_controls(found, titles, now)
    sys.exit(exit_code(found, fail_on))


def show_controls(found: list[ControlStatus], titles: dict[str, Any], now: datetime) -> None:
    """Print the controls as a table, worst first, under one line that says as of when."""
    numbers: dict[str, int] = {}
    for item in found:
        numbers[item.status] = numbers.get(item.status, 0) + 1
    counted = ", ".join(f"{number} {name}" for name, number in numbers.items())
    say(f"{len(found)} controls as of {utc(now)}: {counted or 'none'}", "bold")
    print_table(
        ["Status", "Control", "Severity", "Observed", "Why"],
        (
            (
                status_text(item.status),
                f"{item.control} {titles[item.control].title if item.control in titles else ''}",
                item.severity if item.status == "failing" else "",
                item.observed_at,
                item.reason,
            )
            for item in found
        ),
        empty="There is no control list yet. Run `proofwatch init`.",
    )


def exit_code(found: Iterable[ControlStatus], fail_on: str) -> int:
    """Return the exit code of a list of statuses: 1 failing, 3 cannot tell, 0 otherwise (ADR 4)."""
    items = list(found)
    if fail_on == "never":
        return 0
    limit = SEVERITIES.index(fail_on)
    if any(item.status == "failing" and SEVERITIES.index(item.severity) <= limit for item in items):
        return 1
    monitored = any(item.status != "not monitored" for item in items)
    return 3 if not monitored or any(item.status in UNTOLD for item in items) else 0


def _status_body(
    app: App, found: list[ControlStatus], titles: dict[str, Any], now: datetime
) -> dict[str, Any]:
    from proofwatch.store.services import connections

    return {
        "as_of": now,
        "connections": [
            {
                "name": item.name,
                "state": item.state,
                "last_complete_at": item.last_complete_at,
                "stale": connections.is_stale(item, now),
            }
            for item in connections.every()
        ],
        "controls": [
            {
                **asdict(item),
                "title": titles[item.control].title if item.control in titles else "",
                "criteria": list(titles[item.control].criteria) if item.control in titles else [],
                "checks": [{"check": check, "version": version} for check, version in item.checks],
            }
            for item in found
        ],
    }


@click.command()
@click.option("--check", "checks", multiple=True, help="Only this check; may be repeated.")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(["pass", "fail", "inconclusive", "not_applicable", "accepted"]),
    help="Only this status; may be repeated.",
)
@click.option("--resource", default="", help="Only resources whose identifier contains this text.")
@click.option("--account", default="", help="Only this account.")
@click.option("--region", default="", help="Only this region.")
@click.option("--connection", default="", help="Only this connection.")
@click.option("--at", "moment", default="", help="As of a past moment, e.g. 2026-11-01T12:00Z.")
@click.option(
    "--limit", type=click.IntRange(1), default=None, help="At most so many. Default for tables: 500."
)
@json_option
def results(
    checks: tuple[str, ...],
    statuses: tuple[str, ...],
    resource: str,
    account: str,
    region: str,
    connection: str,
    moment: str,
    limit: int | None,
    as_json: bool,
) -> None:
    """Show the newest verdicts: check × resource, one object per line with --json."""
    from itertools import islice

    app = App().open()
    _known_checks(app, checks)
    filters = {
        "checks": checks,
        "statuses": statuses,
        "resource": resource,
        "account": account,
        "region": region,
    }
    found = result_objects(app, connection=connection, at=parse_moment(moment), **filters)
    if as_json:
        print_json_lines(islice(found, limit))
        return
    most = limit or 500
    rows = list(islice(found, most + 1))
    print_table(
        ["Status", "Check", "Place", "Resource", "Reason"],
        (
            (
                status_text(item["status"]),
                item["check"],
                f"{item['account']} {item['region']}",
                item["resource"],
                item["reason"],
            )
            for item in rows[:most]
        ),
        empty="No result matches. `proofwatch sweep` makes results; `checks list` names the checks.",
    )
    if len(rows) > most:
        note(f"More than {most} results match; --limit shows more, --json all.")


def result_objects(
    app: App, *, connection: str = "", at: datetime | None = None, **filters: Any
) -> Iterator[dict[str, Any]]:
    """Yield one plain object per result of the newest sweeps: what `results --json` prints."""
    from proofwatch.reports.results import newest_results

    cache = app.settings.cache / "tables"
    until = at + timedelta.resolution if at else None
    yield from newest_results(app.objects, cache, connection=connection, until=until, **filters)


def _known_checks(app: App, names: Iterable[str]) -> None:
    from proofwatch.store.services.naming import unknown

    for name in names:
        if name not in app.catalog.checks:
            raise unknown("choosing results", "check", name, app.catalog.checks)


def parse_moment(text: str) -> datetime | None:
    """Read a moment in UTC; a day alone means its end. Raises click.BadParameter."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no moment; write 2026-11-01 or 2026-11-01T12:00Z", param_hint="--at"
        ) from None
    if len(text) == len("2026-11-01"):
        moment = moment.replace(hour=23, minute=59, second=59, microsecond=999999)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@click.command()
@click.option(
    "--state", type=click.Choice(["open", "restored", "gone", "all"]), default="open", show_default=True
)
@click.option("--check", default="", help="Only this check.")
@click.option("--severity", type=click.Choice(SEVERITIES), default=None, help="Only this severity.")
@click.option("--resource", default="", help="Only resources whose identifier contains this text.")
@click.option("--connection", default="", help="Only this connection.")
@click.option("--limit", type=click.IntRange(1), default=500, show_default=True)
@json_option
def findings(
    state: str, check: str, severity: str | None, resource: str, connection: str, limit: int, as_json: bool
) -> None:
    """Show what fails, since when, and what was verified restored."""
    from proofwatch.store.services import findings as service

    app = App().open()
    if check and check not in app.catalog.checks and not service.known(check):
        from proofwatch.store.services.naming import unknown

        raise unknown("listing findings", "check", check, app.catalog.checks)
    rows = service.query(
        connection=connection,
        check=check,
        state="" if state == "all" else state,
        severity=severity or "",
        resource=resource,
        limit=limit,
    )
    if as_json:
        print_json([finding_body(row) for row in rows])
        return
    print_table(
        ["State", "Severity", "Check", "Resource", "Failing since", "Last observed", "Reason"],
        (
            (
                finding_state(row),
                row.severity,
                row.check_id,
                f"{row.account_id} {row.region} {row.resource}",
                row.opened_at,
                row.last_observed_at,
                row.reason,
            )
            for row in rows
        ),
        empty=f"No {'' if state == 'all' else state + ' '}finding matches.",
    )


def finding_state(row: Any) -> Any:
    """Return the state in words: restored ones are verified by the system, and interruptions show."""
    text = status_text(row.state)
    if row.state == "restored":
        text = text.copy()
        text.plain = "✓ verified restored"
    if row.state == "gone":
        text.plain = "✓ resource gone"
    if row.acceptance and row.state == "open":
        text.append(f" (accepted, {row.acceptance})")
    if row.evidence_interrupted_since:
        text.append(" (evidence interrupted)")
    if row.regressions:
        text.append(f" (regressed {row.regressions}×)")
    return text


def finding_body(row: Any) -> dict[str, Any]:
    """Return a finding as plain data."""
    names = (
        "id", "check_id", "account_id", "region", "resource", "state", "severity", "reason", "check_version",
        "first_failed_at", "last_failed_at", "last_observed_at", "opened_at", "restored_at", "regressions",
        "evidence_interrupted_since", "interruption", "acceptance",
    )  # fmt: skip
    body = {
        name.removesuffix("_id") if name != "account_id" else "account": getattr(row, name) for name in names
    }
    return {**body, "connection": row.connection.name}
