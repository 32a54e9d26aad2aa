"""Several systems of one company: accounts held against people, verdicts against verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from proofwatch import connecting, pipeline
from proofwatch.app import App
from proofwatch.config import load_settings
from proofwatch.demo import systems
from proofwatch.demo.fakes.base import Said
from proofwatch.demo.staff import LEAVER, STAFF
from proofwatch.evidence.objects import LocalObjects
from proofwatch.evidence.reperform import Reperformer
from proofwatch.runtime.places import places
from proofwatch.runtime.pool import running
from proofwatch.snapshots.collect import forget_connectors
from proofwatch.store import opinions
from proofwatch.store.models import CheckRun, Connection, Finding, Sweep
from proofwatch.store.services import connections, sweeps
from tests.databases import Kept

ADDRESSES = "organizationVerifiedDomainEmails"
SAME = ["github.repository.review-required=github-branch-protection"]
SWEPT = ("github", "okta")


class Company:
    """A home that is connected to some systems of the company."""

    def __init__(self, home: Path, found: list[systems.System]) -> None:
        self.catalog = App(load_settings({"PROOFWATCH_HOME": str(home)})).catalog
        self.objects = LocalObjects(home / "objects")
        self.cache = home / "cache"
        self.systems = {item.kind: item for item in found}
        self.home, self.work = home, home / "work"
        self.minutes = 0
        self.executor = ("threads", 2)
        self.exchange = self.endpoint = ""

    def connect(self, kind: str, **more: Any) -> None:
        given = {**self.systems[kind].settings, **more}
        connecting.connect(self.objects, kind, kind, given, actor="owner", now=self.now)

    def resume(self) -> None:
        """Go on after the first sweeps: the systems run at other addresses now."""
        self.minutes = len(SWEPT)
        for kind in SWEPT:
            given = self.systems[kind].settings
            settings = {key: given.get(key, kept) for key, kept in connections.get(kind).settings.items()}
            Connection.objects.filter(name=kind).update(settings=settings)

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(minutes=self.minutes)

    def sweep(self, kind: str, tables: Sequence[str] = ()) -> Sweep:
        """Sweep as a worker does: all tables, or some."""
        self.minutes += 1
        owner = connections.get(kind)
        run = sweeps.plan(owner, slot=self.now, trigger="manual", actor="owner", now=self.now, tables=tables)
        where = places(*self.executor, self.work, exchange=self.exchange, endpoint=self.endpoint)
        with running(where.workers) as pool:
            tools = pipeline.Tools(
                self.objects, self.catalog, self.cache, pool, where.exchange, where.turns, lambda: None
            )
            return pipeline.sweep(tools, run, actor="owner")

    def failing(self, check: str) -> dict[tuple[str, str], str]:
        rows = Finding.objects.filter(check_id=check, state="open")
        return {(row.region, row.resource): row.reason for row in rows}


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Kept]:
    """Return where a database and a home go that were swept once, for all tests on one kind of database."""
    folder = tmp_path_factory.mktemp("begun")
    return lru_cache(lambda kind: Kept(folder / kind))


@pytest.fixture
def company(database_url: str, warm_home: Path, begun: Callable[[str], Kept]) -> Iterator[Company]:
    """Yield a company whose GitHub and Okta were swept; what a test changes is its own."""
    forget_connectors()
    kept = begun(database_url.partition(":")[0])
    if kept.there:
        kept.take(database_url, warm_home)
    with systems.running(warm_home, ("github", "okta", "vanta", "people")) as found:
        made = Company(warm_home, found)
        if kept.there:
            made.resume()
        else:
            for kind in SWEPT:
                made.connect(kind)
                assert made.sweep(kind).state == "complete"
            kept.keep(database_url, warm_home)
        yield made
    forget_connectors()


def test_who_left_and_who_is_unknown_are_found_in_every_system(company: Company) -> None:
    company.connect("people")
    assert company.sweep("people").state == "complete"
    left = company.failing("people.account.leaver-has-no-access")
    assert set(left) == {("github", f"acme-robotics/{LEAVER.login}")}, "Okta had closed the account"
    assert "left on 2026-08-31" in next(iter(left.values()))
    unknown = {name for _, name in company.failing("people.account.has-person")}
    assert "acme-robotics/dana-freelance" in unknown and f"acme-robotics/{STAFF[0].login}" not in unknown
    reads = sweeps.reads(sweeps.latest(connections.get("people")))
    places = {(item.region, item.rows) for item in reads if item.table == "people_account"}
    assert places == {("github", 8), ("okta", 9)}


def test_a_system_that_was_not_read_leaves_its_accounts_unknown_and_the_others_judged(
    company: Company,
) -> None:
    company.connect("people")
    company.sweep("people")
    company.systems["github"].fake.broken["/api/graphql"] = Said({"message": "no"}, 403)
    assert company.sweep("github").state == "partial"
    run = company.sweep("people")
    assert run.state == "partial"
    why = [item.reason for item in sweeps.reads(run) if item.reason]
    assert len(why) == 1 and "github could not read github_member" in why[0]
    assert company.failing("people.account.leaver-has-no-access"), (
        "what was found stays: nothing disproved it"
    )
    newest = CheckRun.objects.get(check_id="people.account.leaver-has-no-access", latest=True)
    assert newest.inconclusive >= 1


def test_accounts_whose_addresses_were_not_read_belong_to_nobody_knows_whom(company: Company) -> None:
    graph = company.systems["github"].fake.graph
    answer = graph.answer

    def without_addresses(body: Any) -> Any:
        said = answer(body)
        edges = ((said["data"].get("organization") or {}).get("membersWithRole") or {}).get("edges") or []
        for edge in edges:
            edge["node"] = {
                **edge["node"],
                "organizationVerifiedDomainEmails": None,
                "login": "x-" + edge["node"]["login"],
            }
        path = ["organization", "membersWithRole", "edges"]
        errors = [
            {
                "type": "FORBIDDEN",
                "message": "no",
                "path": [*path, number, "node", "organizationVerifiedDomainEmails"],
            }
            for number in range(len(edges))
        ]
        return {**said, "errors": errors} if edges else said

    graph.answer = without_addresses
    assert company.sweep("github").state == "partial"
    company.connect("people")
    company.sweep("people")
    unknown = {name for _, name in company.failing("people.account.has-person")}
    assert not any(name.startswith("acme-robotics/x-") for name in unknown), "what was not read is no fail"
    newest = CheckRun.objects.get(check_id="people.account.has-person", latest=True)
    assert newest.inconclusive == 7


@pytest.mark.parametrize(
    "step", ["collected", "table people_person", "table people_account", "snapshotted", "evaluated"]
)
def test_a_sweep_of_a_derived_table_that_is_killed_goes_on_to_the_same_end(
    company: Company, step: str
) -> None:
    company.connect("people")
    owner = connections.get("people")
    run = sweeps.plan(owner, slot=company.now, trigger="manual", actor="owner", now=company.now)

    class Killed(BaseException):
        """Ends the sweep where it stands, as a signal would."""

    def stop(name: str) -> None:
        if name == step:
            raise Killed

    where = places("threads", 2, company.work)
    with running(where.workers) as pool:
        tools = pipeline.Tools(
            company.objects,
            company.catalog,
            company.cache,
            pool,
            where.exchange,
            where.turns,
            sign=lambda: None,
            step=stop,
        )
        with pytest.raises(Killed):
            pipeline.sweep(tools, run, actor="owner")
        done = pipeline.sweep(replace(tools, step=lambda name: None), sweeps.get(run.pk), actor="owner")
    assert done.state == "complete"
    assert len(company.failing("people.account.leaver-has-no-access")) == 1
    assert CheckRun.objects.filter(sweep=done, check_id="people.account.has-person").count() == 1
    reads = [item for item in sweeps.reads(done) if item.table == "people_account"]
    assert sorted(item.region for item in reads) == ["github", "okta"]


def test_an_account_that_was_closed_restores_the_finding(company: Company) -> None:
    company.connect("people")
    company.sweep("people")
    graph = company.systems["github"].fake.graph
    graph.members = [person for person in graph.members if person is not LEAVER]
    company.sweep("github")
    company.sweep("people")
    assert not company.failing("people.account.leaver-has-no-access")


def test_a_disagreement_is_a_finding_of_its_own_and_ends_with_it(company: Company) -> None:
    company.connect("vanta", same=SAME)
    run = company.sweep("vanta")
    assert run.state == "complete", [item.reason for item in sweeps.reads(run)]
    found = company.failing("vanta.opinion.agrees-with-ours")
    assert {name.rpartition("|")[2] for _, name in found} == {"as a whole", "acme-robotics/billing-api"}
    assert company.failing("github.repository.review-required"), "ours is not overwritten"
    (about,) = [
        item
        for item in opinions.about(
            company.objects, company.cache / pipeline.TABLES,
            "github.repository.review-required", "acme-robotics/billing-api",
        )
        if item.item != "as a whole"
    ]  # fmt: skip
    assert (about.source, about.ours, about.theirs, about.differs) == ("vanta", "fail", "pass", True)
    for test in company.systems["vanta"].fake.tests:
        if test["id"] == "github-branch-protection":
            test["status"] = "NEEDS_ATTENTION"
    company.systems["vanta"].fake.entities["github-branch-protection"] = [
        {
            "id": "entity-77", "entityStatus": "FAILING", "displayName": "billing-api",
            "responseType": "GithubRepo", "deactivatedReason": None,
            "createdDate": "2026-11-01T00:00:00Z", "lastUpdatedDate": "2026-11-01T00:00:00Z",
        }
    ]  # fmt: skip
    company.sweep("vanta")
    assert not company.failing("vanta.opinion.agrees-with-ours")


def test_a_thing_that_only_they_know_is_no_disagreement_and_no_agreement(company: Company) -> None:
    company.systems["vanta"].fake.entities["github-branch-protection"] = [
        {
            "id": "entity-78", "entityStatus": "FAILING", "displayName": "sold-years-ago",
            "responseType": "GithubRepo", "deactivatedReason": None,
            "createdDate": "2026-11-01T00:00:00Z", "lastUpdatedDate": "2026-11-01T00:00:00Z",
        }
    ]  # fmt: skip
    for test in company.systems["vanta"].fake.tests:
        if test["id"] == "github-branch-protection":
            test["status"] = "NEEDS_ATTENTION"
    company.connect("vanta", same=SAME)
    company.sweep("vanta")
    every = list(opinions.every(company.objects, company.cache / pipeline.TABLES))
    (lost,) = [item for item in every if item.item == "sold-years-ago"]
    assert (lost.ours, lost.theirs, lost.why) == (None, "fail", "we judged no such thing")
    assert CheckRun.objects.get(check_id="vanta.opinion.agrees-with-ours", latest=True).inconclusive >= 1


def test_what_was_compared_can_be_judged_again_from_the_objects(company: Company) -> None:
    company.connect("people")
    run = company.sweep("people")
    again = Reperformer(company.objects, company.cache).again(run.evaluation)
    assert again.same and again.verdicts > 20 and not again.left
