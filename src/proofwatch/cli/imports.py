"""`import`: take in the verdicts of other products, kept apart from ours."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from proofwatch.app import App
from proofwatch.cli.output import json_option, print_fields, print_json, print_table, say


@click.group("import")
def imports() -> None:
    """Take in the verdicts of other products: asserted by them, never ours."""


@imports.command("ocsf")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--product", default="", help="Whose verdicts they are; by default what each record says.")
@json_option
def take_in(file: Path, product: str, as_json: bool) -> None:
    """Take in FILE: OCSF findings of class 2003 or 2004 (Prowler), as JSON array or lines, gzip or not.

    All records or none: one that is broken is named by its line. The same file again changes nothing.
    """
    from proofwatch.reports.ocsf_in import import_file

    app = App().open()
    done = import_file(file, app.objects, product=product.strip(), actor=app.actor, now=datetime.now(UTC))
    app.sign()
    row = done.row
    body = {
        "import": row.number, "product": row.product, "format": row.format, "records": row.count,
        "statuses": dict(done.counts), "object": row.object, "at": row.at, "again": done.again,
    }  # fmt: skip
    if as_json:
        print_json(body)
        return
    if done.again:
        say(f"This file was taken in before, as import {row.number}. Nothing was changed.")
        return
    counted = ", ".join(f"{number} {word}" for word, number in done.counts.items())
    print_fields(
        [
            ("Import", f"{row.number}, asserted by {row.product}"),
            ("Records", f"{row.count}: {counted}"),
            ("Kept as", row.object),
        ]
    )


@imports.command("list")
@json_option
def list_imports(as_json: bool) -> None:
    """List what was taken in, the newest first."""
    from proofwatch.store.services import imports as service

    App().open()
    found = [
        {
            "import": row.number, "product": row.product, "format": row.format, "records": row.count,
            **counts, "by": row.by, "at": row.at, "object": row.object,
        }
        for row, counts in service.every()
    ]  # fmt: skip
    if as_json:
        print_json(found)
        return
    columns = ("import", "product", "format", "records", "pass", "fail", "inconclusive", "by", "at", "object")
    print_table(
        [name.capitalize() for name in columns],
        ([item[name] for name in columns] for item in found),
        empty="Nothing was taken in yet. `proofwatch import ocsf FILE` does.",
    )
