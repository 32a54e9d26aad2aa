"""`history`: what left the database for the object store, asked, proven and brought back."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from proofwatch.app import App
from proofwatch.cli.output import errors, json_option, note, print_json, print_table, say
from proofwatch.cli.progress import stage_progress

if TYPE_CHECKING:
    from proofwatch.store.history.base import Month
    from proofwatch.store.models import HistoryPartition

WHERE = {
    "away": "in the archive",
    "leaving": "leaving the database",
    "coming": "in the archive, coming back",
    "brought": "here and in the archive",
}


@click.group()
def history() -> None:
    """Months of history: archive, ask, bring back, verify."""


@history.command("list")
@json_option
def list_months(as_json: bool) -> None:
    """List the archived months: tables, rows, size, and where their rows are."""
    from proofwatch.store.history.base import partitions

    App().open()
    rows = [body(item) for item in partitions()]
    if as_json:
        print_json(rows)
        return
    _show(rows)


def body(item: HistoryPartition) -> dict[str, Any]:
    """Return a partition as plain data."""
    return {
        "month": item.month, "table": item.table, "part": item.part, "rows": item.rows, "bytes": item.size,
        "object": item.digest, "where": item.state, "until": item.brought_until, "entry": item.entry,
        "archived_at": item.archived_at,
    }  # fmt: skip


def _show(rows: Iterable[dict[str, Any]]) -> None:
    print_table(
        ["Month", "Table", "Part", "Rows", "Bytes", "Where", "Until", "Log entry", "Object"],
        (
            (
                row["month"], row["table"], row["part"], row["rows"], row["bytes"], WHERE[row["where"]],
                row["until"], row["entry"], row["object"],
            )
            for row in rows
        ),
        empty="Nothing was archived: every row of history is in the database.",
    )  # fmt: skip


@history.command()
@click.argument("month", required=False)
@click.option(
    "--older-than", type=click.IntRange(1), metavar="N", help="Every whole month that is older than N months."
)
@json_option
def archive(month: str | None, older_than: int | None, as_json: bool) -> None:
    """Let the rows of MONTH (as 2025-01) leave the database that the present does not need.

    They go into objects that the log names, are read back and proven, and only then deleted. Safe to repeat,
    also after a crash.
    """
    from proofwatch.store.history import archive as service
    from proofwatch.store.history.base import Month

    if (month is None) == (older_than is None):
        raise click.UsageError("Name a month, or say --older-than N.")
    app, now = App().open(), datetime.now(UTC)
    with stage_progress(not as_json and errors.is_terminal) as progress:
        if older_than is not None:
            made = service.older(older_than, app.objects, actor=app.actor, now=now, progress=progress)
        else:
            chosen = Month.parse(str(month))
            made = service.archive(chosen, app.objects, actor=app.actor, now=now, progress=progress)
    app.sign()
    _done(app, made, as_json, "No row was to leave.")


@history.command()
@click.argument("sql")
@click.option("--from", "first", metavar="MONTH", help="Rows of history from this month on, as 2026-01.")
@click.option("--to", "last", metavar="MONTH", help="Rows of history up to this month.")
@click.option(
    "--limit", type=click.IntRange(1), default=1000, show_default=True, help="At most so many rows."
)
@json_option
def query(sql: str, first: str | None, last: str | None, limit: int, as_json: bool) -> None:
    """Run one SELECT over archived and living rows together, in a locked engine without files or network.

    Tables: shard_read, coverage_gap, table_state, check_run, result_object, finding_event; beside them sweep,
    finding and connection to join with.

    Example: proofwatch history query "SELECT month(observed_at), sum(failed) FROM check_run GROUP BY ALL"
    """
    from proofwatch.store.history import asking
    from proofwatch.store.history.base import Month

    app = App().open()
    columns, rows = asking.query(
        sql, app.settings.database_url, app.objects, limit=limit,
        first=Month.parse(first) if first else None, last=Month.parse(last) if last else None,
    )  # fmt: skip
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table(columns, rows, empty="No rows.")
    if len(rows) >= limit:
        note(f"Cut at {limit} rows; --limit shows more.")


@history.command()
@click.argument("months", nargs=-1, required=True, metavar="MONTH...")
@json_option
def bring(months: tuple[str, ...], as_json: bool) -> None:
    """Write the rows of MONTHs back into the database for 30 days, proven before they are written."""
    from proofwatch.store.history import bring as service

    app, made = App().open(), []
    with stage_progress(not as_json and errors.is_terminal) as progress:
        for month in _months(months):
            made += service.bring(
                month, app.objects, actor=app.actor, now=datetime.now(UTC), progress=progress
            )
    app.sign()
    _done(app, made, as_json, "")


@history.command()
@click.argument("months", nargs=-1, required=True, metavar="MONTH...")
@json_option
def release(months: tuple[str, ...], as_json: bool) -> None:
    """Let the rows of MONTHs that were brought back leave again."""
    from proofwatch.store.history import bring as service
    from proofwatch.store.history.base import partitions

    app, done = App().open(), []
    for month in _months(months):
        service.release(month, app.objects, actor=app.actor, now=datetime.now(UTC))
        done += partitions(month)
    app.sign()
    _done(app, done, as_json, "")


@history.command()
@click.argument("month", required=False)
@json_option
def verify(month: str | None, as_json: bool) -> None:
    """Prove the partitions of MONTH, or of all, and their rows against the manifests of their sweeps.

    Ends with 1 when a row or an object is forged, changed or missing; it is named. The log itself is proven
    by `evidence verify`.
    """
    from proofwatch.cli.evidence import show_report
    from proofwatch.store.history.base import Month
    from proofwatch.store.history.verify import verify as prove

    app = App().open()
    chosen = Month.parse(month) if month else None
    with stage_progress(not as_json and errors.is_terminal) as progress:
        report = prove(app.settings.database_url, app.objects, chosen, progress)
    if as_json:
        names = ("proven", "unproven", "wrong", "hidden")
        print_json({name: getattr(report, name) for name in names})
    else:
        show_report(report)
    sys.exit(1 if report.wrong else 0)


def _months(given: Iterable[str]) -> list[Month]:
    from proofwatch.store.history.base import Month

    return [Month.parse(text) for text in given]


def _done(app: App, made: Iterable[HistoryPartition], as_json: bool, empty: str) -> None:
    from proofwatch.store.models import HistoryPartition

    keys = [item.pk for item in made]
    rows = [
        body(item) for item in HistoryPartition.objects.filter(pk__in=keys).order_by("month", "table", "part")
    ]
    if as_json:
        print_json(rows)
    elif rows:
        _show(rows)
    else:
        say(empty)


def keep_up(app: App) -> int:
    """Do what is due once a day: archive what is old, release what was brought back; return how often.

    Done by one worker, taken over where it dies; what fails is recorded, and tried again later.
    """
    from proofwatch.runtime import jobs

    now, done = datetime.now(UTC), 0
    jobs.enqueue(jobs.HISTORY, f"{now:%Y-%m-%d}", now)
    while jobs.run_one(jobs.owner_name(), {jobs.HISTORY: lambda held: _keep_up(app)}, only=jobs.HISTORY):
        app.sign()
        done += 1
    return done


def _keep_up(app: App) -> None:
    from proofwatch.store.history import archive as archiving
    from proofwatch.store.history import bring as bringing

    now, months = datetime.now(UTC), app.settings.history_months
    bringing.expire(app.objects, actor="scheduler", now=now)
    if months:
        archiving.older(months, app.objects, actor="scheduler", now=now)
