"""Every list, by name; a new one is one file and one line."""

from __future__ import annotations

from proofwatch.listings import controls, findings
from proofwatch.listings.base import Listing

LISTINGS: dict[str, Listing] = {item.LISTING.name: item.LISTING for item in (controls, findings)}
