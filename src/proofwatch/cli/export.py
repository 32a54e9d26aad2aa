"""`export`: files for people, with where they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from proofwatch import __version__
from proofwatch.app import App
from proofwatch.cli import export_alerts
from proofwatch.cli.output import json_option, print_fields, print_json

Rows = tuple[Sequence[str], Iterable[Sequence[Any]], dict[str, Any]]


def _results(app: App) -> Rows:
    from proofwatch.cli.status import result_objects

    columns = (
        "check", "title", "severity", "criteria", "status", "account", "region", "resource", "reason",
        "check_version", "observed_at", "connection", "sweep",
    )  # fmt: skip
    rows = (
        tuple({**item, **_about(app, item["check"])}.get(name) for name in columns)
        for item in result_objects(app)
    )
    return columns, rows, {"question": "Every verdict of the newest sweep of each connection."}


def _about(app: App, name: str) -> dict[str, Any]:
    check = app.catalog.checks[name]
    return {"title": check.title, "severity": check.severity, "criteria": list(check.criteria)}


def _findings(app: App) -> Rows:
    from proofwatch.cli.status import finding_body
    from proofwatch.store.services import findings

    bodies = [finding_body(row) for row in findings.query(limit=10_000_000)]
    columns = tuple(bodies[0]) if bodies else ("id", "check", "resource", "state")
    return columns, (tuple(body.values()) for body in bodies), {"question": "Every finding, open or not."}


def _controls(app: App) -> Rows:
    from proofwatch.store.services import controls

    row = controls.current()
    listed = {item.id: item for item in controls.controls_of(row)} if row else {}
    columns = (
        "control", "title", "statement", "owner_role", "criteria", "status", "reason", "failed", "passed",
        "inconclusive", "not_applicable", "accepted", "observed_at", "checks", "sweeps",
    )  # fmt: skip
    rows = (
        (
            item.control,
            listed[item.control].title,
            listed[item.control].statement,
            listed[item.control].owner_role,
            list(listed[item.control].criteria),
            item.status,
            item.reason,
            item.counts.failed,
            item.counts.passed,
            item.counts.inconclusive,
            item.counts.not_applicable,
            item.counts.accepted,
            item.observed_at,
            [f"{check} {version[:12]}" for check, version in item.checks],
            list(item.sweeps),
        )
        for item in controls.statuses(datetime.now(UTC))
    )
    sha256 = row.sha256 if row else ""
    return columns, rows, {"question": "How every control stands, worst first.", "control_list": sha256}


def _checks(app: App) -> Rows:
    from proofwatch.store.services import checks

    off, params = checks.disabled(), checks.params()
    columns = (
        "check", "title", "enabled", "decision", "severity", "criteria", "table", "applies", "passes",
        "params", "version",
    )  # fmt: skip
    rows = (
        (
            check.id,
            check.title,
            check.id not in off,
            off.get(check.id, ""),
            check.severity,
            list(check.criteria),
            check.table,
            check.applies,
            check.passes,
            {**check.params, **params.get(check.id, {})},
            check.version,
        )
        for check in app.catalog.checks.values()
    )
    return columns, rows, {"question": "The configuration of every check, and which are on."}


SUBJECTS: dict[str, Callable[[App], Rows]] = {
    "results": _results,
    "findings": _findings,
    "controls": _controls,
    "checks": _checks,
    "alerts": export_alerts.alerts,
    "deliveries": export_alerts.deliveries,
    "reviews": export_alerts.reviews,
    "tasks": export_alerts.tasks,
    "acceptances": export_alerts.acceptances,
    "drills": export_alerts.drills,
}


@click.group()
def export() -> None:
    """Write files for people: CSV with its provenance."""


@export.command("csv")
@click.argument("subject", type=click.Choice([*SUBJECTS, "all"]), default="all")
@click.option(
    "--out",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("proofwatch-export"),
    show_default=True,
    help="Folder; made if needed.",
)
@json_option
def csv_files(subject: str, folder: Path, as_json: bool) -> None:
    """Write SUBJECT as CSV, with the raw values as JSON lines and the provenance beside it."""
    app = App().open()
    written = [_export(app, name, folder) for name in (SUBJECTS if subject == "all" else [subject])]
    app.sign()
    if as_json:
        print_json(written)
        return
    print_fields([(item["subject"], f"{item['rows']} rows, {item['csv']}") for item in written])


def _export(app: App, name: str, folder: Path) -> dict[str, Any]:
    from proofwatch.reports.tables import write_table
    from proofwatch.store import django, log
    from proofwatch.store.services import connections, sweeps

    now = datetime.now(UTC)
    columns, rows, about = SUBJECTS[name](app)
    newest = [(item, sweeps.latest(item)) for item in connections.every()]
    meta = {
        "system": f"Proofwatch {__version__}",
        "subject": name,
        "command": f"proofwatch export csv {name}",
        "generated_at": now,
        "generated_by": app.actor,
        "filter": "none",
        "includes_silenced_and_accepted": "yes",
        "data_as_of": [
            {
                "connection": item.name,
                "sweep": str(run.pk),
                "observed_at": run.observed_at,
                "state": run.state,
            }
            for item, run in newest
            if run
        ],
        **about,
    }
    done = write_table(folder, name, columns, rows, meta)
    with django.write(f"recording the export of {name}"):
        data = {"subject": name, "rows": done.rows, "sha256": done.sha256, "file": done.csv.name}
        log.append("export.made", app.actor, data, now)
    return {"subject": name, "rows": done.rows, "csv": done.csv, "jsonl": done.jsonl, "meta": done.meta}
