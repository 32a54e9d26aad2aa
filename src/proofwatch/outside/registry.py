"""Every kind of keeper, and where its class stands. A new kind is one file and one line here."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from proofwatch.outside.base import Keeper, OutsideError

KEEPERS: dict[str, str] = {
    "timestamp": "timestamp:TimeStamp",
    "email": "email:Email",
    "s3": "s3:S3",
    "git": "git:Git",
    "witness": "witness:Witness",
}
"""Kind → module:class in this package; a module is imported when its keeper is used first."""


def kinds() -> tuple[str, ...]:
    """Return the kinds of keepers."""
    return tuple(KEEPERS)


def keeper(kind: str) -> Keeper:
    """Return the keeper of a kind. Raises OutsideError, naming the kinds there are."""
    if kind not in KEEPERS:
        raise OutsideError("choosing a keeper", f"there is no kind {kind!r}", f"known: {', '.join(KEEPERS)}")
    module, _, name = KEEPERS[kind].partition(":")
    return cast("Keeper", getattr(import_module(f"proofwatch.outside.{module}"), name)())
