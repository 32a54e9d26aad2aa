"""What a sweep's verdicts rest on, as objects: everything that reading or judging them again needs.

The *evaluation object* of a sweep names, for every table and view that was judged: the object with its
verdicts, the rows they are about (a snapshot's manifest, or the object with a view's rows), the checks with
their versions and parameters, and the places. It names the object with the checks' own text, and the one with
the views' text and the columns of the tables that they join; both are the same object for as long as nothing
in them changes. `inputs` says the same of tables that only views read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import rfc8785
from pydantic import TypeAdapter, ValidationError

from proofwatch.checks.base import Check, Counts, Result, TableInput, UnreadPlace, View
from proofwatch.checks.load import Catalog
from proofwatch.checks.outcome import CheckResults, Evaluation, TableResults
from proofwatch.connectors.base import Table
from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.entry import object_ref
from proofwatch.evidence.listed import Listed, Rows, rows_of
from proofwatch.snapshots.base import Objects
from proofwatch.snapshots.rebuild import materialise

READING = "reading an evaluation"
VIEWS = "views of an evaluation"
PLACES, UNREAD = 10_000, 100
"""Places that stand in the evaluation itself: of a table those read, and those of which something is said."""

Places = tuple[tuple[str, str], ...]
"""The role of the object with the views' text."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The views of an evaluation, and the declared tables that they read."""

    views: Mapping[str, View]
    tables: Mapping[str, Table]


_CHECKS = TypeAdapter(dict[str, Check])
_JOINED = TypeAdapter(Joined)


def store_evaluation(
    found: Evaluation,
    stored: Mapping[str, Mapping[str, str]],
    catalog: Catalog,
    inputs: Mapping[str, TableInput],
    manifests: Mapping[str, str],
    objects: Objects,
) -> str:
    """Keep an evaluation; return the digest of its object.

    Args:
        found: what was judged.
        stored: table or view → digests of its `results`, `manifest` and `rows_object`, "" for none.
        catalog: where the views and tables are declared.
        inputs: what was read, by table.
        manifests: table → digest of its manifest.
        objects: where it is kept.
    """
    views = {name: catalog.views[name] for name in found.tables if name in catalog.views}
    bases = sorted({name for view in views.values() for name in view.tables})
    bare = {name: replace(view, path=Path()) for name, view in views.items()}
    joined = _canonical(_JOINED.dump_python(Joined(bare, {name: catalog.tables[name] for name in bases})))
    numbers = _numbers(found)
    listed, said = Listed(objects, PLACES), Listed(objects, UNREAD)
    body = {
        **_body(found, stored, listed, said),
        **({"numbers": numbers} if numbers else {}),
        "object": objects.put(_definitions(found)),
        "views": object_ref(objects.put(joined), len(joined), VIEWS),
        "inputs": {
            name: {
                "manifest": manifests.get(name, ""),
                "places": listed.of(source.places),
                "unread": said.of(_unread(source.unread)),
            }
            for name, source in ((name, inputs[name]) for name in bases if name in inputs)
            if name not in found.tables
        },
        "engine": f"duckdb {duckdb.__version__}",
    }
    return objects.put(_canonical(body))


def _numbers(found: Evaluation) -> dict[str, list[str]]:
    """Return check → its parameters that are numbers: canonical JSON writes 90.0 as 90, another type."""
    known = {
        name: sorted(key for key, value in item.check.params.items() if type(value) is float)
        for name, item in found.checks.items()
    }
    return {name: keys for name, keys in known.items() if keys}


def _body(
    found: Evaluation, stored: Mapping[str, Mapping[str, str]], listed: Listed, said: Listed
) -> dict[str, Any]:
    return {
        "type": "proofwatch evaluation",
        "now": found.now.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "tables": {
            name: {
                **stored[name],
                "checks": [list(pair) for pair in item.checks],
                "params": {check: dict(values) for check, values in item.params.items()},
                "population": item.population,
                "places": listed.of(item.places),
                "unread": said.of(_unread(item.unread)),
            }
            for name, item in found.tables.items()
        },
        "about": {
            check: said.of(tuple((row.account_id, row.region, row.status, row.reason) for row in item.about))
            for check, item in found.checks.items()
            if item.about
        },
        "errors": {check: item.error for check, item in found.checks.items() if item.error},
    }


def _unread(places: Iterable[UnreadPlace]) -> Rows:
    return tuple((place.account_id, place.region, place.reason, place.permission) for place in places)


def _definitions(found: Evaluation) -> bytes:
    """Return the text of every check that was due, without where its file was and without its cases."""
    bare = {name: replace(item.check, path=Path(), cases=()) for name, item in found.checks.items()}
    return _canonical(_CHECKS.dump_python(bare, mode="json"))


