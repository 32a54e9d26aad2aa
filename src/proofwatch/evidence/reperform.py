"""Judge a stored snapshot again with the stored checks, and compare every verdict with those that were kept.

What is judged comes from a stranger: the definitions are held to the same rules as a check file before they
reach an engine, and they run in a process of their own in a locked engine with limited memory.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from proofwatch.checks.base import Check, TableInput, View
from proofwatch.checks.changes import Change, changes
from proofwatch.checks.evaluate import evaluate
from proofwatch.checks.expressions import open_session, parse
from proofwatch.checks.load import Catalog
from proofwatch.checks.outcome import Evaluation, TableResults
from proofwatch.checks.validate import verdict_version
from proofwatch.checks.views import load_view
from proofwatch.connectors.base import Table
from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.evaluations import (
    Joined,
    Stored,
    load_table,
    places_of,
    read_evaluation,
    unread_of,
)
from proofwatch.evidence.listed import rows_of
from proofwatch.snapshots.base import Objects
from proofwatch.snapshots.manifest import resolve
from proofwatch.snapshots.rebuild import materialise

DOING = "judging again"
MOST_DIFFERENCES = 1000
"""Differences of one table that are listed; all are counted as rows."""
NOWHERE = Path("/nowhere")
"""Where the definitions of a binder are said to come from: never from our own catalogue."""
_TYPE = re.compile(r'[A-Za-z0-9_ ,()\[\]"]+')
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(slots=True)
class Again:
    """What judging one evaluation again gave.

    Attributes:
        digest: of the evaluation object.
        now: the time that its checks were given.
        verdicts: check × resource that were compared.
        rows: resources that were judged.
        tables: tables and views that were judged again.
        checks: how many checks were compared.
        differences: verdicts that differ, at most `MOST_DIFFERENCES` a table.
        others: what differs otherwise, in sentences: rows about whole places, rows of a view, populations.
        left: what could not be judged again, and why.
        engine: the engine of then, where it is not the one of now.
    """

    digest: str
    now: datetime
    verdicts: int = 0
    rows: int = 0
    tables: int = 0
    checks: int = 0
    differences: list[Change] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    engine: str = ""

    @property
    def same(self) -> bool:
        """Tell whether nothing differs."""
        return not self.differences and not self.others


class Reperformer:
    """Judges evaluations of one store again; definitions that many share are looked at once.

    Args:
        objects: where the objects are; each is proven when it is read.
        cache: existing folder for rebuilt tables.
        threads: of the engine.
    """

    def __init__(self, objects: Objects, cache: Path, threads: int = 2) -> None:
        self._objects, self._cache, self._threads = objects, cache, threads
        self._joined: dict[str, Joined] = {}
        self._problems: dict[str, dict[str, str]] = {}

    def again(self, digest: str, only: Collection[str] | None = None, manifest: str = "") -> Again:
        """Judge one evaluation again.

        Args:
            digest: of the evaluation object.
            only: ids of the checks to judge; None for all.
            manifest: of the sweep that names it; what it says of each check is compared, too.

        Raises:
            EvidenceError, SnapshotError: an object is missing, changed, or not what it may be.
            CheckError: nothing at all can be evaluated.
        """
        stored = read_evaluation(digest, self._objects)
        done = Again(digest, stored.now)
        here, then = f"duckdb {duckdb.__version__}", str(stored.body.get("engine", ""))
        done.engine = then if then != here else ""
        joined = self._looked_at(stored)
        said = _manifest(manifest, self._objects)["checks"] if manifest else []
        if manifest:
            done.others += _unlike(stored, said, only)
        checks = self._judgeable(stored, joined, only, done)
        if not checks:
            return done
        inputs = self._inputs(stored, joined, checks, done)
        params = {
            name: stored.body["tables"][check.table]["params"].get(name, {}) for name, check in checks.items()
        }
        refused = {name: why for name, why in stored.body["errors"].items() if name in checks}
        done.left += [f"{name}: it could not be evaluated then, and was not tried again" for name in refused]
        with tempfile.TemporaryDirectory(prefix="again-", dir=self._cache) as out:
            found = evaluate(
                Catalog(checks, joined.views, joined.tables), list(checks.values()), inputs, params,
                stored.now, Path(out), threads=self._threads, refused=refused,
            )  # fmt: skip
            self._compare(done, stored, found, whole=len(checks) == len(stored.checks))
            for item in said:
                check = found.checks.get(str(item["check"]))
                if check and not check.error and asdict(check.counts) != item["counts"]:
                    done.others.append(f"{check.check.id}: its counts are not those in the sweep's manifest")
        return done

    def _looked_at(self, stored: Stored) -> Joined:
        """Return the views, loaded again from their text as a file of ours would be, and their tables."""
        if stored.joined is None:
            return Joined({}, {})
        key = str(stored.body["views"]["sha256"])
        if key not in self._joined:
            for name, table in stored.joined.tables.items():
                _plain_names([name])
                _plain_types([(column.name, column.type) for column in table.columns])
            views = {name: _view(view, stored.joined.tables) for name, view in stored.joined.views.items()}
            self._joined[key] = Joined(views, stored.joined.tables)
        return self._joined[key]

    def _judgeable(
        self, stored: Stored, joined: Joined, only: Collection[str] | None, done: Again
    ) -> dict[str, Check]:
        """Return the wanted checks that can be judged again; of the others `done` says why not."""
        key = str(stored.body["object"])
        if key not in self._problems:
            self._problems[key] = _problems(stored.checks)
        found = {}
        for name, check in stored.checks.items():
            if only is not None and name not in only:
                continue
            item = stored.body["tables"].get(check.table, {})
            if why := self._problems[key].get(name, ""):
                done.others.append(f"{name}: its definition is not one that a check may have: {why}")
            elif item.get("rows_object") and check.table not in joined.views:
                done.left.append(f"{name}: the text of the view {check.table} was not kept with it")
            else:
                found[name] = replace(check, path=NOWHERE, cases=())
        return found

    def _inputs(
        self, stored: Stored, joined: Joined, checks: Mapping[str, Check], done: Again
    ) -> dict[str, TableInput]:
        """Return the tables as they were read, each rebuilt from its objects and proven."""
        wanted = {check.table for check in checks.values()}
        wanted |= {base for name in wanted if name in joined.views for base in joined.views[name].tables}
        parts = {**stored.body.get("inputs", {}), **stored.body["tables"]}
        found: dict[str, TableInput] = {}
        kinds: dict[str, dict[str, str]] = {name: dict(view.columns) for name, view in joined.views.items()}
        for name in sorted(wanted - set(joined.views)):
            item = parts.get(name)
            if item is None:
                continue
            _plain_names([name])
            path = None
            if item["manifest"]:
                columns = resolve(item["manifest"], self._objects).columns
                _plain_types(columns)
                kinds[name] = dict(columns)
                path = materialise(item["manifest"], self._objects, self._cache)
            found[name] = TableInput(
                name, path, places_of(item, self._objects), unread_of(item, self._objects)
            )
        done.others += _versions(checks, joined, kinds)
        return found

    def _compare(self, done: Again, stored: Stored, found: Evaluation, *, whole: bool) -> None:
        for name, after in sorted(found.tables.items()):
            item = stored.body["tables"][name]
            done.tables += 1
            done.checks += len(after.params)
            if bool(after.path) != bool(item["results"]):
                then, again = ("judged", "not judged") if item["results"] else ("not judged", "judged")
                done.others.append(f"{name}: its rows were {then} then and are {again} now")
                continue
            if after.path is None:
                continue
            done.rows += after.population
            done.verdicts += after.population * len(after.checks)
            if whole and _sha256(after.path) == item["results"]:
                continue  # The same bytes: every verdict is the same.
            before = load_table(name, item, stored.now, self._objects, self._cache)
            _compare_rows(done, before, after, self._threads)
        for name, check in found.checks.items():
            then_rows = sorted(
                list(map(str, row)) for row in rows_of(stored.body["about"].get(name, []), self._objects)
            )
            again_rows = sorted([row.account_id, row.region, row.status, row.reason] for row in check.about)
            if then_rows != again_rows and not check.error:
                said = f"{then_rows[:3]} then, {again_rows[:3]} now"
                done.others.append(f"{name}: what it says of whole places differs: {said}")


def _unlike(stored: Stored, said: Collection[Mapping[str, Any]], only: Collection[str] | None) -> list[str]:
    """Return how a sweep's manifest and its evaluation differ about which checks ran, and on what."""
    listed = {str(item["check"]): item for item in said}
    wanted = {name for name in {*listed, *stored.checks} if only is None or name in only}
    wrong = []
    for name in sorted(wanted):
        check, item = stored.checks.get(name), listed.get(name)
        if check is None or item is None:
            there = "the evaluation" if check else "the sweep's manifest"
            wrong.append(f"{name}: only {there} has it")
        elif item["version"] != check.version:
            wrong.append(f"{name}: the sweep's manifest gives another version of it")
        elif item["results"] != stored.body["tables"].get(check.table, {}).get("results"):
            wrong.append(f"{name}: the sweep's manifest names other verdicts than the evaluation")
    return wrong


