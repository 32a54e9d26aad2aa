"""`export binder`, `export bundle`, `export list`: the ZIP that an auditor receives."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proofwatch.app import App
from proofwatch.cli.output import errors, json_option, print_json, print_table, say, status_text
from proofwatch.cli.progress import stage_progress

if TYPE_CHECKING:
    from proofwatch.binder.base import Tools
    from proofwatch.store.models import Audit, Export


@click.command()
@click.option("--audit", "name", default="", help="Name of the audit. Default: the one that holds today.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the ZIP goes. Default: exports/ in the home folder.",
)
@json_option
def binder(name: str, out: Path | None, as_json: bool) -> None:
    """Write everything about an observation period into one ZIP that can be verified offline."""
    from proofwatch.cli.audits import audit_of
    from proofwatch.store.services import exports

    app = App().open()
    audit = audit_of(name, datetime.now(UTC))
    command = f"export binder --audit {shlex.quote(audit.name)}"
    _make(app, audit, exports.BINDER, command, out, as_json)


@click.command()
@click.option("--month", type=click.DateTime(formats=["%Y-%m"]), required=True, help="The month, as 2026-10.")
@json_option
def bundle(month: datetime, as_json: bool) -> None:
    """Write the binder of one month now; the worker makes the last month's by itself."""
    from proofwatch.store.services import exports

    app = App().open()
    audit = exports.month(month.date())
    if audit.last >= datetime.now(UTC).date():
        raise click.UsageError(f"{month:%Y-%m} has not ended yet.")
    _make(app, audit, exports.BUNDLE, f"export bundle --month {month:%Y-%m}", None, as_json)


@click.command("list")
@json_option
def list_exports(as_json: bool) -> None:
    """List the binders and bundles, the newest first."""
    from proofwatch.store.services import exports

    app = App().open()
    rows = [body(app, row) for row in exports.every()]
    if as_json:
        print_json(rows)
        return
    print_table(
        ["Export", "Kind", "Audit", "From", "To", "State", "Bytes", "By", "At", "File or problem"],
        (
            (
                row["export"], row["kind"], row["audit"], row["from"], row["to"], status_text(row["state"]),
                row["bytes"], row["by"], row["at"], row["error"] or row["file"],
            )
            for row in rows
        ),
        empty="Nothing was made yet. Run `proofwatch export binder --audit NAME`.",
    )  # fmt: skip


def body(app: App, row: Export) -> dict[str, Any]:
    """Return an export as plain data."""
    return {
        "export": row.name, "kind": row.kind, "audit": row.audit, "from": row.first, "to": row.last,
        "state": row.state, "bytes": row.size, "sha256": row.sha256, "log_size": row.log_size, "by": row.by,
        "at": row.at, "finished_at": row.finished_at, "error": row.error,
        "file": str(app.settings.exports / row.file) if row.file else "",
    }  # fmt: skip


def _make(app: App, audit: Audit, kind: str, command: str, out: Path | None, as_json: bool) -> None:
    from proofwatch.binder.making import make
    from proofwatch.cli.export import origin_of
    from proofwatch.store.services import exports

    origin = origin_of(app, command)
    row = exports.ask(
        audit, kind=kind, by=origin.by, role=origin.named_role(), now=origin.now, state=exports.WRITING
    )
    app.sign()
    with stage_progress(not as_json and errors.is_terminal) as progress:
        done = make(
            row, tools_of(app), app.settings.exports, where=origin.where, clock=lambda: datetime.now(UTC),
            path=out, progress=progress,
        )  # fmt: skip
    app.sign()
    path = out or app.settings.exports / done.file
    if as_json:
        print_json({**body(app, done), "file": str(path)})
        return
    say(f"{path}: {done.size} bytes, SHA-256 {done.sha256}")
    say(
        f"The log under it has {done.log_size} entries. Verify it: proofwatch verify {shlex.quote(str(path))}"
    )


def write_due(app: App) -> int:
    """Ask for the bundle of the month that ended, and write what was asked for; return how many were written.

    Each is done by one worker, and taken over where one dies. What fails is recorded, and tried again later.
    """
    from proofwatch.runtime import jobs
    from proofwatch.store.services import exports

    now = datetime.now(UTC)
    month = exports.month_due(now)
    if month is not None:
        exports.ask(month, kind=exports.BUNDLE, by="scheduler", role="program", now=now)
        app.sign()
    for row in exports.waiting():
        if not jobs.enqueue(jobs.BINDERS, row.name, now):
            jobs.once_more(jobs.BINDERS, row.name, now)
    for row in exports.abandoned(now):
        exports.fail(row, "the process that wrote it ended; ask for it again", now=now)
    done = 0
    while jobs.run_one(
        jobs.owner_name(), {jobs.BINDERS: lambda held: _write(app, held.key)}, only=jobs.BINDERS
    ):
        app.sign()
        done += 1
    return done


def _write(app: App, name: str) -> None:
    from proofwatch.binder.making import make
    from proofwatch.store.services import exports

    row = exports.get(name)
    if row.state == exports.DONE:
        return
    span = f"--month {row.first:%Y-%m}" if row.kind == exports.BUNDLE else f"--audit {row.audit}"
    make(
        row, tools_of(app), app.settings.exports, where=f"proofwatch export {row.kind} {span}",
        clock=lambda: datetime.now(UTC),
    )  # fmt: skip


def tools_of(app: App) -> Tools:
    """Return what the binders of this installation are made with."""
    from proofwatch.binder.base import Tools
    from proofwatch.evidence.keys import load_key
    from proofwatch.listings import catalogue
    from proofwatch.pipeline import TABLES

    catalogue.tell_from(lambda: app.catalog.checks)
    settings = app.settings
    return Tools(
        app.objects, settings.cache / TABLES, load_key(settings.key_file), app.catalog.checks, app.criteria,
        settings.organization, settings.mark,
    )  # fmt: skip
