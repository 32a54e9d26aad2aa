"""Second opinions within one connection: verdicts that AWS gives on a resource, beside ours on the same.

AWS Config and Security Hub judge in the same account and region that we read, and their verdicts are tables
of the same sweep. So both sides are of one reading: the checks that name a rule (`same_as`) are judged on
what this sweep read, and each verdict of the rule stands beside the one on the same resource. What cannot
be matched is a row that says so.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from proofwatch.checks.base import Check, UnreadPlace
from proofwatch.checks.evaluate import evaluate
from proofwatch.checks.outcome import Evaluation
from proofwatch.connectors.base import GLOBAL, Row, Shard, Table, Unread
from proofwatch.snapshots.engine import connect, identifier, lock, quote
from proofwatch.snapshots.rebuild import materialise
from proofwatch.store.comparison import UNKNOWN, Judge, known
from proofwatch.store.derived import Work
from proofwatch.store.judgement import THREADS, Judged, due_checks, fitting_params, inputs_of
from proofwatch.store.matching import Ours, Same, gather, translate
from proofwatch.store.models import Connection
from proofwatch.store.services import checks as settings

Place = tuple[str, str]
Rule = tuple[str, str | None]
"""A rule of a source, and the one of AWS Config that it rests on, where it rests on one."""
VIA = "aws_config"
"""The source whose rules others rest on."""
_COLUMNS = "key, rule, via, rule_name, type, item, judged_at, item_account, item_region, said, why"


@dataclass(frozen=True, slots=True)
class Said:
    """What a source asserts of one resource, as its SELECT in `catalog/opinions` gives it.

    Attributes:
        key: of this assertion, unique within its place.
        rule: by the source's name.
        via: the rule of AWS Config that it rests on, where it is another's.
        rule_name: for people.
        type, item: the resource, as the source names it.
        judged_at: when.
        item_account, item_region: where the resource is.
        said: `pass`, `fail`, `not_applicable`; None for any other word.
        why: why it does not count; "" if it does.
    """

    key: str
    rule: str
    via: str | None
    rule_name: str
    type: str | None
    item: str
    judged_at: datetime | None
    item_account: str
    item_region: str
    said: str | None
    why: str

    @property
    def verdict(self) -> str | None:
        """Return `pass` or `fail`; None where it does not count."""
        return self.said if not self.why and self.said in ("pass", "fail") else None


@dataclass(frozen=True, slots=True)
class _Pair:
    """One assertion, and ours on the same by one check; `same` is None if there is none."""

    check: str
    told: Said
    same: Same | None


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What all places of a sweep need: how a source's rows are had, and what we found for its rules."""

    judge: Judge
    sql: str
    paths: Mapping[str, Path]
    busy: frozenset[Place]
    checks: Mapping[Rule, tuple[str, ...]]
    ours: Ours
    arns: Mapping[tuple[str, str], str]


def rows(table: Table, connection: Connection, shard: Shard, work: Work) -> Iterator[Row]:
    """Yield what a source and our own checks say of the same, in one place. Raises Unread."""
    judge = next(item for item in known().values() if item.table == table.name)
    read = work.read or Judged({}, {}, {}, 0)
    place = (shard.account_id, shard.region)
    _check_read(judge, read, place, work)
    if table.name not in work.kept:
        work.kept[table.name] = _prepare(judge, connection, read, work)
    prepared: _Prepared = work.kept[table.name]
    if place not in prepared.busy:
        return
    for pair in _without_explained(list(_pairs(prepared, place, work))):
        yield _row(pair, prepared.ours, connection, work)


def _check_read(judge: Judge, read: Judged, place: Place, work: Work) -> None:
    """Raise Unread if something that the source asserts was not read there."""
    doing = f"comparing {judge.title} with our own checks"
    for name in _bases(judge, work):
        unread, places = _where_read(name, read, work)
        if place in unread:
            problem = f"{name} was not read there: {unread[place].reason}"
            raise Unread(doing, problem, permission=unread[place].permission)
        if place not in places:
            raise Unread(doing, f"{name} was not read in this sweep", permanent=False)


def _where_read(name: str, read: Judged, work: Work) -> tuple[Mapping[Place, UnreadPlace], frozenset[Place]]:
    """Return where a table could not be read, and where it was; looked up once for all places of a sweep."""
    key = f"where {name} was read"
    if key not in work.kept:
        unread = {(item.account_id, item.region): item for item in read.unread.get(name, ())}
        work.kept[key] = (unread, frozenset(read.places.get(name, ())))
    found: tuple[Mapping[Place, UnreadPlace], frozenset[Place]] = work.kept[key]
    return found


def _bases(judge: Judge, work: Work) -> tuple[str, ...]:
    views = work.catalog.views
    return tuple(
        dict.fromkeys(
            base for name in judge.tables for base in (views[name].tables if name in views else [name])
        )
    )


def _prepare(judge: Judge, connection: Connection, read: Judged, work: Work) -> _Prepared:
    paths = {
        name: materialise(read.manifests[name], work.objects, work.cache).resolve()
        for name in _bases(judge, work)
    }
    views = [
        f"{identifier(name)} AS ({work.catalog.views[name].sql})"
        for name in judge.tables
        if name in work.catalog.views
    ]
    inner = f"SELECT * FROM ({judge.sql})"  # noqa: S608 - ours
    if views:
        inner = f"WITH {', '.join(views)} {inner}"
    rules: set[Rule] = set()
    types: set[str] = set()
    busy: set[Place] = set()
    asked = f"SELECT DISTINCT account_id, region, rule, via, type FROM ({inner})"  # noqa: S608 - our own
    for account, region, rule, via, type_ in _select(paths, asked, work.now):
        busy.add((account, region))
        rules.add((rule, via))
        types.add(type_)
    checks = _checks(judge, rules, work)
    wanted = {name for names in checks.values() for name in names}
    evaluation = _evaluate(connection.kind, wanted, read, work)
    arns = translate(types, read, work.objects, work.cache)
    return _Prepared(judge, inner, paths, frozenset(busy), checks, gather(evaluation), arns)


