"""How a kind of object is listed, and what of each object is not worth keeping."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from proofwatch.connectors.base import Unread
from proofwatch.connectors.rest.collect import Place
from proofwatch.connectors.rest.declare import Raw, Reader

LIMIT = 500
_NOISE = ("managedFields", "resourceVersion", "generation", "selfLink")
_NOISY_NOTES = (
    # A second copy of the object, with every value of its environment.
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/revision",
    "control-plane.alpha.kubernetes.io/leader",
    "deprecated.daemonset.template.generation",
    "endpoints.kubernetes.io/last-change-trigger-time",
)


def listed(place: Place, path: str, permission: str) -> Iterator[Raw]:
    """Yield every object of a kind in the whole cluster, in whichever namespace. Raises Unread."""
    try:
        for page in place.pages(path, permission, params={"limit": LIMIT}):
            yield from _items(place, path, page.body)
    except Unread as error:
        if error.code != "410":
            raise
        problem = "the listing grew too old while its pages were read (410), so that the rest is missing"
        raise Unread(
            error.doing, problem, "It is read again by the next sweep.", permanent=False, code="410"
        ) from None


def own(place: Place, path: str, permission: str) -> Iterator[Raw]:
    """Yield the objects that are in no namespace that was left out. Raises Unread."""
    for item in listed(place, path, permission):
        if item["metadata"].get("namespace") not in place.names["excluded"]:
            yield item


def plain(path: str, permission: str, shape: Callable[[Raw], Raw] | None = None) -> Reader:
    """Return the reader of a table that is one listing, each object shaped by a function."""

    def reader(place: Place) -> Iterator[Raw]:
        for item in own(place, path, permission):
            yield shape(item) if shape else item

    return reader


def controller(item: Raw) -> tuple[str, str] | None:
    """Return kind and name of the object that this one was made by."""
    for owner in item["metadata"].get("ownerReferences") or []:
        if owner.get("controller"):
            return str(owner.get("kind")), str(owner.get("name"))
    return None


def _items(place: Place, path: str, body: Any) -> Iterator[Raw]:
    items = body.get("items") if isinstance(body, Mapping) else None
    whole = isinstance(body, Mapping) and str(body.get("kind")).endswith("List") and "items" in body
    if not whole or not isinstance(items, list | None):
        raise _odd(place, path, "it is no list of objects")
    for item in items or []:
        meta = item.get("metadata") if isinstance(item, Mapping) else None
        if not isinstance(meta, Mapping) or not isinstance(meta.get("name"), str):
            raise _odd(place, path, "an object has no name")
        yield {**item, "metadata": _clean(meta)}


def _clean(meta: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in meta.items() if name not in _NOISE}
    notes = meta.get("annotations")
    if isinstance(notes, Mapping):
        kept["annotations"] = {name: text for name, text in notes.items() if name not in _NOISY_NOTES}
    return kept


def _odd(place: Place, path: str, what: str) -> Unread:
    problem = f"{place.api.title} answered what it does not document: {what}"
    remedy = "Try again; check the proxy before the API server."
    return Unread(f"reading {path} of {place.account}", problem, remedy, code="schema")
