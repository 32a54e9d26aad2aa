"""Field shapes that several steps share."""

from __future__ import annotations

from typing import Any

from django.db import models


def digest(**options: Any) -> models.CharField:
    """Return a field for a SHA-256 in lower-case hex; "" where there is no object."""
    return models.CharField(max_length=64, blank=True, default="", **options)


def word(**options: Any) -> models.CharField:
    """Return a field for a short word: a state, a kind, a name of ours."""
    return models.CharField(max_length=200, **options)


def json(empty: type[Any] = dict) -> models.JSONField:
    """Return a JSON field that starts as `empty()`."""
    return models.JSONField(default=empty, blank=True)
