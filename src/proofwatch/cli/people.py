"""`people`: who may be named at a human step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from proofwatch.cli.app import App
from proofwatch.cli.given import settings
from proofwatch.cli.output import json_option, print_json, print_table, say

ROLES = ("owner", "lead", "responder", "auditor")


@click.group()
def people() -> None:
    """List and add the people who acknowledge, review and approve. An auditor only reads."""


@people.command("list")
@json_option
def list_people(as_json: bool) -> None:
    """List the people with their roles."""
    from proofwatch.alerts import people as service

    App().open()
    rows = [_body(person) for person in service.every()]
    if as_json:
        print_json(rows)
        return
    print_table(
        ["Name", "Role", "Active", "Zone", "E-mail", "Full name"],
        ([row[key] for key in ("name", "role", "active", "zone", "email", "full_name")] for row in rows),
        empty="Nobody was added yet. See `proofwatch people add --help`.",
    )


@people.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="responder", show_default=True)
@click.option("--email", default="", help="Where messages reach them.")
@click.option("--full-name", default="", help="As an auditor should read it.")
@click.option("--zone", default="UTC", show_default=True, help="Time zone, e.g. Europe/Berlin.")
@click.option("--handle", "handles", multiple=True, metavar="KIND=ID", help="E.g. slack=U012AB3CD, jira=…")
@json_option
def add(
    name: str, role: str, email: str, full_name: str, zone: str, handles: Sequence[str], as_json: bool
) -> None:
    """Add NAME, or change what is known of them."""
    from proofwatch.alerts import people as service

    app = App().open()
    person = service.add(
        name,
        role=role,
        actor=app.actor,
        now=datetime.now(UTC),
        email=email,
        full_name=full_name,
        zone=zone,
        handles=settings(handles) if handles else None,
    )
    app.sign()
    if as_json:
        print_json(_body(person))
    else:
        say(f"{person.name} is {person.role}.")


def _body(person: Any) -> dict[str, Any]:
    return {
        key: getattr(person, key)
        for key in ("name", "role", "active", "zone", "email", "full_name", "handles", "created_at")
    }
