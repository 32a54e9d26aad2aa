"""How a value of the state is written as JSON and read back, exactly, for each kind of column."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.db import models

from proofwatch.store.base import StoreError

AS_IT_IS = (
    models.CharField,
    models.TextField,
    models.IntegerField,
    models.BooleanField,
    models.FloatField,
    models.JSONField,
    models.GenericIPAddressField,
)
"""Kinds, with all that are made from them, whose Python values are JSON already."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: in the database.
        attribute: of the model.
        to_json: makes JSON of a value that is not None; None where it is JSON already.
        from_json: the way back.
        prepare: makes what the database's driver is given, from (value, connection); None: the value.
    """

    name: str
    attribute: str
    to_json: Callable[[Any], Any] | None
    from_json: Callable[[Any], Any] | None
    prepare: Callable[[Any, Any], Any] | None


def column(table: str, field: Any) -> Column:
    """Return how a field of a model is copied.

    Raises:
        StoreError: its kind is not known here.
    """
    kind: Any = field
    while isinstance(kind, models.ForeignKey):
        kind = kind.target_field
    forms: dict[Any, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
        models.BinaryField: (_base64, lambda text: base64.b64decode(text, validate=True)),
        models.UUIDField: (str, UUID),
        models.DateTimeField: (_moment, _read_moment),
        models.DateField: (date.isoformat, date.fromisoformat),
    }
    for known, (to_json, from_json) in forms.items():
        if isinstance(kind, known):
            return Column(field.column, field.attname, to_json, from_json, kind.get_db_prep_save)
    if not isinstance(kind, AS_IT_IS):
        problem = f"a column of the kind {type(kind).__name__} is not known"
        raise StoreError(f"copying {table}.{field.column}", problem)
    if isinstance(kind, models.FloatField):
        return Column(field.column, field.attname, None, float, None)
    bound = isinstance(kind, models.JSONField | models.GenericIPAddressField)
    return Column(field.column, field.attname, None, None, kind.get_db_prep_save if bound else None)


def plain(values: list[Any]) -> bytes:
    """Return a row as one line: the same bytes whichever database the values come from."""
    text = _ENCODER.encode(values)
    if "e+" in text:
        # PostgreSQL keeps 1e+22 inside JSON as the whole number that it is.
        text = _ENCODER.encode(_whole(values))
    return text.encode("ascii") + b"\n"


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) >= 1e16:
        return int(value)
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return value


def _base64(value: Any) -> str:
    return base64.b64encode(value).decode("ascii")


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _read_moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment
