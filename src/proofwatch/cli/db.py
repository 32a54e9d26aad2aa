"""`db`: the database that holds the state, and another one for it."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime

import click

from proofwatch.app import App
from proofwatch.cli.output import json_option, print_fields, print_json, say
from proofwatch.cli.progress import stage_progress

DOING = "reading --to"


@click.group()
def db() -> None:
    """The database that holds the state: bring its schema up to date, or move to another one."""


@db.command()
@json_option
def migrate(as_json: bool) -> None:
    """Bring the schema to this version, while the servers and workers of the version before go on.

    Safe to repeat, and to start several times at once. Then replace the servers and workers, one by one.
    """
    from proofwatch.store import django
    from proofwatch.web import settings as pages

    pages.setup(App())
    done = django.migrate()
    if as_json:
        print_json({"database": django.where(), "applied": done})
        return
    for name in done:
        say(f"✓ {name}")
    say(f"{django.where()} has the schema of this version." + ("" if done else " Nothing was to be done."))


@db.command()
@click.option(
    "--to",
    "target",
    required=True,
    metavar="URL",
    help="postgres://… or sqlite:///…, or env:NAME or file:/path where that is written: a password on the "
    "command line is seen by others.",
)
@json_option
def move(target: str, as_json: bool) -> None:
    """Copy the whole state into an empty database, and prove that it is the same.

    Every row, key and hash is kept; the log there has the same root. Stop every server and worker first. The
    old database is only read and stays as it is; nothing uses the new one until you set DATABASE_URL.
    """
    from proofwatch.cli.serve import open_pages
    from proofwatch.evidence.keys import load_key
    from proofwatch.outbound.secrets import reveal

    if target.startswith(("env:", "file:")):
        target = reveal(target, DOING)
    old = open_pages(App())
    from proofwatch.store import moving, urls

    urls.parse(target)  # A wrong address is said before anything is done.
    key = load_key(old.settings.key_file)
    new = App(replace(old.settings, database_url=target))
    from proofwatch.web import settings as pages

    pages.setup(new)
    with stage_progress(not as_json) as progress:
        moved = moving.move(
            old.settings.database_url, [key.vkey], actor=old.actor, now=datetime.now(UTC), progress=progress
        )
    new.sign()
    if as_json:
        print_json({**asdict(moved), "report": moved.report.body()})
        return
    print_fields((name, getattr(moved, name)) for name in ("source", "target", "tables", "rows", "entries"))
    say(f"✓ every table is the same in both, and so is the log's root: {moved.root}", "green")
    say(f"\nNow set DATABASE_URL to the address that you gave with --to ({moved.target}), and start again.")
    say(f"{moved.source} was only read. Keep it, and let nothing write to it:")
    if old.settings.database_url.startswith("sqlite"):
        say(f"  chmod a-w {moved.source}")
    else:
        say("  ALTER DATABASE … SET default_transaction_read_only = on;")
    say("Two logs that grow apart under one key would contradict each other.")
