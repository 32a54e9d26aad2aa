"""Tasks."""

from __future__ import annotations

from typing import Any

URLS: tuple[Any, ...] = ()
