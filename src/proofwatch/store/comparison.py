"""Second opinions: what another source asserts, beside what our own checks found for the same thing.

A check says by `same_as` which rule of another source judges the same, or the connection's setting `same`
does, for sources whose rules each customer names. Both verdicts of the rule as a whole are compared, and
those of every resource that one of the two calls failing. Neither overwrites the other: a difference is a
row, and a check over these rows makes a finding of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from proofwatch.checks.base import Check
from proofwatch.checks.outcome import Evaluation
from proofwatch.checks.read import Where, results
from proofwatch.connectors.base import Row, Unread
from proofwatch.evidence.evaluations import load_evaluation
from proofwatch.store.derived import Work, check_fresh, others, select
from proofwatch.store.models import Connection
from proofwatch.store.services import sweeps

if TYPE_CHECKING:
    from proofwatch.checks.load import Catalog

_HEADER = re.compile(r"^-- (of|title|table|tables): (.+)$", re.MULTILINE)
_PARTS = re.compile(r"[/:]")
WHOLE = "as a whole"
UNKNOWN = "we judged no such thing"


@dataclass(frozen=True, slots=True)
class Judge:
    """A source that judges by itself, as its file in `catalog/opinions` says.

    Attributes:
        name: by which `same_as` calls it.
        kind: connector that reads its verdicts.
        title: what it is called beside the connection's name; "" where it is the connection itself.
        table: where its verdicts stand beside ours.
        tables: what the SELECT reads: tables, and views of the catalogue.
        sql: the SELECT.
    """

    name: str
    kind: str
    title: str
    table: str
    tables: tuple[str, ...]
    sql: str


@dataclass(slots=True)
class Opinion:
    """What another source asserts by one rule.

    Attributes:
        name: of the rule.
        verdict: `pass` or `fail` of the rule as a whole; "" where there is none, or an old one.
        judged_at: when.
        items: resource as the source names it → `pass` or `fail`.
    """

    name: str = ""
    verdict: str = ""
    judged_at: datetime | None = None
    items: dict[str, str] = field(default_factory=dict)


@cache
def known() -> dict[str, Judge]:
    """Return every source that judges by itself, by its name."""
    found = {}
    for item in files("proofwatch").joinpath("catalog", "opinions").iterdir():
        if item.name.endswith(".sql"):
            name, text = item.name.removesuffix(".sql"), item.read_text(encoding="utf-8")
            told = dict(_HEADER.findall(text))
            if "tables" not in told:
                raise ValueError(f"{item.name} does not say its tables")
            tables = tuple(told["tables"].replace(" ", "").split(","))
            kind, table = told.get("of", name), told.get("table", f"{name}_comparison")
            found[name] = Judge(name, kind, told.get("title", ""), table, tables, text)
    return found


def sources(connection: Connection, catalog: Catalog) -> list[Connection]:
    """Return the connections that we judge by ourselves for the same as this source."""
    kinds = {check.id.partition(".")[0] for check, _ in _same(catalog, connection)}
    return [item for item in others(connection) if item.kind in kinds]


def rows(connection: Connection, source: Connection, work: Work) -> Iterator[Row]:
    """Yield what this source and our own checks of a connection say of the same. Raises Unread."""
    doing = f"comparing {connection.name} with {source.name}"
    sweep = sweeps.latest(source, whole=True) or sweeps.latest(source)
    if sweep is None or not sweep.evaluation:
        raise Unread(doing, f"{source.name} was not judged yet", "Let its sweep finish.", permanent=False)
    check_fresh(source, sweep.observed_at, work.now, doing)
    told = _opinions(connection, work)
    judged = load_evaluation(sweep.evaluation, work.objects, work.cache)
    for check, rule in _same(work.catalog, connection):
        if check.id in judged.checks and rule in told:
            for row in _compared(check, rule, told[rule], judged):
                yield {**row, "connection": source.name, "ours_at": sweep.observed_at}


def _same(catalog: Catalog, connection: Connection) -> list[tuple[Check, str]]:
    """Return our checks with the rules of a source that judge the same."""
    found = {
        (check.id, rule)
        for check in catalog.checks.values()
        for rule in check.same_as.get(connection.kind, ())
    }
    for text in connection.settings.get("same", ()):
        check, _, rule = text.partition("=")
        found.add((check.strip(), rule.strip()))
    return [(catalog.checks[check], rule) for check, rule in sorted(found) if check in catalog.checks]


def _opinions(connection: Connection, work: Work) -> Mapping[str, Opinion]:
    judge = known()[connection.kind]
    found: dict[str, Opinion] = {}
    for row in select(connection, judge.tables, judge.sql, work):
        one = found.setdefault(row["rule"], Opinion())
        if row["item"] is None:
            one.name, one.verdict, one.judged_at = row["rule_name"], row["verdict"] or "", row["judged_at"]
        elif row["verdict"]:
            one.items[row["item"]] = row["verdict"]
    return found


def _compared(check: Check, rule: str, told: Opinion, judged: Evaluation) -> Iterator[Row]:
    """Yield the verdicts on the rule as a whole, and on each resource that one of both calls failing."""
    ours: dict[str, str] = {}
    by_end: dict[str, set[str]] = {}
    for result in results(judged, Where(checks=(check.id,))):
        if result.resource:
            ours[result.resource] = result.status
            by_end.setdefault(_end(result.resource), set()).add(result.resource)
    yield _row(check, rule, told, "", of_all(ours.values()), told.verdict)
    matched: dict[str, str] = {}
    strange = 0
    for item, verdict in sorted(told.items.items()):
        resource = _match(item, ours, by_end)
        if resource:
            matched[resource] = verdict
        elif verdict == "fail":
            strange += 1
            yield _row(check, rule, told, item, "", verdict, UNKNOWN)
    for resource, status in sorted(ours.items()):
        theirs = matched.get(resource) or _implied(told, strange)
        if "fail" in (status, theirs if resource in matched else ""):
            why = (
                ""
                if theirs
                else f"{strange} of the things that they name match none of ours"
                if strange
                else ""
            )
            yield _row(check, rule, told, resource, status, theirs, why)


def of_all(ours: Iterable[str]) -> str:
    """Return our verdict on several resources together; "" where something cannot be told."""
    statuses = set(ours)
    if "fail" in statuses:
        return "fail"
    return "pass" if statuses <= {"pass", "not_applicable"} and statuses else ""


def _implied(told: Opinion, strange: int) -> str:
    """Return what a source says of a resource that it does not name: it names all that fail.

    Where some that it names match none of ours, this may be one of them under another name.
    """
    failing = any(verdict == "fail" for verdict in told.items.values())
    if told.verdict == "fail" and strange:
        return ""
    return "pass" if told.verdict == "pass" or (told.verdict == "fail" and failing) else ""


def _match(item: str, ours: Mapping[str, str], by_end: Mapping[str, set[str]]) -> str:
    """Return our resource that a source means: by the same name, else by the one that ends alike."""
    if item in ours:
        return item
    same = by_end.get(_end(item), set())
    # Two of the same name in two accounts cannot be told apart: that is no match.
    return next(iter(same)) if len(same) == 1 else ""


def _end(text: str) -> str:
    return _PARTS.split(text)[-1].lower()


def _row(check: Check, rule: str, told: Opinion, resource: str, ours: str, theirs: str, why: str = "") -> Row:
    known_ours: Any = ours if ours in ("pass", "fail") else None
    return {
        "resource": f"{check.id}|{rule}|{resource or WHOLE}",
        "check_id": check.id,
        "rule": rule,
        "rule_name": told.name,
        "item": resource or WHOLE,
        "ours": known_ours,
        "theirs": theirs or None,
        "theirs_at": told.judged_at,
        "why": why or (f"our check is {ours}" if ours and known_ours is None else ""),
    }
