"""Every list, by name; a new one is one file and one line."""

from __future__ import annotations

from proofwatch.listings import (
    acceptances,
    alerts,
    assertions,
    channels,
    checks,
    connections,
    controls,
    deliveries,
    documents,
    drills,
    entries,
    findings,
    matrix,
    reviews,
    rules,
    screenshots,
    silences,
    sweeps,
    tasks,
    trackers,
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
    sweeps,
    checks,
    rules,
    matrix,
    channels,
    silences,
    trackers,
    documents,
    assertions,
    screenshots,
    drills,
    entries,
)
LISTINGS: dict[str, Listing] = {
    **{item.LISTING.name: item.LISTING for item in MODULES},
    entries.HISTORY.name: entries.HISTORY,
}
