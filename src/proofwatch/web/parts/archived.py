"""What a page says of months whose rows are in the archive."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from proofwatch.store.history import absent


def archived(
    first: datetime | None, until: datetime | None = None, *, tables: Collection[str] = ()
) -> dict[str, str] | None:
    """Return the months of a period that are not in the database, and the command that brings them.

    Args:
        first: first moment of the period; None for the beginning.
        until: first moment after it; None for no end.
        tables: the tables of history that the page shows.
    """
    found = absent.away(first, until, tables=tables, before=0)
    return {"words": absent.words(found), "command": absent.command(found)} if found else None