def _canonical(value: Any) -> bytes:
    return bytes(rfc8785.dumps(_plain(value)))


def _plain(value: Any) -> Any:
    """Return a value in JSON's own types: dataclasses dump tuples and paths as they are."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


@dataclass(frozen=True, slots=True)
class Stored:
    """An evaluation as it was kept: its body, the checks, and the views if their text was kept."""

    digest: str
    body: Mapping[str, Any]
    checks: Mapping[str, Check]
    joined: Joined | None

    @property
    def now(self) -> datetime:
        """Return the time of observation."""
        return datetime.fromisoformat(self.body["now"].replace("Z", "+00:00"))


def read_evaluation(digest: str, objects: Objects) -> Stored:
    """Return an evaluation object and the definitions that it names.

    Raises:
        EvidenceError: an object is missing, changed, or not what an evaluation may name.
    """
    try:
        body = json.loads(objects.get(digest))
        checks = _CHECKS.validate_json(objects.get(body["object"]))
        views = body.get("views")
        joined = _JOINED.validate_json(objects.get(views["sha256"])) if views else None
        _ = body["about"], body["errors"], datetime.fromisoformat(body["now"][:-1])
        _ = [(item["results"], item["manifest"], item["checks"]) for item in body["tables"].values()]
        checks = _with_numbers(checks, body)
    except (ValueError, ValidationError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise EvidenceError(READING, f"object {digest} is no evaluation that this version reads") from None
    return Stored(digest, body, checks, joined)


def _with_numbers(checks: Mapping[str, Check], body: Mapping[str, Any]) -> dict[str, Check]:
    """Return the checks with their numbers as numbers; the same in the parameters of the body's tables."""
    found = dict(checks)
    for name, keys in body.get("numbers", {}).items():
        check = found[name]
        numbers = {key: float(check.params[key]) for key in keys}
        found[name] = replace(check, params={**check.params, **numbers})
        given = body["tables"].get(check.table, {}).get("params", {}).get(name, {})
        given.update({key: float(given[key]) for key in keys if key in given})
    return found


def load_evaluation(digest: str, objects: Objects, cache: Path) -> Evaluation:
    """Return what a past sweep found, with the checks as they were then, from the objects alone.

    Raises:
        EvidenceError, SnapshotError: an object is missing or changed.
    """
    stored = read_evaluation(digest, objects)
    body, now = stored.body, stored.now
    known: dict[str, Places] = {}
    tables = {
        name: load_table(name, item, now, objects, cache, known) for name, item in body["tables"].items()
    }
    about = {
        name: tuple(
            Result(name, check.version, account, region, None, status, reason)
            for account, region, status, reason in rows_of(body["about"].get(name, []), objects)
        )
        for name, check in stored.checks.items()
    }
    found = {
        name: CheckResults(
            check, tables[check.table].params[name], Counts(), about[name], body["errors"].get(name, "")
        )
        for name, check in stored.checks.items()
    }
    return Evaluation(now, tables, found)


def load_table(
    name: str,
    item: Mapping[str, Any],
    now: datetime,
    objects: Objects,
    cache: Path,
    known: dict[str, Places] | None = None,
) -> TableResults:
    """Return the stored verdicts of one table or view, with the rows that they are about; see `places_of`."""
    rows = None
    if item["results"]:
        view = item["rows_object"]
        rows = objects.path(view) if view else materialise(item["manifest"], objects, cache)
    return TableResults(
        table=name,
        path=objects.path(item["results"]) if item["results"] else None,
        rows=rows,
        checks=tuple((check, version) for check, version in item["checks"]),
        params=item["params"],
        now=now,
        population=item["population"],
        places=places_of(item, objects, known),
        unread=unread_of(item, objects),
    )


def places_of(item: Mapping[str, Any], objects: Objects, known: dict[str, Places] | None = None) -> Places:
    """Return the places of a table's part of an evaluation body.

    Args:
        item: that part.
        objects: where very long lists are.
        known: lists that were read before, by digest: most tables have the same.
    """
    said, known = item["places"], {} if known is None else known
    key = str(said["object"]) if isinstance(said, Mapping) else ""
    if key and key in known:
        return known[key]
    found = tuple((str(account), str(region)) for account, region in rows_of(said, objects))
    if key:
        known[key] = found
    return found


def unread_of(item: Mapping[str, Any], objects: Objects) -> tuple[UnreadPlace, ...]:
    """Return the places of a table's part of an evaluation body that were not read."""
    return tuple(UnreadPlace(*place) for place in rows_of(item["unread"], objects))
