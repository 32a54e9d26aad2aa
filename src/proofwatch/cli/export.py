"""`export`: files for people, with where they come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proofwatch.app import App
from proofwatch.cli import export_formats
from proofwatch.cli.given import pairs
from proofwatch.cli.output import json_option, print_fields, print_json

if TYPE_CHECKING:
    from proofwatch.listings.base import Listing
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
    """Write files for people: CSV with its provenance."""


export.add_command(export_formats.ocsf)


@export.command("csv")
@click.argument("subject", default="all")
@click.option("--filter", "filters", multiple=True, metavar="NAME=VALUE", help="As on the page; repeatable.")
@click.option(
    "--out",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("proofwatch-export"),
    show_default=True,
    help="Folder; made if needed.",
)
@json_option
def csv_files(subject: str, filters: Sequence[str], folder: Path, as_json: bool) -> None:
    """Write SUBJECT as CSV, with the raw values as JSON lines and the provenance beside it.

    SUBJECT is the name of a list (alerts, reviews, tasks, findings, …), results, or all.
    """
    app = App().open()
    chosen = pairs(filters)
    written = [_export(app, name, chosen, folder) for name in names_of(subject)]
    app.sign()
    if as_json:
        print_json(written)
        return
    print_fields([(item["subject"], f"{item['rows']} rows, {item['csv']}") for item in written])


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


def _export(app: App, name: str, chosen: Mapping[str, str], folder: Path) -> dict[str, Any]:
    from proofwatch.listings.base import Asked
    from proofwatch.listings.files import record, write_list

    said = "".join(f" --filter {key}={value}" for key, value in chosen.items())
    origin = origin_of(app, f"export csv {name}{said}")
    if name == RESULTS:
        done = _results(app, folder, origin)
    else:
        done = write_list(listing_of(app, name), Asked(dict(chosen)), folder, origin)
    record(name, done, origin, dict(chosen))
    return {"subject": name, "rows": done.rows, "csv": done.csv, "jsonl": done.jsonl, "meta": done.meta}


def _results(app: App, folder: Path, origin: Origin) -> Written:
    from proofwatch.reports.provenance import provenance
    from proofwatch.reports.tables import write_table

    question = "Every verdict of the newest sweep of each connection."
    about = provenance(origin, RESULTS, title="Results", question=question)
    return write_table(folder, RESULTS, RESULT_COLUMNS, _result_rows(app), about)


def _result_rows(app: App) -> Iterable[Sequence[Any]]:
    from proofwatch.cli.status import result_objects

    for item in result_objects(app):
        check = app.catalog.checks.get(item["check"])
        about = {"title": check.title, "criteria": list(check.criteria)} if check else {}
        yield tuple({**item, **about}.get(name) for name in RESULT_COLUMNS)
