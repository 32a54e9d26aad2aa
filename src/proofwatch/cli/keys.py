"""`keys`: which keys this installation has, what they are for, and a new one for the stored secrets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from proofwatch.app import App
from proofwatch.cli.given import REASON
from proofwatch.cli.output import json_option, print_json, print_table, say


@click.group()
def keys() -> None:
    """List the keys; make a new one for sessions and stored secrets. No key is ever shown."""


@keys.command("list")
@json_option
def list_keys(as_json: bool) -> None:
    """List the keys by name: the one that signs the log, and those that seal what is stored."""
    from proofwatch.cli.serve import open_pages
    from proofwatch.evidence.keys import load_key

    app = open_pages(App())
    from proofwatch.web import factors

    counts, sealer = factors.counts(), factors.sealer()
    log_key = load_key(app.settings.key_file).vkey
    rows: list[dict[str, Any]] = [{"key": log_key, "use": "signs the log", "secrets": None}]
    for name in sealer.names:
        use = "seals stored secrets" if name == sealer.newest else "opens older ones"
        rows.append({"key": name, "use": use, "secrets": counts[name]})
    if as_json:
        print_json(rows)
        return
    print_table(["Key", "Use", "Secrets"], [[row["key"], row["use"], row["secrets"] or ""] for row in rows])
    if counts[""]:
        say(f"{counts['']} stored secrets are not sealed: run `proofwatch keys rotate`.", "yellow")


@keys.command()
@REASON
@json_option
def rotate(reason: str, as_json: bool) -> None:
    """Make a new key for sessions and stored secrets, and seal every stored secret with it.

    Older keys stay in keys/web.secret, so that sessions which began under them go on. A running server
    signs new sessions with the new key after its next start. The log's key is not touched.
    """
    from proofwatch.cli.serve import open_pages

    app = open_pages(App())
    from proofwatch.web import factors

    name, number = factors.rotate(actor=app.actor, now=datetime.now(UTC), reason=reason)
    app.sign()
    if as_json:
        print_json({"key": name, "sealed": number})
    else:
        say(f"{number} stored secrets are sealed with the new key {name}.")
