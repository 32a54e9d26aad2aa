"""Further verbs of `alerts`: silence, unsilence, silences, why, dismiss."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from proofwatch.app import App
from proofwatch.cli.given import BY, NOTE, REASON, moment
from proofwatch.cli.output import json_option, print_json, print_table, say, status_text, utc


@click.command()
@click.argument("alert", required=False, default="")
@click.option("--rule", default="", help="Alerts of this rule; * is any text.")
@click.option("--control", default="", help="Alerts about this control.")
@click.option("--connection", default="", help="Alerts about this connection.")
@click.option("--severity", default="", help="Alerts of this severity.")
@click.option("--until", required=True, help="When it ends: 4h, 7d or a date; at most 30 days.")
@click.option("--until-worse", is_flag=True, help="It also ends for an alert of which more fail.")
@REASON
@BY
@json_option
def silence(
    alert: str, until: str, until_worse: bool, reason: str, by: str, as_json: bool, **given: str
) -> None:
    """Hold back messages about ALERT, or about all that match. Everything else goes on."""
    from proofwatch.alerts import silences

    app = App().open()
    now = datetime.now(UTC)
    matcher = {key: value for key, value in {"alert": alert.upper(), **given}.items() if value}
    row = silences.make(
        matcher, reason, moment(until, now), by=by or app.actor, now=now, until_worse=until_worse
    )
    app.sign()
    if as_json:
        print_json(_body(row))
    else:
        say(f"Silence {row.pk.hex[:8]} holds messages back until {utc(row.until)}.")


@click.command()
@click.argument("silence")
@REASON
@BY
@json_option
def unsilence(silence: str, reason: str, by: str, as_json: bool) -> None:
    """End SILENCE now; what it hid and still needs somebody is told at once."""
    from proofwatch.alerts import silences

    app = App().open()
    row = silences.end(silence, reason, by=by or app.actor, now=datetime.now(UTC))
    app.sign()
    if as_json:
        print_json(_body(row))
    else:
        say(f"Silence {row.pk.hex[:8]} has ended.")


@click.command("silences")
@json_option
def list_silences(as_json: bool) -> None:
    """List the silences, newest first."""
    from proofwatch.alerts import silences

    App().open()
    rows = [_body(row) for row in silences.every()]
    if as_json:
        print_json(rows)
        return
    print_table(
        ["Silence", "What", "Since", "Until", "By", "Ended", "Reason"],
        (
            (
                row["silence"][:8], ", ".join(f"{k}={v}" for k, v in row["matcher"].items()), row["at"],
                row["until"], row["by"], row["ended_at"], row["reason"],
            )
            for row in rows
        ),
        empty="Nothing was silenced.",
    )  # fmt: skip


@click.command()
@click.argument("alert")
@json_option
def why(alert: str, as_json: bool) -> None:
    """Say who was told of ALERT on which channel and when, and why somebody was not."""
    from proofwatch.alerts import review, rulebook
    from proofwatch.alerts.routing import Routes
    from proofwatch.alerts.silences import covering, running

    App().open()
    row = review.get(alert)
    rule = rulebook.get(row.rule_id)
    routes = Routes(datetime.now(UTC))
    told_on = [channel.name for channel in routes.of(rulebook.form(rule))]
    untold = [channel.name for channel in routes.channels if channel.name not in told_on]
    rows = [delivery_body(item) for item in row.deliveries.select_related("into").order_by("order")]
    facts = {"alert": row.name, "rule": row.rule_id, "rule_enabled": rule.enabled, "channels": told_on}
    if as_json:
        print_json({**facts, "other_channels": untold, "deliveries": rows})
        return
    say(f"{row.name} is told by rule {row.rule_id} on: {', '.join(told_on) or 'no channel at all'}")
    if untold:
        say(f"The rule does not name: {', '.join(untold)}")
    held = covering(row, running(datetime.now(UTC)))
    if held is not None:
        say(f"It is silenced by {held.by} until {utc(held.until)}: {held.reason}")
    print_table(
        ["Queued", "What", "Channel", "State", "Accepted", "Tries", "Why"],
        (
            (
                item["queued_at"], item["what"], item["channel"], status_text(item["state"]),
                item["accepted_at"] or item["told_at"], item["attempts"], item["why"],
            )
            for item in rows
        ),
        empty="No message was queued: it is not open yet, or there was no channel.",
    )  # fmt: skip


@click.command()
@click.argument("alert")
@click.option("--until", default="90d", show_default=True, help="When it is looked at again; at most a year.")
@NOTE
@BY
@json_option
def dismiss(alert: str, until: str, note: str, by: str, as_json: bool) -> None:
    """Call ALERT a false positive, or confirm that another person did: only two people can close it."""
    from proofwatch.alerts import dismissals

    app = App().open()
    now = datetime.now(UTC)
    row, closed = dismissals.dismiss(alert, note, moment(until, now), by=by or app.actor, now=now)
    app.sign()
    if as_json:
        print_json({"alert": row.name, "state": row.state, "closed": closed})
    else:
        confirm = f"Another person has to confirm it: proofwatch alerts dismiss {row.name} --note … --by …"
        say(f"{row.name} is {row.state}." if closed else confirm)


def delivery_body(item: Any) -> dict[str, Any]:
    """Return one message as plain data."""
    return {
        "queued_at": item.created_at,
        "what": item.happened,
        "channel": item.channel,
        "state": item.state,
        "accepted_at": item.sent_at,
        "attempts": item.attempts,
        "perhaps_twice": item.perhaps_twice,
        "reason": item.reason,
        "told_at": item.into.sent_at if item.into else None,
        "why": said(item),
    }


def said(item: Any) -> str:
    """Return why a message waits or was not sent, where it was told instead, and whether it may be twice."""
    words = [item.reason] if item.reason else []
    if item.into is not None:
        when = f"accepted {utc(item.into.sent_at)}" if item.into.sent_at else item.into.state
        words.append(f"that message on {item.into.channel}: {when}")
    if item.perhaps_twice:
        words.append("a second copy may have arrived")
    return "; ".join(words)


def _body(row: Any) -> dict[str, Any]:
    names = ("matcher", "reason", "by", "at", "until", "until_worse", "ended_at", "ended_by", "ended_because")
    return {"silence": row.pk.hex, **{name: getattr(row, name) for name in names}}
