"""`doctor`: explains whatever is wrong, and how to mend it."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from proofwatch.app import App
from proofwatch.cli.output import json_option, print_json, say

SIGNS = {"ok": ("✓", "green"), "warning": ("?", "yellow"), "wrong": ("✗", "bold red")}


@click.command()
@click.option("--offline", is_flag=True, help="Do not ask the source systems.")
@json_option
def doctor(offline: bool, as_json: bool) -> None:
    """Explain whatever is wrong, and how to mend it. Ends with 2 when something is wrong."""
    from proofwatch import health

    found = health.look(App(), offline=offline)
    if as_json:
        print_json([asdict(item) for item in found])
    else:
        for item in found:
            sign, style = SIGNS[item.level]
            say(f"{sign} {item.what}: {item.said}", style if item.level != "ok" else "")
            if item.remedy:
                say(f"    → {item.remedy}")
    sys.exit(2 if any(item.level == "wrong" for item in found) else 0)
