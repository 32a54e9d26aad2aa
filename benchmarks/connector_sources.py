"""Large sources for `benchmarks.connectors`: the demo's fakes, with listings that are made when asked for.

Nothing of a listing is kept, so that the server stays as small with 50,000 people as with 50. Each source
says the least number of requests that the provider's interface allows, and why.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from proofwatch.demo.fakes import drata as fake_drata
from proofwatch.demo.fakes import okta as fake_okta
from proofwatch.demo.fakes import vanta as fake_vanta
from proofwatch.demo.fakes.base import Asked, Fake, Said
from proofwatch.demo.fakes.entra import FakeEntra
from proofwatch.demo.fakes.entra_shapes import Tenant
from proofwatch.demo.fakes.github import ORG, FakeGithub
from proofwatch.demo.fakes.github_graph import Graph
from proofwatch.demo.fakes.google import paged
from proofwatch.demo.fakes.google_workspace import CUSTOMER, V1, FakeGoogleWorkspace
from proofwatch.demo.fakes.microsoft_login import TENANT, guid

Least = tuple[int, str]


@dataclass
class Source:
    """One large source.

    Attributes:
        kind: of the connector.
        fake: the server.
        accounts: places that are read.
        shards: tables by the shard that a sweep reads them in, in that order.
        least: of each table the fewest requests that the interface allows, with the formula in words.
        region: of the places.
        settings: what connects, once it runs.
        environment: variables that the settings name.
    """

    kind: str
    fake: Fake
    accounts: Sequence[str]
    shards: Mapping[str, Sequence[str]]
    least: Mapping[str, Least]
    settings: Callable[[], dict[str, Any]]
    environment: Callable[[], dict[str, str]]
    region: str = "global"


class Lazy(Sequence[Any]):
    """A list of which only the asked part is ever made."""

    def __init__(self, count: int, make: Callable[[int], Any]) -> None:
        self.count, self.make = count, make

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self.make(number) for number in range(*at.indices(self.count))]
        return self.make(at)


def pages(count: int, size: int) -> int:
    """Return the number of pages; an empty listing is one, too."""
    return max(1, -(-count // size))


def front(fake: Fake, line: str, handler: Callable[[Asked], Said]) -> None:
    """Answer a route before those that the fake has."""
    fake.route(line, handler)
    fake._routes.insert(0, fake._routes.pop())


class LargeGraph(Graph):
    """GitHub's GraphQL over many repositories, members and changes."""

    def __init__(self, small: Graph, repositories: int, members: int, changes: int) -> None:
        super().__init__(small.org, small.names, small.now, small.members)
        self.count, self.changes = repositories, changes
        self.step = timedelta(seconds=29 * 86_400 // changes)
        self.one_repository = self.repository("firmware")
        self.one_edge, self.one_pull = self.edges()[0], self._pull(1)
        self.all_repositories = Lazy(repositories, self._repository)
        self.all_edges = Lazy(members, self._edge)
        self._kept = {
            name: self.page(items, 100, None, kind)
            for name, items, kind in (
                ("collaborators", self._collaborators("firmware"), "edges"),
                ("deployKeys", self._keys("infrastructure"), "nodes"),
                ("environments", self._environments("billing-api"), "nodes"),
            )
        }

    def answer(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Answer from the large lists; of a repository only what the question names."""
        text, given = str(body.get("query", "")), body.get("variables") or {}
        after, size = given.get("after"), int(re.findall(r"first: (\d+)", text)[0])
        if "membersWithRole" in text:
            page = self.page(self.all_edges, size, after, "edges")
            return {"data": {"organization": {"membersWithRole": page}}}
        if "repositories(" not in text:
            return super().answer(body)
        page = self.page(self.all_repositories, size, after)
        inside = [name for name in self._kept if name in text]
        if inside:
            for item in page["nodes"]:
                chosen = {name: item[name] for name in ("nameWithOwner", "isArchived", *inside)}
                item.clear()
                item.update(chosen)
        return {"data": {"organization": {"repositories": page}}}

    def search(self, query: str, size: int, after: Any) -> dict[str, Any]:
        """Return the changes of a span: the number of each tells when it was merged."""
        since, until = map(datetime.fromisoformat, query.rpartition("merged:")[2].split(".."))
        first = max(0, -(-(self.now - until) // self.step))
        last = min(self.changes, (self.now - since) // self.step + 1)
        found = Lazy(max(0, last - first), lambda number: self._change(first + number))
        return {**self.page(found, size, after), "issueCount": len(found)}

    def _repository(self, number: int) -> dict[str, Any]:
        return {
            **self.one_repository, **self._kept, "nameWithOwner": f"{self.org}/service-{number:05}",
            "databaseId": 1000 + number,
        }  # fmt: skip

    def _edge(self, number: int) -> dict[str, Any]:
        login = f"person-{number:05}"
        return {
            **self.one_edge,
            "role": "MEMBER",
            "node": {**self.one_edge["node"], "login": login, "databaseId": number},
        }

    def _change(self, number: int) -> dict[str, Any]:
        merged = (self.now - self.step * number).isoformat().replace("+00:00", "Z")
        return {**self.one_pull, "number": number, "title": f"Change {number}", "mergedAt": merged}


def github(scale: float) -> Source:
    """Return 10,000 repositories, 2,000 members and 10,000 merged changes."""
    repositories, members, changes = (max(20, int(n * scale)) for n in (10_000, 2_000, 10_000))
    fake = FakeGithub()
    fake.graph = LargeGraph(fake.graph, repositories, members, changes)
    listing = (pages(repositories, 100), "⌈repositories / 100⌉")
    nothing = (0, "0: of the listing before")
    return Source(
        "github", fake, [ORG],
        {
            "repositories": ("github_repository", "github_branch_protection"),
            "access": ("github_repository_collaborator", "github_deploy_key", "github_environment"),
            "people": ("github_member",),
            "changes": ("github_pull_request",),
        },
        {
            "github_repository": listing, "github_branch_protection": nothing,
            "github_repository_collaborator": listing, "github_deploy_key": nothing,
            "github_environment": nothing, "github_member": (pages(members, 100), "⌈members / 100⌉"),
            "github_pull_request": (pages(changes, 100), "⌈changes / 100⌉, 1,000 of a query at most"),
        },
        fake.settings, fake.environment,
    )  # fmt: skip


class LargeOkta(fake_okta.FakeOkta):
    """An organisation of many people, one in fifty of them deactivated."""

    def __init__(self, people: int, admins: int) -> None:
        super().__init__()
        self.count, self.admins, self.one = people, admins, self.users[0]
        self.gone = max(1, people // 50)
        self.owned = self.roles.get(self.users[0]["id"], [self.role])

    def _some_users(self, asked: Asked) -> Any:
        gone = asked.query.get("filter") == 'status eq "DEPROVISIONED"'
        first, count = (self.count - self.gone, self.gone) if gone else (0, self.count - self.gone)
        return Lazy(count, lambda number: self._person(first + number, gone))

    def _person(self, number: int, gone: bool) -> dict[str, Any]:
        login = f"person-{number:06}@acme-robotics.example"
        return {
            **self.one, "id": f"00u{number:017}", "status": "DEPROVISIONED" if gone else "ACTIVE",
            "profile": {**self.one["profile"], "login": login, "email": login},
        }  # fmt: skip

    def _assignees(self, users: Sequence[str], asked: Asked) -> Said:
        at, size = int(asked.query.get("after", "0")), min(100, int(asked.query.get("limit", "100")))
        links = {}
        if at + size < self.admins:
            links["next"] = {"href": self._link(asked, {**asked.query, "after": str(at + size)})}
        found = [{"id": f"00u{number:017}"} for number in range(at, min(self.admins, at + size))]
        return Said({"value": found, "_links": links})

    def _factors(self, user: str) -> list[Any]:
        return [fake_okta.shapes.factor(user, name, "OKTA") for name in ("push", "webauthn")]

    def _groups(self) -> list[Any]:
        return [fake_okta.shapes.group("Everyone", self.count, False, "BUILT_IN")]


def okta(scale: float) -> Source:
    """Return 50,000 people, 500 of them administrators, whose factors are read."""
    fake_okta.PAGE = 200
    people, admins = max(100, int(50_000 * scale)), max(10, int(500 * scale))
    fake = LargeOkta(people, admins)
    front(fake, "GET /api/v1/users/{id}/roles", lambda asked: Said(fake.owned))
    gone = fake.gone
    return Source(
        "okta", fake, [fake_okta.ORG],
        {"users": ("okta_user",), "people": ("okta_admin_assignment", "okta_user_factor")},
        {
            "okta_user": (pages(people - gone, 200) + pages(gone, 200), "⌈active / 200⌉ + ⌈gone / 200⌉"),
            "okta_admin_assignment": (
                pages(admins, 100) + admins + 1, "⌈admins / 100⌉ + admins + ⌈groups / 200⌉"
            ),
            "okta_user_factor": (admins, "1 for each administrator"),
        },
        lambda: {**fake.settings(), "factors": "admins", "requests_per_minute": 100_000}, fake.environment,
    )  # fmt: skip


def google_workspace(scale: float) -> Source:
    """Return 50,000 people."""
    people = max(100, int(50_000 * scale))
    fake = FakeGoogleWorkspace()
    one = fake.users[0]

    def user(number: int) -> dict[str, Any]:
        return {**one, "id": str(10**20 + number), "primaryEmail": f"person-{number:06}@acme.example"}

    front(fake, f"GET {V1}/users", partial(paged, Lazy(people, user), name="users", most=500))
    return Source(
        "google_workspace", fake, [CUSTOMER], {"api": ("google_workspace_user",)},
        {"google_workspace_user": (pages(people, 500), "⌈people / 500⌉")}, fake.settings, fake.environment,
    )  # fmt: skip


class LargeEntra(FakeEntra):
    """A tenant whose large listings are cut before they are made."""

    def __init__(self, people: int) -> None:
        super().__init__()
        tenant: Tenant = self.data
        person, registered = tenant._users()[0], tenant._registrations()[0]

        def same(one: Mapping[str, Any], number: int) -> dict[str, Any]:
            return {**one, "id": guid(number), "userPrincipalName": f"person-{number:06}@acme.example"}

        users, registrations = (Lazy(people, partial(same, one)) for one in (person, registered))
        front(self, "GET /v1.0/users", partial(self._cut, users, 500))
        path = "GET /v1.0/reports/authenticationMethods/userRegistrationDetails"
        front(self, path, partial(self._cut, registrations, 100))

    def _cut(self, items: Lazy, size: int, asked: Asked) -> Said:
        at, chosen = int(asked.query.get("$skiptoken", "0")), asked.query.get("$select", "").split(",")
        page = items[at : at + size]
        if chosen != [""]:
            page = [{name: item[name] for name in chosen if name in item} for item in page]
        said: dict[str, Any] = {"value": page}
        if at + size < len(items):
            select = f"$select={','.join(chosen)}&" if chosen != [""] else ""
            said["@odata.nextLink"] = f"{asked.base}{asked.path}?{select}$skiptoken={at + size}"
        return Said(said)


def entra(scale: float) -> Source:
    """Return 50,000 people with their last sign-in, and what each registered as a second factor."""
    people = max(100, int(50_000 * scale))
    fake = LargeEntra(people)
    return Source(
        "entra", fake, [TENANT], {"users": ("entra_user",), "reports": ("entra_user_registration",)},
        {
            "entra_user": (pages(people, 500), "⌈people / 500⌉, with the last sign-in"),
            "entra_user_registration": (pages(people, 100), "⌈people / Graph's own page (100 here)⌉"),
        },
        fake.settings, fake.environment,
    )  # fmt: skip


def vanta(scale: float) -> Source:
    """Return 300 tests, of which 120 fail, each for five things, and one was taken out of each."""
    fake_vanta.MOST = 100
    tests, failing = max(10, int(300 * scale)), max(4, int(120 * scale))
    fake = fake_vanta.FakeVanta()
    state = {True: "NEEDS_ATTENTION", False: "OK"}
    fake.tests = [
        fake._test(f"test-{number:03}", f"Test {number}", "aws", state[number < failing])
        for number in range(tests - 1)
    ] + [fake._test("aws-imdsv2", "Instances demand IMDSv2", "aws", "IN_PROGRESS")]
    shape = next(iter(fake.entities.values()))
    fake.entities = {
        f"test-{number:03}": [
            {**(shape[0] if place < 5 else shape[-1]), "id": f"{number}-{place}"} for place in range(6)
        ]
        for number in range(failing)
    }
    return Source(
        "vanta", fake, ["Acme Robotics"], {"api": ("vanta_test", "vanta_test_entity")},
        {
            "vanta_test": (pages(tests, 100) + 1, "⌈tests / 100⌉ + 1 for those in rollout"),
            "vanta_test_entity": (2 * failing, "2 for each test that fails (failing, taken out)"),
        },
        fake.settings, fake.environment,
    )  # fmt: skip


class LargeDrata(fake_drata.FakeDrata):
    """A tenant of many tests, of which each that fails fails for five things."""

    def _failures(self, asked: Asked) -> list[dict[str, Any]]:
        failing = {number for number, _, result, _ in fake_drata._TESTS if result == "FAILED"}
        found = int(asked.parts["test"]) in failing
        return [self._user(f"person-{number}") for number in range(5)] if found else []


def drata(scale: float) -> Source:
    """Return 300 tests that run, of which 120 fail, each for five things."""
    tests, failing = max(10, int(300 * scale)), max(4, int(120 * scale))
    fake_drata.MOST = 500
    fake_drata._TESTS = tuple(
        (100 + number, f"Test {number}", "FAILED" if number < failing else "PASSED", "ENABLED")
        for number in range(tests)
    )
    fake = LargeDrata()
    return Source(
        "drata", fake, [str(fake_drata.FIRST)],
        {"workspace": ("drata_monitoring_test", "drata_test_result", "drata_test_exclusion")},
        {
            "drata_monitoring_test": (pages(tests, 500) + pages(tests, 50), "⌈tests / 500⌉ + ⌈tests / 50⌉"),
            "drata_test_result": (failing, "1 for each failing test"),
            "drata_test_exclusion": (tests, "1 for each test that runs"),
        },
        fake.settings, fake.environment,
    )  # fmt: skip


def body_of(asked: Asked) -> Any:
    """Return the JSON of a request."""
    return json.loads(asked.body or b"{}")
