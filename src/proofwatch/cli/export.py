"""`export`: files for people, with where they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proofwatch.app import App
from proofwatch.cli import binder as binders
from proofwatch.cli import export_formats
from proofwatch.cli.given import pairs
from proofwatch.cli.output import json_option, print_fields, print_json

if TYPE_CHECKING:
    from proofwatch.listings.base import Column, Listing
    from proofwatch.reports.pdf import Printed
    from proofwatch.reports.provenance import Origin
    from proofwatch.reports.tables import Written

RESULTS = "results"
RESULT_COLUMNS = (
    "check", "title", "severity", "criteria", "status", "account", "region", "resource", "reason",
    "check_version", "observed_at", "connection", "sweep",
)  # fmt: skip


def subjects() -> list[str]:
    """Return what can be exported: every list that a page shows, and the verdicts."""
    from proofwatch.listings.registry import LISTINGS

    return [RESULTS, *LISTINGS]


@click.group()
def export() -> None:
    """Write files for people: CSV or PDF, with their provenance."""


export.add_command(export_formats.oscal)
export.add_command(export_formats.ocsf)
for _command in (binders.binder, binders.bundle, binders.list_exports):
    export.add_command(_command)


def _what(command: Callable[..., None]) -> Callable[..., None]:
    """Add what every verb that exports a list is given."""
    for decorate in (
        json_option,
        click.option(
            "--out",
            "folder",
            type=click.Path(path_type=Path, file_okay=False),
            default=Path("proofwatch-export"),
            show_default=True,
            help="Folder; made if needed.",
        ),
        click.option(
            "--filter", "filters", multiple=True, metavar="NAME=VALUE", help="As on the page; repeatable."
        ),
        click.argument("subject", default="all"),
    ):
        command = decorate(command)
    return command


@export.command("csv")
@_what
def csv_files(subject: str, filters: Sequence[str], folder: Path, as_json: bool) -> None:
    """Write SUBJECT as CSV, with the raw values as JSON lines and the provenance beside it.

    SUBJECT is the name of a list (alerts, reviews, tasks, findings, …), results, or all.
    """
    _run("csv", subject, filters, folder, as_json)


@export.command("pdf")
@_what
def pdf_files(subject: str, filters: Sequence[str], folder: Path, as_json: bool) -> None:
    """Write SUBJECT as PDF for keeping (PDF/A-2a, tagged), with its provenance on the first page.

    SUBJECT is the name of a list (alerts, reviews, tasks, findings, …), results, or all. The same rows make
    the same bytes on every machine; more than 5,000 rows make several files.
    """
    _run("pdf", subject, filters, folder, as_json)


def _run(form: str, subject: str, filters: Sequence[str], folder: Path, as_json: bool) -> None:
    app = App().open()
    chosen = pairs(filters)
    written = [_export(app, form, name, chosen, folder) for name in names_of(subject)]
    app.sign()
    if as_json:
        print_json(written)
        return
    print_fields([(item["subject"], f"{item['rows']} rows, {_named(item[form])}") for item in written])


def _named(made: Path | Sequence[Path]) -> str:
    return str(made) if isinstance(made, Path) else ", ".join(map(str, made))


def names_of(subject: str) -> list[str]:
    """Return the lists that a word stands for. Raises click.UsageError naming what there is."""
    known = subjects()
    if subject == "all":
        return known
    if subject not in known:
        raise click.UsageError(f"There is no list {subject!r}. Known: {', '.join(known)}, all.")
    return [subject]


def origin_of(app: App, command: str) -> Origin:
    """Return who exports by which command."""
    from proofwatch.reports.provenance import Origin

    settings = app.settings
    return Origin(
        f"proofwatch {command}", app.actor, datetime.now(UTC), organization=settings.organization,
        mark=settings.mark,
    )  # fmt: skip


def listing_of(app: App, name: str) -> Listing:
    """Return a list that knows the checks of this installation."""
    from proofwatch.listings import catalogue
    from proofwatch.listings.registry import LISTINGS

    catalogue.tell_from(lambda: app.catalog.checks)
    return LISTINGS[name]


def _export(app: App, form: str, name: str, chosen: Mapping[str, str], folder: Path) -> dict[str, Any]:
    from proofwatch.listings.base import Asked
    from proofwatch.listings.files import record, write_list, write_list_pdf

    said = "".join(f" --filter {key}={value}" for key, value in chosen.items())
    origin = origin_of(app, f"export {form} {name}{said}")
    asked = Asked(dict(chosen))
    if form == "pdf":
        made = (
            _results_pdf(app, folder, origin)
            if name == RESULTS
            else write_list_pdf(listing_of(app, name), asked, folder, origin)
        )
        record(name, made, origin, dict(chosen))
        return {"subject": name, "rows": made.rows, "pdf": list(made), "sha256": made.digests()}
    done = (
        _results(app, folder, origin)
        if name == RESULTS
        else write_list(listing_of(app, name), asked, folder, origin)
    )
    record(name, done, origin, dict(chosen))
    return {"subject": name, "rows": done.rows, "csv": done.csv, "jsonl": done.jsonl, "meta": done.meta}


def _about_results(origin: Origin) -> dict[str, Any]:
    from proofwatch.reports.provenance import provenance

    question = "Every verdict of the newest sweep of each connection."
    return provenance(origin, RESULTS, title="Results", question=question)


def _results(app: App, folder: Path, origin: Origin) -> Written:
    from proofwatch.reports.tables import write_table

    rows = (tuple(row.get(name) for name in RESULT_COLUMNS) for row in _result_rows(app))
    return write_table(folder, RESULTS, RESULT_COLUMNS, rows, _about_results(origin))


def _results_pdf(app: App, folder: Path, origin: Origin) -> Printed:
    from proofwatch.reports.pdf import write_pdf

    return write_pdf(folder, RESULTS, _result_columns(), _result_rows(app), _about_results(origin))


def _result_columns() -> list[Column]:
    from proofwatch.listings.base import Column

    return [
        Column("resource", "Resource"), Column("check", "Check", "name"),
        Column("status", "Status", "status"), Column("severity", "Severity", "severity"),
        Column("criteria", "Criteria", "names"),
        Column("reason", "Why"), Column("account", "Account"), Column("region", "Region"),
        Column("observed_at", "Observed", "moment"), Column("check_version", "Check version", "digest"),
    ]  # fmt: skip


def _result_rows(app: App) -> Iterable[dict[str, Any]]:
    from proofwatch.cli.status import result_objects

    for item in result_objects(app):
        check = app.catalog.checks.get(item["check"])
        about = {"title": check.title, "criteria": list(check.criteria)} if check else {}
        yield {**item, **about}
