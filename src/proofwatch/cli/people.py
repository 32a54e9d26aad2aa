"""`people`: who may be named at a human step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from proofwatch.app import App
from proofwatch.cli.given import REASON, settings
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
@click.option("--role", type=click.Choice(ROLES), help="What they may do. A new person is a responder.")
@click.option("--email", help="Where messages reach them.")
@click.option("--full-name", help="As an auditor should read it.")
@click.option("--zone", help="Time zone, e.g. Europe/Berlin. A new person is in UTC.")
@click.option(
    "--handle", "handles", multiple=True, metavar="KIND=ID", help="E.g. slack=U012AB3CD; jira= ends it."
)
@json_option
def add(
    name: str,
    role: str | None,
    email: str | None,
    full_name: str | None,
    zone: str | None,
    handles: Sequence[str],
    as_json: bool,
) -> None:
    """Add NAME, or change what is given; everything else stays as it is."""
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


@people.command()
@click.argument("name")
@REASON
@json_option
def deactivate(name: str, reason: str, as_json: bool) -> None:
    """Let NAME act no more: they left. What they did stays theirs."""
    _switch(name, False, reason, as_json)


@people.command()
@click.argument("name")
@REASON
@json_option
def activate(name: str, reason: str, as_json: bool) -> None:
    """Let NAME act again."""
    _switch(name, True, reason, as_json)


def _switch(name: str, active: bool, reason: str, as_json: bool) -> None:
    from proofwatch.alerts import people as service

    app = App().open()
    person = service.switch(name, active, actor=app.actor, now=datetime.now(UTC), reason=reason)
    app.sign()
    if as_json:
        print_json(_body(person))
    else:
        say(f"{person.name} is {'active' if person.active else 'no longer active'}.")


def _body(person: Any) -> dict[str, Any]:
    return {
        key: getattr(person, key)
        for key in ("name", "role", "active", "zone", "email", "full_name", "handles", "created_at")
    }
