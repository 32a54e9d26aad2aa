"""What several verbs take: settings as `--set key=value`, a person, a moment or a span of time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import yaml

BY = click.option(
    "--by", default="", envvar="PROOFWATCH_ACTOR", help="Who acts: a name from `proofwatch people list`."
)
NOTE = click.option("--note", required=True, help="What you saw or did; it is kept as evidence.")
REASON = click.option("--reason", required=True, help="Why; it is kept as evidence.")
SET = click.option(
    "--set",
    "given",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting; secrets as env:NAME or file:/path.",
)
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def settings(given: Sequence[str]) -> dict[str, Any]:
    """Return the settings of `--set`. A value is read as YAML, so lists and numbers can be given."""
    found: dict[str, Any] = {}
    for item in given:
        key, sign, value = item.partition("=")
        if not sign or not key.strip():
            raise click.BadParameter(f"{key!r} has no value; write KEY=VALUE", param_hint="--set")
        try:
            found[key.strip()] = yaml.safe_load(value) if value.strip() else ""
        except yaml.YAMLError:
            raise click.BadParameter(f"the value of {key} is not YAML", param_hint="--set") from None
    return found


def fields_of(cls: Any) -> list[dict[str, Any]]:
    """Return the fields of a settings class, for people: name, whether it is needed, what it is."""
    return [
        {"setting": name, "required": field.is_required(), "about": field.description or ""}
        for name, field in cls.model_fields.items()
    ]


def moment(text: str, now: datetime) -> datetime:
    """Return a time: `4h`, `30d`, `2026-12-01` or `2026-12-01T09:00Z`, always in UTC."""
    span = re.fullmatch(r"(\d{1,5})\s*([mhd])", text.strip())
    if span:
        return now + timedelta(**{UNITS[span[2]]: int(span[1])})
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise click.BadParameter(f"{text!r} is no time; write 4h, 30d or 2026-12-01") from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def shown(settings: Mapping[str, Any]) -> str:
    """Return settings on one line; they hold references, never secrets."""
    return ", ".join(f"{key}={value}" for key, value in settings.items())


def pairs(given: Sequence[str]) -> dict[str, str]:
    """Return the texts of `--filter name=value`, in the order given."""
    found: dict[str, str] = {}
    for item in given:
        key, sign, value = item.partition("=")
        if not sign or not key.strip():
            raise click.BadParameter(f"{item!r} has no value; write NAME=VALUE", param_hint="--filter")
        found[key.strip()] = value.strip()
    return found
