"""A sweep on a Dask cluster: whatever dies in its middle, it ends as if nothing had happened."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from proofwatch import pipeline
from proofwatch.checks import spread as judging
from proofwatch.demo import systems
from proofwatch.demo.fakes.base import Asked, Said
from proofwatch.evidence.keys import create_key
from proofwatch.evidence.objects import open_objects
from proofwatch.runtime.pool import KILLS
from proofwatch.snapshots import spread as committing
from proofwatch.snapshots.collect import forget_connectors
from proofwatch.snapshots.exchange import NOTHING
from proofwatch.store.models import CheckRun, Finding, FindingEvent, Sweep
from proofwatch.store.services import connections, sweeps
from tests.buckets import Server, ministack
from tests.clusters import POISON, ROOT, Cluster, kill_children
from tests.forward import forwarding
from tests.runtime.test_cluster import namespace
from tests.test_systems import Company

__all__ = ["ministack"]

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SOME = (POISON, "github_organization", "github_repository", "github_member")


class Gate:
    """Holds the requests of the source from the N-th on, until the gate is opened."""

    def __init__(self, fake: Any, number: int) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        self._answer, self._left, self._fake = fake.answer, number, fake
        fake.answer = self.answer

    def answer(self, asked: Asked) -> Said:
        self._left -= 1
        if self._left <= 0:
            self.reached.set()
            self.opened.wait(60)
        return self._answer(asked)


@pytest.fixture
def company(database_url: str, warm_home: Path) -> Iterator[Company]:
    """A home whose GitHub was read once by threads, undisturbed."""
    forget_connectors()
    with systems.running(warm_home, ("github",)) as found:
        made = Company(warm_home, found)
        made.connect("github")
        assert made.sweep("github").state == "complete"
        yield made
    forget_connectors()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path / "dask") as running:
        yield running


def state() -> dict[str, Any]:
    """Return all that the newest sweep left: every table's digest, every check's counts, the findings."""
    owner = connections.get("github")
    counts = ("passed", "failed", "inconclusive", "not_applicable", "accepted", "worst", "reason")
    return {
        "tables": {name: item.digest for name, item in sweeps.table_states(owner).items()},
        "checks": {
            run.check_id: [getattr(run, name) for name in counts]
            for run in CheckRun.objects.filter(latest=True)
        },
        "findings": sorted(Finding.objects.values_list("check_id", "resource", "state", "reason")),
        "events": FindingEvent.objects.count(),
    }


def disturbed(
    company: Company,
    cluster: Cluster,
    number: int,
    fault: Any,
    exchange: str = "",
    tables: Sequence[str] = (),
) -> Sweep:
    """Sweep on the cluster, and let `fault` happen while the source holds its `number`-th answer."""
    gate = Gate(company.systems["github"].fake, number)
    company.executor, company.exchange = (cluster.address, 0), exchange
    ended: list[Sweep] = []
    failed: list[BaseException] = []

    def sweep() -> None:
        try:
            ended.append(company.sweep("github", tables))
        except BaseException as error:
            failed.append(error)
            raise

    running = threading.Thread(target=sweep)
    running.start()
    try:
        assert gate.reached.wait(90), (cluster.log("scheduler"), failed)
        fault()
    finally:
        gate.opened.set()
        running.join(400)
    assert ended, failed
    return ended[0]


def test_a_cluster_reads_what_threads_read(company: Company, cluster: Cluster) -> None:
    before = state()
    cluster.add("w", 2)
    done = disturbed(company, cluster, 1, lambda: None)
    assert done.state == "complete"
    assert state() == before


def test_a_worker_that_is_killed_costs_nothing(company: Company, cluster: Cluster) -> None:
    before = state()
    nanny = cluster.add("w", 2)
    done = disturbed(company, cluster, 5, lambda: kill_children(nanny))
    assert done.state == "complete"
    assert state() == before


def test_a_scheduler_that_is_killed_and_comes_back_costs_nothing(company: Company, cluster: Cluster) -> None:
    before = state()
    cluster.add("w", 2)

    def fault() -> None:
        cluster.kill_scheduler()
        cluster.start()
        cluster.add("v", 2)

    done = disturbed(company, cluster, 5, fault)
    assert done.state == "complete"
    assert state() == before


def test_what_always_kills_its_worker_is_named_and_the_rest_is_read(
    company: Company, cluster: Cluster
) -> None:
    before = state()
    cluster.add("w", 2, more=["--preload", "tests.poison"])
    done = disturbed(company, cluster, 1, lambda: None)
    assert done.state == "partial"
    (read,) = [item for item in sweeps.reads(done) if item.state == "failed"]
    assert (read.table, read.reason) == (POISON, KILLS.format("reading it"))
    now = state()
    assert now["tables"] == before["tables"], "what was known before stands"
    changed = {name for name in before["checks"] if now["checks"][name] != before["checks"][name]}
    assert changed and all(name.startswith("github.") for name in changed)
    for name in changed:
        run = CheckRun.objects.get(latest=True, check_id=name)
        assert run.inconclusive and not run.passed and not run.failed
    assert {item[2] for item in now["findings"]} == {"open"}


def test_a_leader_that_is_killed_is_followed_by_one_that_goes_on(
    company: Company, cluster: Cluster, database_url: str
) -> None:
    before = state()
    cluster.add("w", 2)
    create_key(company.home / "keys" / "log.skey", "proofwatch.local/test")
    fake = company.systems["github"].fake
    whole = len(fake.asked)
    environ = {
        **os.environ, "PROOFWATCH_HOME": str(company.home), "DATABASE_URL": database_url,
        "PROOFWATCH_EXECUTOR": cluster.address, "CONNECTION": "github",
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.killed_sweep"]
    fake.asked.clear()
    first = subprocess.run([*command, "shard", "3"], env=environ, capture_output=True, text=True, timeout=180)
    assert first.returncode == -9, first.stderr
    asked = len(fake.asked)
    second = subprocess.run([*command, ""], env=environ, capture_output=True, text=True, timeout=180)
    assert second.stdout.strip() == "complete", second.stderr
    assert 0 < len(fake.asked) - asked < whole, "what was finished is not read again"
    assert state() == before


def test_a_worker_whose_disk_is_full_leaves_its_work_to_others(
    company: Company, cluster: Cluster, ministack: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(small)], capture_output=True
    )
    if not mounted or mounted.returncode:
        pytest.skip("this user may not mount a small disk")
    before = state()
    try:
        bucket(ministack, "exchange", monkeypatch)
        company.endpoint = ministack.url
        cluster.add("full", 1, {"TMPDIR": str(small)})
        cluster.add("good", 1, {"TMPDIR": str(tmp_path)})
        done = disturbed(company, cluster, 1, lambda: None, exchange="s3://exchange/work")
        assert done.state == "complete"
        assert state() == before
    finally:
        subprocess.run(["umount", "-l", str(small)], check=False)


def test_a_cluster_that_sees_the_objects_commits_and_judges_too(
    company: Company, cluster: Cluster, ministack: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state()
    for module in (committing, judging):
        monkeypatch.setattr(module, "TOGETHER", 0)
    monkeypatch.setattr(judging, "THREADS", "not a number: the leader judges nothing")
    for name in ("parts", "evidence"):
        bucket(ministack, name, monkeypatch)
    company.endpoint = ministack.url
    kept, company.objects = company.objects, open_objects(
        "s3://evidence", cache=tmp_path / "fetched", options={"endpoint": ministack.url}
    )  # fmt: skip
    for digest in kept.digests():
        company.objects.put(kept.get(digest))
    shutil.rmtree(company.cache / pipeline.TABLES)
    far = tmp_path / "far"
    far.mkdir()
    nanny = cluster.add("w", 2, {"TMPDIR": str(far)})
    done = disturbed(company, cluster, 2, lambda: kill_children(nanny), "s3://parts/work", SOME)
    assert (done.state, state()) == ("complete", before)
    (own,) = far.glob("proofwatch-*")
    assert len(list((own / "tables").iterdir())) == len(SOME), "each was committed there"
    assert {path.name for path in own.rglob("*.ndjson")} <= {NOTHING}, "and no copy of a part is left"


def test_a_worker_that_the_network_takes_away_in_the_middle_costs_nothing(
    company: Company, tmp_path: Path
) -> None:
    before = state()
    source = urlsplit(company.systems["github"].fake.url)
    assert source.hostname and source.port
    with (
        namespace() as (here, there, name),
        forwarding(here, (source.hostname, source.port)) as (passed, port),
        Cluster(tmp_path / "dask", host=here, silence="5s") as cluster,
    ):
        inside = ["ip", "netns", "exec", name]
        beyond = [sys.executable, "-m", "tests.forward", source.hostname, str(source.port), here, str(port)]
        with subprocess.Popen([*inside, *beyond], cwd=ROOT) as forward:
            try:
                cluster.add("near", 1)
                cluster.add("far", 1, more=["--host", there], through=inside)
                cluster.wait(2)

                def cut() -> None:
                    assert passed.came.wait(60), "the far worker reads, too"
                    subprocess.run(["ip", "link", "set", f"{name}a", "down"], check=True)

                done = disturbed(company, cluster, 3, cut, tables=(*SOME, "github_pull_request"))
            finally:
                forward.kill()
    assert (done.state, state()) == ("complete", before)


def bucket(server: Server, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a bucket that this process and its workers may use."""
    server.client().create_bucket(Bucket=name)
    for key, value in zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), server.key, strict=True):
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