def _select(paths: Mapping[str, Path], sql: str, now: datetime, **values: str) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of one SELECT over rebuilt tables."""
    with connect(threads=1) as session:
        for name, path in paths.items():
            session.execute(
                f"CREATE TEMP VIEW {identifier(name)} AS SELECT * FROM read_parquet({quote(str(path))})"  # noqa: S608
            )
        lock(session, paths.values())
        cursor = session.execute(sql, {**values, **({"now": now} if "$now" in sql else {})})
        while batch := cursor.fetchmany(1000):
            yield from batch


def _checks(judge: Judge, rules: set[Rule], work: Work) -> dict[Rule, tuple[str, ...]]:
    """Return rule → our checks that name it, or the rule of AWS Config that it rests on."""
    found: dict[Rule, set[str]] = {}
    for check in work.catalog.checks.values():
        for rule, via in rules:
            if rule in check.same_as.get(judge.name, ()) or (via and via in check.same_as.get(VIA, ())):
                found.setdefault((rule, via), set()).add(check.id)
    return {rule: tuple(sorted(names)) for rule, names in found.items()}


def _evaluate(kind: str, wanted: set[str], read: Judged, work: Work) -> Evaluation:
    """Judge some checks on what this sweep read, as the sweep itself will after this."""
    off = settings.disabled()
    due: list[Check] = [
        check
        for check in due_checks(work.catalog, kind, read.places)
        if check.id in wanted and check.id not in off
    ]
    views = work.catalog.views
    names = {
        base for item in due for base in (views[item.table].tables if item.table in views else [item.table])
    }
    folder = work.folder / "beside"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    params, refused = fitting_params(due, settings.params())
    inputs = inputs_of(read, sorted(names), work.objects, work.cache)
    return evaluate(work.catalog, due, inputs, params, work.now, folder, threads=THREADS, refused=refused)


def _pairs(prepared: _Prepared, place: Place, work: Work) -> Iterator[_Pair]:
    """Yield each assertion in a place with what we found of the same, by each check that judges it."""
    sql = f"SELECT {_COLUMNS} FROM ({prepared.sql}) WHERE account_id = $account AND region = $region"  # noqa: S608
    asked = _select(prepared.paths, f"{sql} ORDER BY key", work.now, account=place[0], region=place[1])
    for told in (Said(*values) for values in asked):
        checks = prepared.checks.get((told.rule, told.via), ())
        found = {name: same for name in checks if (same := _same(prepared, name, told)) is not None}
        for name, same in found.items():
            # Where a thing cannot break the rule for one of both, there is nothing to compare.
            idle = "not_applicable" in (same.status, told.said)
            if not idle or "fail" in (same.status, told.said):
                yield _Pair(name, told, same)
        if checks and not found and told.said != "not_applicable":
            missed = [name for name in checks if told.said == "fail" or not prepared.ours.of_parts(name)]
            yield from (_Pair(name, told, None) for name in missed[:1])


def _same(prepared: _Prepared, check: str, told: Said) -> Same | None:
    account, region = told.item_account, told.item_region
    arn = next(
        (
            prepared.arns[key]
            for where in (region, GLOBAL)
            if (key := (told.type or "", f"{account}/{where}/{told.item}")) in prepared.arns
        ),
        "",
    )
    return prepared.ours.same(check, told.item, account, region, arn)


def _without_explained(pairs: list[_Pair]) -> Iterator[_Pair]:
    """Leave out a difference that is none, because rule and check are only parts of each other.

    One check of ours may judge what two rules judge, and one rule what two checks judge. Where the other
    part fails on the other side, both sides say of the resource that it fails.
    """
    theirs: dict[tuple[str, str], set[str]] = {}
    ours: dict[str, set[str]] = {}
    for pair in pairs:
        if pair.same and pair.told.verdict == "fail":
            theirs.setdefault((pair.check, pair.same.item), set()).add(pair.told.rule)
        if pair.same and pair.same.status == "fail":
            ours.setdefault(pair.told.key, set()).add(pair.check)
    for pair in pairs:
        verdicts = (pair.same.status if pair.same else "", pair.told.verdict)
        if verdicts == ("fail", "pass") and pair.same:
            explained = theirs.get((pair.check, pair.same.item), set()) - {pair.told.rule}
        else:
            explained = ours.get(pair.told.key, set()) if verdicts == ("pass", "fail") else set()
        if not explained:
            yield pair


def _row(pair: _Pair, ours: Ours, connection: Connection, work: Work) -> Row:
    told, same = pair.told, pair.same
    found = same.status if same and same.status in ("pass", "fail") else None
    reasons = [told.why]
    if same is None:
        table = ours.unread(pair.check, told.item_account, told.item_region)
        reasons.append(f"we could not read {table} there" if table else UNKNOWN)
    elif found is None:
        reasons.append(f"our check is {same.status or 'inconclusive'}")
    return {
        "resource": f"{pair.check}|{told.key}",
        "connection": connection.name,
        "check_id": pair.check,
        "rule": told.rule,
        "rule_name": told.rule_name,
        "item": same.item if same else told.item,
        "ours": found,
        "theirs": told.verdict,
        "ours_at": work.now,
        "theirs_at": told.judged_at,
        "why": "; ".join(filter(None, reasons)),
    }
