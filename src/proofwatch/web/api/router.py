"""Where all operations of the API stand, so that one path can be read by one and changed by another."""

from __future__ import annotations

from ninja import Router

router = Router()
