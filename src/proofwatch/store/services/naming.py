"""Finding what a person named, and saying what is near when it is not there."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from proofwatch.store.base import Missing, StoreError


def missing(what: str, name: str, known: Iterable[str]) -> Missing:
    """Return the error for a thing that was asked for by its name and is not there."""
    error = unknown(f"choosing a {what}", what, name, known)
    return Missing(error.doing, error.problem, error.remedy)


def unknown(doing: str, what: str, name: str, known: Iterable[str]) -> StoreError:
    """Return the error for a name that is not there, with the nearest right one."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    if near:
        return StoreError(doing, f"there is no {what} {name!r}", f"did you mean {near[0]!r}?")
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    remedy = f"known: {', '.join(names[:10])}{more}" if names else f"there is no {what} at all yet"
    return StoreError(doing, f"there is no {what} {name!r}", remedy)
