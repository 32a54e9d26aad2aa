"""How often Python looks for cycles of dead objects."""

from __future__ import annotations

import gc

YOUNG = 50_000
"""New objects between two looks. Python's own 700 costs a fifth of the time of a large reconcile, which makes
hundreds of thousands of rows and no cycles; measured by `python -m benchmarks.alerts`."""


def calm_collector() -> None:
    """Look for cycles less often; reference counts free nearly all that a sweep makes."""
    gc.set_threshold(YOUNG, 10, 10)
