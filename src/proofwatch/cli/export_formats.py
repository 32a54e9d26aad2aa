"""`export oscal` and `export ocsf`: what we know in the formats of others."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from proofwatch.app import App
from proofwatch.cli.output import json_option, print_fields, print_json

if TYPE_CHECKING:
    from proofwatch.reports.filed import Filed

OUT = click.option(
    "--out", "path", type=click.Path(path_type=Path, dir_okay=False), required=True,
    help="File; its provenance is written beside it.",
)  # fmt: skip


@click.command("oscal")
@click.option("--audit", "name", default="", help="The days of this audit; without it, how things stand now.")
@click.option(
    "--subjects",
    type=click.IntRange(0, 100_000),
    default=100,
    show_default=True,
    help="Name at most so many resources in one observation.",
)
@OUT
@json_option
def oscal(name: str, subjects: int, path: Path, as_json: bool) -> None:
    """Write the controls as OSCAL assessment results: satisfied, not satisfied, or observed only."""
    from proofwatch.cli.export import origin_of
    from proofwatch.reports.filed import record
    from proofwatch.reports.oscal import write_oscal
    from proofwatch.store.history.bring import at_hand
    from proofwatch.store.services import audits

    app = App().open()
    audit = audits.get(name) if name else None
    origin = origin_of(app, f"export oscal{f' --audit {name}' if name else ''} --out {path}")
    cache = app.settings.cache / "tables"
    with ExitStack() as stack:
        if audit is not None:
            since = datetime.combine(audit.first, time.min, UTC)
            until = datetime.combine(audit.last + timedelta(days=1), time.min, UTC)
            stack.enter_context(at_hand(since, until, app.objects, actor=origin.by, now=origin.now))
        done = write_oscal(path, app.objects, cache, origin, audit=audit, subjects=subjects)
    record("oscal", done, origin, {"audit": name} if name else {})
    _say(app, "oscal", done, as_json)


@click.command("ocsf")
@OUT
@json_option
def ocsf(path: Path, as_json: bool) -> None:
    """Write the newest verdicts as OCSF Compliance Findings (class 2003), one JSON object a line."""
    from proofwatch.cli.export import origin_of
    from proofwatch.reports.filed import record
    from proofwatch.reports.ocsf import write_ocsf

    app = App().open()
    origin = origin_of(app, f"export ocsf --out {path}")
    done = write_ocsf(path, app.objects, app.settings.cache / "tables", origin)
    record("ocsf", done, origin, {})
    _say(app, "ocsf", done, as_json)


def _say(app: App, subject: str, done: Filed, as_json: bool) -> None:
    app.sign()
    body = {
        "subject": subject, "rows": done.rows, "file": done.path, "meta": done.meta, "sha256": done.sha256
    }  # fmt: skip
    if as_json:
        print_json(body)
        return
    print_fields([(name.capitalize(), value) for name, value in body.items()])
