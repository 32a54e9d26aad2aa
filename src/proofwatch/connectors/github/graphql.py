"""GitHub's GraphQL interface as the bulk path: one request for a page of resources with all about them.

An answer may hold data and errors at once. An error beside a resource marks what could not be read of it; one
anywhere else fails the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from proofwatch.connectors.base import Unread
from proofwatch.connectors.rest.collect import Place
from proofwatch.connectors.rest.declare import Raw
from proofwatch.connectors.rest.paging import Request
from proofwatch.connectors.rounds import Rounds

FIRST = "first: 100, after: $after"
"""How each query asks for a page: by the most that GitHub gives."""
LEAST = 25
"""Items of a page that is not halved again where GitHub does not manage it."""
_LIMITS = frozenset({"RATE_LIMITED"})
_LARGE = frozenset({"MAX_NODE_LIMIT_EXCEEDED", "RESOURCE_LIMITS_EXCEEDED"})
_TOO_LARGE = frozenset({"large", "502", "504"})
"""Codes by which a smaller page may be had: GitHub ends a query after ten seconds."""


def nodes(
    place: Place, text: str, path: str, permission: str, *, edges: bool = False, **variables: Any
) -> Iterator[Raw]:
    """Yield every node of a connection, page by page.

    Args:
        place: where, with `graphql` among its names.
        text: the query, with the variables $org or $query, and $after; it asks for FIRST and pageInfo.
        path: dotted path of the connection below `data`.
        permission: that it needs.
        edges: whether edges are wanted instead of nodes.
        variables: further ones.

    Raises:
        Unread: a page could not be read wholly.
    """
    after: str | None = None
    kind, size, rounds = "edges" if edges else "nodes", 100, Rounds()
    while True:
        page = text.replace(FIRST, f"first: {size}, after: $after", 1)
        try:
            data, errors = ask(place, page, permission, after=after, **variables)
        except Unread as error:
            if error.code not in _TOO_LARGE or size <= LEAST:
                raise
            size //= 2
            continue
        found: Any = data
        for step in path.split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
        if not isinstance(found, Mapping) or not isinstance(found.get(kind), list):
            raise _refused(place, permission, errors, path)
        place.stats.pages += 1
        marks = _by_node(place, permission, errors, [*path.split("."), kind])
        for number, item in enumerate(found[kind]):
            if item is None:
                raise _refused(place, permission, errors, path)
            yield {**item, "_marks": marks[number]} if number in marks else item
        info = found.get("pageInfo")
        if not isinstance(info, Mapping) or not isinstance(info.get("hasNextPage"), bool):
            raise _refused(place, permission, errors, f"{path}.pageInfo")
        if not info["hasNextPage"]:
            return
        if not info.get("endCursor") or rounds.again(str(info["endCursor"])):
            raise Unread(f"reading {path} of {place.account}", "GitHub's pages lead nowhere", permanent=False)
        after = info["endCursor"]


def ask(
    place: Place, text: str, permission: str, **variables: Any
) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
    """Return data and errors of one query. Raises Unread where there are no data at all."""
    body = {"query": text, "variables": {"org": place.account, **variables}}
    request = Request(str(place.names["graphql"]), body=body)
    answer = place.api.send(request, permission=permission, stats=place.stats).body
    if not isinstance(answer, Mapping):
        raise Unread(f"reading GraphQL of {place.account}", "GitHub's answer is no object", code="schema")
    errors = [item for item in answer.get("errors") or [] if isinstance(item, Mapping)]
    data = answer.get("data")
    if not isinstance(data, Mapping) or any(item.get("type") in _LIMITS | _LARGE for item in errors):
        raise _refused(place, permission, errors, "GraphQL")
    return data, errors


def _by_node(
    place: Place, permission: str, errors: list[Mapping[str, Any]], prefix: list[str]
) -> dict[int, dict[str, str]]:
    """Return, for each position in a page, what of it could not be read. Raises Unread for other errors."""
    found: dict[int, dict[str, str]] = {}
    for error in errors:
        path = error.get("path") or []
        inside = list(path[: len(prefix)]) == prefix and len(path) > len(prefix) + 1
        if not inside or not isinstance(path[len(prefix)], int):
            raise _refused(place, permission, [error], ".".join(prefix))
        steps = [str(step) for step in path[len(prefix) + 1 :] if not isinstance(step, int)]
        found.setdefault(path[len(prefix)], {})[steps[0]] = _words(error)
        if steps[0] == "node" and len(steps) > 1:
            found[path[len(prefix)]][steps[1]] = _words(error)
    return found


def _refused(place: Place, permission: str, errors: list[Mapping[str, Any]], path: str) -> Unread:
    doing = f"reading {path} of {place.account}"
    if not errors:
        return Unread(doing, f"GitHub answered nothing for {path}", permission=permission, code="schema")
    kind, words = str(errors[0].get("type", "")), _words(errors[0])
    large = kind in _LARGE or "timeout" in words.lower()
    if large or kind in _LIMITS:
        problem = f"GitHub limits how much we may ask: {words}"
        return Unread(doing, problem, permanent=False, code="large" if large else "429")
    denied = kind in ("FORBIDDEN", "INSUFFICIENT_SCOPES", "NOT_FOUND") or "not accessible" in words
    return Unread(
        doing, f"GitHub refuses it: {words}", f"Grant {permission}." if denied and permission else "",
        permission=permission if denied else "", code="403" if denied else "graphql",
    )  # fmt: skip


def _words(error: Mapping[str, Any]) -> str:
    return " ".join(str(error.get("message", "no reason given")).split())[:300]
