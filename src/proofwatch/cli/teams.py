"""`teams`: who is called in which order, when nobody is disturbed, and when the digest comes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from proofwatch.app import App
from proofwatch.cli.given import REASON
from proofwatch.cli.output import json_option, print_json, print_table, say


@click.group()
def teams() -> None:
    """List and set the teams: on-call order, quiet hours, digest."""


@teams.command("list")
@json_option
def list_teams(as_json: bool) -> None:
    """List the teams, with who is called first now."""
    from proofwatch.alerts import teams as service

    App().open()
    now = datetime.now(UTC)
    rows = [_body(team, service.order(team, now)) for team in service.every()]
    if as_json:
        print_json(rows)
        return
    print_table(
        ["Team", "Called now, in this order", "Digest at", "Zone", "Quiet hours"],
        (
            (row["team"], ", ".join(row["order"]), row["digest_at"], row["zone"], _quiet(row["quiet"]))
            for row in rows
        ),
        empty="No team: the digest of everybody comes at 09:00 UTC on every channel.",
    )


@teams.command("set")
@click.argument("name")
@click.option("--members", default=None, help="Names in the order of being called, with commas.")
@click.option("--zone", default=None, help="Time zone, e.g. Europe/Berlin.")
@click.option("--rotate-days", type=click.IntRange(0, 365), default=None, help="Turn the order so often.")
@click.option("--digest", default=None, help="Time of day of the digest, e.g. 09:00; empty for none.")
@click.option("--channels", default=None, help="Channels of the digest, with commas; * is any text.")
@click.option("--quiet", default=None, help="Quiet hours, e.g. 22:00-07:00; empty for none.")
@click.option("--quiet-reason", default="", help="Why nobody is to be disturbed then.")
@click.option("--quiet-except", default="critical", show_default=True, help="Severities told all the same.")
@REASON
@json_option
def set_team(name: str, reason: str, as_json: bool, **given: Any) -> None:
    """Make team NAME, or change what is given."""
    from proofwatch.alerts import teams as service

    app = App().open()
    now = datetime.now(UTC)
    team = service.save(name, _values(given), actor=app.actor, now=now, reason=reason)
    app.sign()
    if as_json:
        print_json(_body(team, service.order(team, now)))
    else:
        say(f"{team.name}: {', '.join(service.order(team, now)) or 'nobody'} are called, in this order.")


def _values(given: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if given["members"] is not None:
        found["members"] = _list(given["members"])
    if given["channels"] is not None:
        found["channels"] = _list(given["channels"])
    for key, name in (("zone", "zone"), ("rotate_days", "rotation_days"), ("digest", "digest_at")):
        if given[key] is not None:
            found[name] = given[key]
    if given["quiet"] is not None:
        begins, _, ends = given["quiet"].partition("-")
        except_for = _list(given["quiet_except"])
        quiet = {"from": begins, "to": ends, "reason": given["quiet_reason"], "except": except_for}
        found["quiet"] = quiet if given["quiet"] else {}
    return found


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _quiet(quiet: dict[str, Any]) -> str:
    return f"{quiet['from']}–{quiet['to']}: {quiet['reason']}" if quiet else ""


def _body(team: Any, order: list[str]) -> dict[str, Any]:
    names = ("members", "zone", "rotation_days", "quiet", "channels", "digest_at")
    return {"team": team.name, "order": order, **{name: getattr(team, name) for name in names}}
