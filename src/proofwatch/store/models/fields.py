"""Field shapes that several steps share."""

from __future__ import annotations

from typing import Any

from django.db import models

from proofwatch.checks.base import SEVERITIES

WORST = models.Case(
    *(models.When(severity=name, then=models.Value(place)) for place, name in enumerate(SEVERITIES)),
    default=models.Value(len(SEVERITIES)),
    output_field=models.SmallIntegerField(),
)
"""The place of a row's severity, worst first."""


def digest(**options: Any) -> models.CharField:
    """Return a field for a SHA-256 in lower-case hex; "" where there is no object."""
    return models.CharField(max_length=64, blank=True, default="", **options)


def word(**options: Any) -> models.CharField:
    """Return a field for a short word: a state, a kind, a name of ours."""
    return models.CharField(max_length=200, **options)


def json(empty: type[Any] = dict) -> models.JSONField:
    """Return a JSON field that starts as `empty()`."""
    return models.JSONField(default=empty, blank=True)


def rank() -> models.GeneratedField:
    """Return the place of a row's severity, worst first, kept by the database so that it can be indexed."""
    return models.GeneratedField(expression=WORST, output_field=models.SmallIntegerField(), db_persist=True)
