"""Every list, by name; a new one is one file and one line."""

from __future__ import annotations

from proofwatch.listings import (
    acceptances,
    alerts,
    checks,
    connections,
    controls,
    deliveries,
    entries,
    findings,
    reviews,
    tasks,
)
from proofwatch.listings.base import Listing

MODULES = (
    controls,
    findings,
    alerts,
    deliveries,
    reviews,
    tasks,
    acceptances,
    connections,
    checks,
    entries,
)
LISTINGS: dict[str, Listing] = {
    **{item.LISTING.name: item.LISTING for item in MODULES},
    entries.HISTORY.name: entries.HISTORY,
}
