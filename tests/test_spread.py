"""A whole sweep on processes that read, commit and judge: whatever dies, nothing else is lost."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from proofwatch import pipeline
from proofwatch.checks import spread as judging
from proofwatch.runtime.places import places
from proofwatch.runtime.pool import KILLS, running
from proofwatch.snapshots import spread as committing
from proofwatch.snapshots.base import Objects
from proofwatch.snapshots.exchange import SharedFolder
from proofwatch.store.models import CheckRun, Connection, Sweep
from proofwatch.store.services import connections, sweeps
from tests.deadly import DeadlyFolder, DeadlyObjects
from tests.test_cluster import SOME, company, state
from tests.test_systems import Company

__all__ = ["company"]

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
READ, COMMITTED, JUDGED = "github_member", "github_organization", "github_repository"


@pytest.fixture(autouse=True)
def everything_is_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (committing, judging):
        monkeypatch.setattr(module, "TOGETHER", 0)
        monkeypatch.setattr(module, "at_once", lambda pool: 2)


def sweep(company: Company, objects: Objects | None = None, **deadly: str) -> Sweep:
    """Sweep on two processes with an empty cache, so that every table is rebuilt, compared and judged."""
    shutil.rmtree(company.cache / pipeline.TABLES)
    # Processes may come of a fork server that an earlier test started, with the environment of then.
    token = company.home / "token"
    token.write_text(os.environ["DEMO_GITHUB_TOKEN"])
    token.chmod(0o600)
    owner = connections.get("github")
    Connection.objects.filter(pk=owner.pk).update(settings={**owner.settings, "token": f"file:{token}"})
    company.minutes += 1
    run = sweeps.plan(
        connections.get("github"), slot=company.now, trigger="manual", actor="owner", now=company.now,
        tables=SOME,
    )  # fmt: skip
    where = places("processes", 2, company.work)
    exchange: Callable[[str], SharedFolder] = lambda name: DeadlyFolder(  # noqa: E731
        company.work / name, leader=os.getpid(), **deadly
    )
    with running(where.workers) as pool:
        tools = pipeline.Tools(
            objects or company.objects,
            company.catalog,
            company.cache,
            pool,
            exchange,
            where.turns,
            lambda: None,
        )
        return pipeline.sweep(tools, run, actor="owner")


def about(company: Company, table: str) -> set[str]:
    """Return the checks that rest on a table."""
    views = company.catalog.views
    return {
        name
        for name, check in company.catalog.checks.items()
        if check.table == table or (check.table in views and table in views[check.table].tables)
    }


def test_a_worker_that_is_killed_in_the_middle_costs_nothing(company: Company, tmp_path: Path) -> None:
    before, once = state(), tmp_path / "once"
    assert sweep(company, committing=COMMITTED, once=str(once)).state == "complete"
    assert once.exists(), "a worker was killed"
    assert state() == before


def test_what_always_kills_is_named_at_each_step_and_the_rest_is_as_it_was(company: Company) -> None:
    before = state()
    objects = DeadlyObjects(company.objects.folder, os.getpid(), JUDGED)
    done = sweep(company, objects, reading=READ, committing=COMMITTED)
    assert done.state == "partial"
    failed = {item.table: item.reason for item in sweeps.reads(done) if item.state == "failed"}
    assert failed == {READ: KILLS.format("reading it"), COMMITTED: KILLS.format("committing it")}
    now = state()
    assert now["tables"] == before["tables"], "what was known before stands"
    assert {item[2] for item in now["findings"]} == {"open"}
    changed = {name for name in before["checks"] if now["checks"][name] != before["checks"][name]}
    unjudged = {name for name in changed if company.catalog.checks[name].table == JUDGED}
    assert unjudged and changed - unjudged <= about(company, READ) | about(company, COMMITTED)
    for run in CheckRun.objects.filter(latest=True, check_id__in=changed):
        assert run.inconclusive and not run.passed and not run.failed
        if run.check_id in unjudged:
            assert run.reason == f"the table could not be evaluated: {KILLS.format('judging it')}"
