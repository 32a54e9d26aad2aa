"""Values that requests carry, each checked before any service sees it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field


def _clean(text: str) -> str:
    if "\0" in text:
        raise ValueError("it holds a NUL character")
    return text.strip()


def _utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError("it is no time") from None


Text = Annotated[str, Field(max_length=10_000), AfterValidator(_clean)]
"""What a person or a program says."""
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_clean)]
"""A name of ours, e.g. AL-12."""
Moment = Annotated[datetime, AfterValidator(_utc)]
"""A time; in UTC where it names no zone."""


class Given(Schema):
    """The body of a request; fields that are not known are refused."""

    model_config = ConfigDict(extra="forbid")


class Reasoned(Given):
    """A decision and why it was made."""

    reason: Text


class Noted(Given):
    """A step with a note."""

    note: Text = ""
