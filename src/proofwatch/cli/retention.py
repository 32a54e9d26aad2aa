"""`retention`: what evidence is held, until when, and what keeps it from being deleted."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from proofwatch.app import App
from proofwatch.cli.output import json_option, print_fields, print_json, print_table, say
from proofwatch.cli.progress import stage_progress

if TYPE_CHECKING:
    from proofwatch.reports.retention import Held, Retention


@click.group()
def retention() -> None:
    """What evidence is held, until when, and what keeps it from being deleted."""


@retention.command("report")
@click.option(
    "--deep/--shallow",
    default=None,
    help="Whether objects are read for those that they name. Default: deep in a folder, shallow in a bucket.",
)
@json_option
def report(deep: bool | None, as_json: bool) -> None:
    """Show what is held of each audit and month, where, and until when.

    Ends with 1 when objects that the log names are missing. It looks only whether they are there: their bytes
    are proven by `evidence verify`.
    """
    app = App().open()
    from proofwatch.reports import retention as reports
    from proofwatch.reports.bucket import open_bucket

    settings = app.settings
    bucket = open_bucket(settings.objects, settings.objects_endpoint)
    with stage_progress(not as_json) as progress:
        found = reports.report(
            app.objects,
            settings.objects,
            bucket.lock() if bucket else None,
            years=settings.retain_years,
            now=datetime.now(UTC),
            deep=bucket is None if deep is None else deep,
            progress=lambda done, total: progress("read the log", done, total),
        )
    if as_json:
        print_json(asdict(found))
    else:
        show(found)
    sys.exit(1 if found.missing else 0)


def show(found: Retention) -> None:
    """Print the report for people."""
    print_fields(
        [
            ("oldest entry", found.oldest),
            ("entries", found.entries),
            ("objects", f"{found.objects} ({size(found.bytes)}) in {found.where}"),
            ("held", f"{found.years} years after the end of a period"),
        ]
    )
    if found.unnamed:
        how = "no entry names" if found.deep else "no entry names itself (--deep reads on)"
        say(f"  {found.unnamed} objects are in the store that {how}.")
    columns = ["", "Days", "Entries", "Objects", "Size", "Pictures", "Exports", "Held until", "Audits"]
    if found.periods:
        print_table(["Audit", *columns[1:-1]], (row(held)[:-1] for held in found.periods), title="\nAudits")
    print_table(["Month", *columns[1:]], map(row, found.months), title="\nMonths", empty="The log is empty.")
    say()
    if found.lock and not found.shortfall:
        say(f"✓ the bucket locks every new object for {found.lock.days} days ({found.lock.mode})", "green")
    else:
        say(f"? {found.shortfall}", "yellow")
    if found.missing:
        say(f"✗ {found.missing} objects that the log names are missing, the first: ", "bold red")
        for digest in found.first_missing:
            say(f"    {digest}")
    else:
        say("✓ every object that the log names is there; `evidence verify` proves their bytes", "green")


def row(held: Held) -> list[object]:
    """Return what is held as the cells of a row."""
    return [
        held.name, f"{held.first} – {held.last}", held.entries, held.objects, size(held.bytes),
        held.screenshots or "", held.exports or "", str(held.until), list(held.audits),
    ]  # fmt: skip


def size(number: int) -> str:
    """Return a number of bytes for people."""
    value = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
