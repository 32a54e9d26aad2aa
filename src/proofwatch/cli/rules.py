"""`rules`: when alerts begin, for which controls, and which control no rule watches."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proofwatch.app import App
from proofwatch.cli.given import REASON, moment
from proofwatch.cli.output import json_option, note, print_fields, print_json, print_table, say, utc

if TYPE_CHECKING:
    from proofwatch.alerts.matrix import Told
    from proofwatch.alerts.rules import Rule


@click.group()
def rules() -> None:
    """List, show, change, enable and disable the alert rules."""


@rules.command("list")
@json_option
def list_rules(as_json: bool) -> None:
    """List the rules."""
    from proofwatch.alerts import rulebook

    App().open()
    rows = [_body(row) for row in rulebook.every()]
    if as_json:
        print_json(rows)
        return
    print_table(
        ["Rule", "On", "Version", "When", "Title"],
        ((row["rule"], row["enabled"], row["version"], row["when"], row["title"]) for row in rows),
        empty="There is no rule. `proofwatch init` makes the default ones.",
    )


@rules.command()
@click.argument("rule")
@json_option
def show(rule: str, as_json: bool) -> None:
    """Show a rule with every value, also those that it does not state."""
    from proofwatch.alerts import rulebook

    App().open()
    row = rulebook.get(rule)
    body = {**_body(row), **rulebook.form(row).model_dump(mode="json")}
    if as_json:
        print_json(body)
    else:
        print_fields((key.replace("_", " "), value) for key, value in body.items())


@rules.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@REASON
@json_option
def apply(path: Path, reason: str, as_json: bool) -> None:
    """Make or change the rules in the file PATH: all of them, or none."""
    from proofwatch.alerts import rulebook
    from proofwatch.alerts.rules import load_rules

    app = App().open()
    given = load_rules(path)
    done = rulebook.save(given, actor=app.actor, now=datetime.now(UTC), reason=reason)
    app.sign()
    if any(rule.tags for rule in given):
        app.refresh_tags()
    _say_unmatched(given)
    _done(done, as_json)


def _say_unmatched(given: Iterable[Rule]) -> None:
    """Name the patterns that choose no control today: a list imported later may have them."""
    from proofwatch.alerts.rules import matches
    from proofwatch.store.services import controls

    listed = controls.current()
    known = [item.id for item in controls.controls_of(listed)] if listed else []
    for rule in given:
        for pattern in rule.controls:
            if not any(matches(item, (pattern,)) for item in known):
                note(f"{rule.id}: no control of the list is {pattern}")


@rules.command()
@click.option("--last", default="30d", show_default=True, help="How far back: 7d, 12h.")
@click.option("--file", "path", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="Try the rules of this file instead of those in force.")  # fmt: skip
@json_option
def test(last: str, path: Path | None, as_json: bool) -> None:
    """Play the past again: how many alerts and messages each rule would have made, and where they went."""
    from proofwatch.alerts import replay, rulebook
    from proofwatch.alerts.rules import load_rules

    App().open()
    now = datetime.now(UTC)
    since = now - (moment(last, now) - now)
    chosen = load_rules(path) if path else [rule for _, rule in rulebook.active()]
    done = replay.replay(chosen, since, now)
    if as_json:
        print_json([_replayed(item) for item in done])
        return
    print_table(
        ["Rule", "Alerts", "Messages", "Of which", "On", "Not played again because"],
        (
            (
                item.rule, item.alerts, item.total,
                ", ".join(f"{number} {kind}" for kind, number in item.messages.most_common()),
                ", ".join(item.channels) or "no channel", item.why_not,
            )
            for item in done
        ),
    )  # fmt: skip
    say(f"From {utc(since)} to {utc(now)}, as if nobody had answered: the most that could have been sent.")


def _replayed(item: Any) -> dict[str, Any]:
    return {
        "rule": item.rule,
        "alerts": item.alerts,
        "messages": item.total,
        "kinds": dict(item.messages),
        "channels": list(item.channels),
        "why_not": item.why_not,
    }


@rules.command()
@click.argument("rule")
@REASON
@json_option
def enable(rule: str, reason: str, as_json: bool) -> None:
    """Turn a rule on."""
    _switch(rule, True, reason, as_json)


@rules.command()
@click.argument("rule")
@REASON
@json_option
def disable(rule: str, reason: str, as_json: bool) -> None:
    """Turn a rule off. Its alerts stay as they are, marked as interrupted."""
    _switch(rule, False, reason, as_json)


@rules.command()
@click.argument("rule")
@REASON
@json_option
def remove(rule: str, reason: str, as_json: bool) -> None:
    """Remove a rule that has no alert under way; its history stays."""
    from proofwatch.alerts import rulebook

    app = App().open()
    row = rulebook.remove(rule, actor=app.actor, now=datetime.now(UTC), reason=reason)
    app.sign()
    _done([row], as_json)


@rules.command()
@json_option
def matrix(as_json: bool) -> None:
    """Show which rules tell of which control; one of which nobody is told is a gap. Ends with 1 then."""
    import sys

    from proofwatch.alerts.matrix import matrix as look

    App().open()
    found = look(datetime.now(UTC))
    gaps = found.gaps
    if as_json:
        rows = [
            {
                "control": row.control,
                "title": row.title,
                "rules": list(row.rules),
                "automated": row.automated,
                "without_channel": list(row.mute),
            }
            for row in found.rows
        ]
        print_json({"controls": rows, "gaps": gaps})
    else:
        print_table(
            ["Control", "Rules that tell when it fails", "Title"],
            ((row.control, ", ".join(row.rules) or _why_none(row), row.title) for row in found.rows),
        )
        told = "Every control has a rule that tells somebody."
        number = len(found.rows)
        say(f"{len(gaps)} of {number} controls have no rule that tells somebody." if gaps else told)
        if not found.channels:
            say("There is no channel: `proofwatch channels add --help`.")
    sys.exit(1 if gaps else 0)


def _why_none(row: Told) -> str:
    return f"GAP: {row.why}" if row.automated else row.why


def _switch(rule: str, enabled: bool, reason: str, as_json: bool) -> None:
    from proofwatch.alerts import rulebook

    app = App().open()
    row = rulebook.switch(rule, enabled, actor=app.actor, now=datetime.now(UTC), reason=reason)
    app.sign()
    _done([row], as_json)


def _done(rows: list[Any], as_json: bool) -> None:
    if as_json:
        print_json([_body(row) for row in rows])
        return
    for row in rows:
        say(f"{row.id} version {row.version}: {'on' if row.enabled else 'off'}")
    if not rows:
        say("Nothing differs.")


def _body(row: Any) -> dict[str, Any]:
    return {
        "rule": row.id,
        "enabled": row.enabled,
        "version": row.version,
        "when": row.body["when"],
        "title": row.body["title"],
        "by": row.by,
        "at": row.at,
        "reason": row.reason,
    }
