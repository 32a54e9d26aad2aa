"""Where lists come from: rows of the state, read by keyset, or facts that are few and held in memory."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from proofwatch.listings.base import ListingError, Row
from proofwatch.store.django import guarded

DOING = "reading a list"
EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
LATEST = datetime(9999, 12, 30, tzinfo=UTC)


class Stored:
    """Rows of the state.

    Args:
        query: makes the query set of all rows.
        body: makes one row's facts.
        sorts: name → field or expression to sort by. What may be NULL is given as `Coalesce`.
        many: makes the facts of one page's rows at once, instead of `body`.
    """

    def __init__(
        self,
        query: Callable[[], QuerySet[Any]],
        body: Callable[[Any], Row] | None,
        sorts: Mapping[str, Any],
        many: Callable[[Sequence[Any]], Iterable[Row]] | None = None,
    ) -> None:
        self.query, self.sorts = query, sorts
        self.bodies = many or (lambda rows: map(body, rows))  # type: ignore[arg-type]

    def everything(self) -> QuerySet[Any]:
        """Return all rows."""
        return self.query()

    def count(self, chosen: QuerySet[Any]) -> int:
        """Return how many rows are chosen."""
        with guarded(DOING):
            return int(chosen.order_by().count())

    def page(
        self,
        chosen: QuerySet[Any],
        sort: str,
        backwards: bool,
        place: Sequence[Any] | None,
        back: bool,
        size: int,
    ) -> list[tuple[Sequence[Any], Row]]:
        """Return up to `size` rows with their places."""
        down = backwards != back
        rows = self._sorted(chosen, sort, down)
        if place is not None:
            rows = rows.filter(self._beyond(rows, place, down))
        with guarded(DOING):
            found = list(rows[:size])
        return [
            ((_plain(row.sort_key), _plain(row.pk)), body)
            for row, body in zip(found, self.bodies(found), strict=True)
        ]

    def every(self, chosen: QuerySet[Any], sort: str, backwards: bool) -> Iterator[Row]:
        """Yield all chosen rows."""
        part: list[Any] = []
        with guarded(DOING):
            for row in self._sorted(chosen, sort, backwards).iterator(chunk_size=500):
                part.append(row)
                if len(part) == 500:
                    yield from self.bodies(part)
                    part = []
            yield from self.bodies(part)

    def _sorted(self, chosen: QuerySet[Any], sort: str, down: bool) -> QuerySet[Any]:
        by = self.sorts[sort]
        named = chosen.annotate(sort_key=F(by) if isinstance(by, str) else by)
        return named.order_by("-sort_key" if down else "sort_key", "-pk" if down else "pk")

    def _beyond(self, rows: QuerySet[Any], place: Sequence[Any], down: bool) -> Q:
        key, pk = place
        try:
            key = _fitting(rows.query.annotations["sort_key"].output_field, key)
            pk = uuid.UUID(str(pk)) if _is_uuid(rows) else _fitting(rows.model._meta.pk, pk)
        except (ValueError, TypeError, OverflowError, ValidationError):
            raise ListingError(DOING, "this is no place in it", "begin at its first page") from None
        step = "lt" if down else "gt"
        beyond = Q(**{f"sort_key__{step}": key}) | Q(**{f"pk__{step}": pk})
        return Q(**{f"sort_key__{step}e": key}) & beyond  # The first of them can be looked up in an index.


class Held:
    """Facts that are few: controls, checks, rules, people.

    Args:
        rows: makes them all.
        key: name of the column that tells them apart.
        order: name → function of a row to sort by; a column's own value otherwise.
    """

    def __init__(
        self,
        rows: Callable[[], Sequence[Row]],
        key: str,
        order: Mapping[str, Callable[[Row], Any]] | None = None,
    ) -> None:
        self.rows, self.key, self.order = rows, key, order or {}

    def everything(self) -> Sequence[Row]:
        """Return all rows."""
        return self.rows()

    def count(self, chosen: Sequence[Row]) -> int:
        """Return how many rows are chosen."""
        return len(chosen)

    def page(
        self,
        chosen: Sequence[Row],
        sort: str,
        backwards: bool,
        place: Sequence[Any] | None,
        back: bool,
        size: int,
    ) -> list[tuple[Sequence[Any], Row]]:
        """Return up to `size` rows with their places: a row's name, so that a place outlives changes."""
        rows = self._sorted(chosen, sort, backwards)
        names = [str(row[self.key]) for row in rows]
        start, end = 0, len(rows)
        if place is not None:
            at = names.index(str(place[1])) if str(place[1]) in names else _number(place[0], len(names))
            start, end = (start, at) if back else (at + (str(place[1]) in names), end)
        picked = range(start, end)[::-1][:size] if back else range(start, end)[:size]
        return [((number, names[number]), rows[number]) for number in picked]

    def every(self, chosen: Sequence[Row], sort: str, backwards: bool) -> Iterator[Row]:
        """Yield all chosen rows."""
        return iter(self._sorted(chosen, sort, backwards))

    def _sorted(self, chosen: Sequence[Row], sort: str, backwards: bool) -> list[Row]:
        value = self.order.get(sort) or (lambda row: _comparable(row[sort]))
        return sorted(sorted(chosen, key=lambda row: str(row[self.key])), key=value, reverse=backwards)


def if_none(name: str, last: bool = True) -> Coalesce:
    """Return an expression to sort a moment by that may be missing."""
    return Coalesce(name, Value(LATEST if last else EARLIEST))


def _fitting(field: Any, value: Any) -> Any:
    """Return a place's value in the type of a field. Raises ValueError and its kin for what cannot be one."""
    if type(field).__name__ == "DateTimeField":
        return datetime.fromisoformat(value)
    if isinstance(value, str) and "\0" in value:
        raise ValueError("no text")
    made = field.to_python(value)
    if isinstance(made, int) and abs(made) >= 2**63:
        raise ValueError("no number of the state")
    return made


def _number(value: Any, most: int) -> int:
    """Return a row's number in a place. Raises ListingError."""
    if not isinstance(value, int) or not 0 <= value <= most:
        raise ListingError(DOING, "this is no place in it", "begin at its first page")
    return value


def _comparable(value: Any) -> Any:
    if value is None:
        return (0, "")
    if isinstance(value, bool | int | float):
        return (1, value)
    return (2, value.isoformat() if isinstance(value, datetime) else str(value).lower())


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID) else value


def _is_uuid(rows: QuerySet[Any]) -> bool:
    return type(rows.model._meta.pk).__name__ == "UUIDField"
