"""Tables that are judged several at once have the verdicts that one process gives them, object by object."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

import proofwatch
from proofwatch.checks import spread
from proofwatch.checks.base import TableInput, UnreadPlace
from proofwatch.checks.load import Catalog
from proofwatch.checks.merged import Files, merge
from proofwatch.checks.read import failing, verdicts
from proofwatch.checks.spread import Judge, Source, judge_tables, judged
from proofwatch.evidence.objects import LocalObjects
from proofwatch.runtime.executor import Local
from proofwatch.runtime.pool import Pool, running
from proofwatch.snapshots.commit import commit
from proofwatch.snapshots.exchange import SharedFolder
from proofwatch.snapshots.spool import write_part
from proofwatch.snapshots.tasks import Lost, Store
from tests.checks.kit import ACCOUNT, NOW, REGION, TABLES, catalog, text
from tests.checks.test_views import CHECK, KEYED
from tests.clusters import SeenByAll

SHIPPED = Path(proofwatch.__file__).parent / "catalog" / "x.yaml"
HERE, THERE = (ACCOUNT, REGION), (ACCOUNT, "us-east-1")
ENABLED = text(
    table="key",
    passes="enabled",
    on_pass='"{key_id} is on"',
    on_fail='"{key_id} is off"',
    cases="""
cases:
  - {name: lit, given: {enabled: true}, expect: pass}
  - {name: dark, given: {enabled: false}, expect: fail}
  - {name: unknown, given: {enabled: null}, expect: inconclusive}
""",
)
OLD = text(
    passes="created > $now - to_days($days)",
    params="{days: 30}",
    cases="""
cases:
  - {name: new, given: {created: '2999-01-01T00:00:00Z'}, expect: pass}
  - {name: old, given: {created: '1999-01-01T00:00:00Z'}, expect: fail}
  - {name: unread, given: {created: null}, expect: inconclusive}
""",
)
OWN = "own.c"


class World:
    """Three tables and a view, with one place of one table unread, and a check that a person wrote."""

    def __init__(self, home: Path, own: bool = True) -> None:
        self.home = home
        (home / "parts").mkdir(parents=True, exist_ok=True)
        loaded = catalog(
            home,
            {"volume_keys": KEYED},
            a__b=text(),
            a__old=OLD,
            key__on=ENABLED,
            view__v=CHECK,
            own__c=text(),
        )
        checks = {
            name: check if name == OWN else replace(check, path=SHIPPED)
            for name, check in loaded.checks.items()
            if own or name != OWN
        }
        self.catalog = Catalog(checks, loaded.views, loaded.tables)
        self.store = Store(LocalObjects(home / "objects"), home / "cache")

    def whole(self) -> Judge:
        volumes = [
            {"volume_id": f"v-{n}", "encrypted": n % 5 != 0, "created": "2026-10-20T00:00:00Z"}
            for n in range(50)
        ]
        unread = (UnreadPlace(*THERE, "no answer", "kms:ListKeys"),)
        sources = {
            "volume": self._source("volume", volumes, (HERE, THERE)),
            "key": self._source("key", [{"key_id": "k-1", "enabled": None}], (HERE,), unread),
        }
        out = self.home / "evaluation"
        out.mkdir(exist_ok=True)
        params, refused = {"a.old": {"days": 10}}, {"view.v": "it does not fit"}
        return Judge(self.catalog, sources, params, refused, NOW, self.store, out)

    def _source(self, name: str, rows: list[dict[str, Any]], places: Any, unread: Any = ()) -> Source:
        parts = [
            write_part(
                self.home / "parts",
                TABLES[name],
                *place,
                [
                    {"account_id": place[0], "region": place[1], "resource": f"{name}/{n}", **row}
                    for n, row in enumerate(rows)
                ],
            )
            for place in places
        ]
        state = commit(
            TABLES[name], "7", parts, [], None, self.store.objects, self.home / "work", "2026-11",
            cache=self.store.cache,
        )  # fmt: skip
        return Source(state.manifest, TableInput(name, None, places, unread), state.rows)


class Watched:
    """A pool that counts what it is given."""

    def __init__(self, pool: Pool, here: bool = True) -> None:
        self.pool, self.here, self.size, self.given = pool, here, pool.size, 0

    def each(self, call: Callable[[Any], Any], tasks: Sequence[Any], at_once: int = 0) -> Iterator[Any]:
        self.given += len(tasks)
        return self.pool.each(call, tasks, at_once)


def told(whole: Judge, pool: Any) -> dict[str, Any]:
    """Judge, and return all that a reader may see of it."""
    found = merge(judged(whole, pool), whole)
    files = Files(found, whole)
    assert isinstance(whole.store.objects, LocalObjects)
    return {
        "checks": [
            (name, item.counts, item.about, item.error, item.params)
            for name, item in found.found.checks.items()
        ],
        "tables": [
            {**asdict(item), "path": None, "rows": None, "name": name}
            for name, item in found.found.tables.items()
        ],
        "digests": (found.results, found.rows_objects),
        "worst": dict(sorted(found.worst.items())),
        "failing": list(failing(files.failing)),
        "looked": verdicts(files.of(["volume"]), "a.b", [(*THERE, "volume/5"), (*HERE, "volume/9")]),
        "rows": sorted(files.rows(["volume", "key"])),
        "objects": sorted(whole.store.objects.sizes()),
    }


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what one process finds."""
    return told(World(tmp_path_factory.mktemp("alone")).whole(), None)


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_the_same_verdicts_reasons_and_objects(
    kind: str, alone: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spread, "TOGETHER", 0)
    monkeypatch.setattr(spread, "at_once", lambda pool: 2)
    with running(Local(kind, 2)) as pool:
        watched = Watched(pool)
        assert told(World(tmp_path / kind).whole(), watched) == alone
    assert watched.given == 3
    by_check = {name: (counts.failed, error) for name, counts, _, error, _ in alone["checks"]}
    assert by_check["a.b"] == by_check[OWN] == (20, "")
    assert by_check["a.old"] == (100, ""), "with the parameter that was set"
    assert by_check["view.v"] == (0, "it does not fit")
    assert len(alone["failing"]) == 140 and alone["worst"]["key.on"]


