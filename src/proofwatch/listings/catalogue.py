"""Where lists that tell of checks get the catalogue from; whoever opens an installation says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from proofwatch.checks.base import Check

_source: list[Callable[[], Mapping[str, Check]]] = []


def tell_from(source: Callable[[], Mapping[str, Check]]) -> None:
    """Name what returns the checks by id."""
    _source[:] = [source]


def checks() -> Mapping[str, Check]:
    """Return the checks by id; none where nobody named a catalogue."""
    return _source[0]() if _source else {}