def _manifest(digest: str, objects: Objects) -> dict[str, Any]:
    """Return the manifest of a sweep. Raises EvidenceError if it is none."""
    try:
        found: dict[str, Any] = json.loads(objects.get(digest))
        _ = [(item["check"], item["version"], item["results"], item["counts"]) for item in found["checks"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise EvidenceError(
            DOING, f"object {digest} is not the manifest of a sweep", "Do not rely on this binder."
        ) from None
    return found


def _problems(checks: Mapping[str, Check]) -> dict[str, str]:
    """Return check → why its expressions are not ones that a check file may hold."""
    found = {}
    with open_session() as session:
        for name, check in checks.items():
            wrong = [text for part in (check.applies, check.passes) for text in parse(session, part)[2]]
            if name != check.id:
                wrong.append(f"it calls itself {check.id[:60]!r}")
            if wrong:
                found[name] = "; ".join(wrong)
    return found


def _view(view: View, tables: Mapping[str, Table]) -> View:
    """Load a view from its text as from a file. Raises EvidenceError if it is not what it claims."""
    _plain_names([view.name])
    with tempfile.TemporaryDirectory(prefix="view-") as folder, open_session(allowed=None) as session:
        path = Path(folder) / f"{view.name}.sql"
        path.write_text(view.sql, "utf-8")
        found, problems = load_view(session, path, tables)
    if found is None or found.version != view.version:
        why = "; ".join(text for _, _, text in problems) or "its text has another version than it claims"
        raise EvidenceError(
            DOING, f"the view {view.name} cannot be used: {why}", "Do not rely on this binder."
        )
    return replace(found, path=NOWHERE)


def _versions(
    checks: Mapping[str, Check], joined: Joined, kinds: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """Return which checks do not have the version that their text, columns and view give."""
    wrong = []
    for name, check in checks.items():
        known = kinds.get(check.table)
        if known is None:
            continue  # The table was never read: nothing was judged by it.
        lost = [column for column in check.columns if column not in known]
        if lost or check.version != verdict_version(
            check, name, check.columns, check.params, known, joined.views.get(check.table)
        ):
            wrong.append(f"{name}: its text does not have the version {check.version[:12]} recorded for it")
    return wrong


def _plain_names(names: Collection[str]) -> None:
    for name in names:
        if not _NAME.fullmatch(name):
            raise EvidenceError(DOING, f"{name[:60]!r} is no name of a table", "Do not rely on this binder.")


def _plain_types(columns: Collection[tuple[str, str]]) -> None:
    """Refuse what is no name or type: both become part of statements."""
    for name, kind in columns:
        if not _TYPE.fullmatch(kind) or "\0" in name:
            raise EvidenceError(DOING, f"{kind[:60]!r} is no type of a column", "Do not rely on this binder.")


def _compare_rows(done: Again, before: TableResults, after: TableResults, threads: int) -> None:
    if before.population != after.population:
        done.others.append(
            f"{after.table}: {before.population} rows were judged then, and {after.population} now"
        )
    missing = [check for check in after.checks if check not in before.checks]
    if missing:
        done.others.append(f"{after.table}: {', '.join(name for name, _ in missing)} had no verdicts then")
    differing = changes(before, after, threads=threads)
    for number, change in enumerate(differing):
        if number == MOST_DIFFERENCES:
            done.others.append(f"{after.table}: more than {MOST_DIFFERENCES} verdicts differ")
            break
        done.differences.append(change)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def evaluations(log: Iterator[tuple[int, Any]], objects: Objects) -> Iterator[dict[str, Any]]:
    """Yield the evaluation of every finished sweep among entries: sweep, connection, time, digest."""
    for index, entry in log:
        if entry.kind != "sweep.finished" or not entry.data.get("manifest"):
            continue
        digest = str(entry.data["manifest"])
        manifest = _manifest(digest, objects)
        yield {
            "entry": index,
            "sweep": str(entry.data.get("sweep", "")),
            "connection": str(entry.data.get("name", "")),
            "observed_at": str(entry.data.get("observed_at", "")),
            "evaluation": str(manifest.get("evaluation", "")),
            "manifest": digest,
        }
