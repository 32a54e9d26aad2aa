"""`screenshots`: keep pages as pictures, as a real browser draws them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from proofwatch.app import App
from proofwatch.cli.given import BY
from proofwatch.cli.output import json_option, note, print_json, print_table, say


@click.group()
def screenshots() -> None:
    """Keep pages as pictures, as evidence of what they showed; list those that were taken."""


@screenshots.command()
@click.option(
    "--page", "names", multiple=True, metavar="NAME",
    help="A page by its name (checks, rules, …) or an address of ours (/controls/AC-02); repeatable. "
    "Default: all.",
)  # fmt: skip
@click.option(
    "--cause", type=click.Choice(["schedule", "change", "asked"]), default="asked", hidden=True,
    help="Why; the worker says so.",
)  # fmt: skip
@BY
@json_option
def take(names: Sequence[str], cause: str, by: str, as_json: bool) -> None:
    """Take pictures of the pages now. Ends with 3 when none could be kept.

    A headless browser draws the real pages as an auditor sees them; nothing listens meanwhile. Where there
    is no browser, it says so and keeps the same lists as PDF.
    """
    from proofwatch.cli import logs
    from proofwatch.cli.serve import open_pages

    logs.structured()
    app = open_pages(App())
    from proofwatch.web.screens.asking import Asking
    from proofwatch.web.screens.pages import chosen
    from proofwatch.web.screens.taking import take

    found = []
    for item in take(app, chosen(names, cause), Asking(by or app.actor, cause)):
        found.append(item)
        if item.row is None:
            note(f"{item.page}: {item.problem}")
        elif not as_json:
            say(f"{item.row.name}  {item.page}  {item.url}")
    app.sign()
    if as_json:
        print_json([{**_row(item.row), "problem": ""} if item.row else _missing(item) for item in found])
    sys.exit(0 if any(item.row for item in found) else 3)


@screenshots.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most.")
@json_option
def list_screenshots(limit: int, as_json: bool) -> None:
    """List the pictures, the newest first."""
    App().open()
    from proofwatch.store.models import Screenshot

    rows = [_row(row) for row in Screenshot.objects.order_by("-number")[:limit]]
    if as_json:
        print_json(rows)
        return
    names = ("screenshot", "at", "page", "cause", "by", "url")
    print_table(
        ["Picture", "Taken", "Page", "Cause", "By", "Address"],
        ([row[name] for name in names] for row in rows),
        empty="No picture was taken yet: `proofwatch screenshots take`.",
    )


def _row(row: Any) -> dict[str, Any]:
    from proofwatch.listings.screenshots import body

    return {name: value for name, value in body(row).items() if not name.endswith("url")} | {"url": row.url}


def _missing(item: Any) -> dict[str, Any]:
    return {"screenshot": None, "page": item.page, "url": item.url, "problem": item.problem}