def test_what_is_little_is_judged_here(tmp_path: Path) -> None:
    with running(Local("threads", 2)) as pool:
        watched = Watched(pool)
        merge(judged(World(tmp_path, own=False).whole(), watched), World(tmp_path / "other").whole())
    assert not watched.given


def test_what_another_machine_judged_is_fetched_when_it_is_needed_and_what_a_person_wrote_stays(
    alone: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spread, "TOGETHER", 0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    whole = World(tmp_path / "cluster").whole()
    with running(Local("threads", 2)) as pool:
        watched = Watched(pool, here=False)
        seen = replace(whole, store=Store(SeenByAll(tmp_path / "cluster" / "objects"), whole.store.cache))
        assert told(seen, watched) == alone
        assert watched.given == 2, "all but the table about which somebody wrote a check"
        left = SharedFolder(tmp_path / "left")
        own = replace(seen, catalog=World(tmp_path / "cluster", own=False).catalog, exchange=left)
        found = merge(judged(own, watched), own)
    assert found.found.tables["volume"].path is None
    read = Files(found, own).of(["volume"])
    assert read.tables["volume"].rows.parent == left.path, "rows that fail are left, and not rebuilt"
    assert sum(1 for _ in failing(read)) == 120
    assert Files(found, own).rows(["key"])["key"].is_relative_to(tmp_path / "cluster" / "cache")
    assert not list(tmp_path.glob("proofwatch-*/judging-*")), "a worker leaves nothing but rebuilt tables"


def test_a_table_that_kills_whoever_judges_it_is_inconclusive_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spread, "TOGETHER", 0)
    monkeypatch.setattr(spread, "at_once", lambda pool: 2)

    class Failing(Watched):
        def each(self, call: Callable[[Any], Any], tasks: Sequence[Any], at_once: int = 0) -> Iterator[Any]:
            for task in tasks:
                lost = Lost("judging it killed its worker", killed=True)
                yield task, Lost("no room") if task.near == "key" else lost

    whole = World(tmp_path).whole()
    with running(Local("threads", 2)) as pool:
        found = merge(judged(whole, Failing(pool)), whole).found
    assert found.checks["key.on"].counts.inconclusive == 2, "what the workers could not do was done here"
    assert found.checks["a.b"].error == "the table could not be evaluated: judging it killed its worker"
    assert found.checks["a.b"].counts.inconclusive == 1
    assert found.checks["a.b"].about[0].reason == f"cannot tell: {found.checks['a.b'].error}"
    assert found.checks["view.v"].error == "it does not fit", "what was known before stands"
    assert found.tables["volume_keys"].places == (HERE,)
    assert found.tables["volume_keys"].unread[0].reason == "key: no answer"


def test_a_task_travels_with_no_more_than_it_needs(tmp_path: Path) -> None:
    whole = World(tmp_path).whole()
    only = {task.tables[0]: task for task in whole.pieces()}
    assert sorted(only) == ["key", "volume", "volume_keys"]
    assert sorted(only["volume_keys"].sources) == ["key", "volume"]
    assert sorted(only["key"].sources) == ["key"] and not only["key"].params and not only["key"].refused
    assert only["volume_keys"].near == "volume"
    assert judge_tables(only["key"]).found.tables["key"].population == 1
