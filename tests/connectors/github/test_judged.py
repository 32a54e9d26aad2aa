"""The connector and our fake before GitHub's own descriptions, and before traffic that others recorded."""

import json

import graphql
import pytest

from proofwatch.connectors.base import ReadStats, Unread
from proofwatch.connectors.github import GithubConnector
from proofwatch.connectors.github.tables import TABLES, changes, people, repositories
from proofwatch.connectors.rest.collect import path_of
from proofwatch.connectors.rest.scrub import without_secrets
from proofwatch.demo.fakes.base import Said
from tests.connectors.github.judges import JudgedGithub, description, graphql_schema, recorded
from tests.servers import free_port, prism, prism_before, running

BY_REST = [table.name for table in TABLES if table.path.startswith("/orgs") and not table.reader]
BY_GRAPHQL = [table.name for table in TABLES if table.path == "/graphql"]


def every_row(connector, names):
    found = {}
    for shard in connector.shards(connector.scope(), names):
        for name in shard.tables:
            found[name] = list(connector.read(shard, name, ReadStats()))
    return found


def test_githubs_schema_carries_out_every_query(github, monkeypatch):
    with JudgedGithub(graphql_schema()) as judged:
        connector = GithubConnector(GithubConnector.parse_settings(judged.settings()))
        found = every_row(connector, BY_GRAPHQL)
        assert judged.refused == []
    plain = GithubConnector(GithubConnector.parse_settings(github.settings()))
    expected = {name: len(rows) for name, rows in every_row(plain, BY_GRAPHQL).items()}
    assert {name: len(rows) for name, rows in found.items()} == expected
    row = next(row for row in found["github_branch_protection"] if row["repository"].endswith("/firmware"))
    assert (row["required_approvals"], row["status_checks"]) == (1, ["ci"])


def most_nodes(text):
    """Return how many nodes a query could answer, as GitHub counts them: each page times what holds it."""

    def below(selection, held):
        total = 0
        for field in selection.selections if selection else ():
            pages = [
                int(given.value.value)
                for given in getattr(field, "arguments", ())
                if given.name.value == "first"
            ]
            mine = held * pages[0] if pages else held
            total += (mine if pages else 0) + below(field.selection_set, mine)
        return total

    (operation,) = graphql.parse(text).definitions
    return below(operation.selection_set, 1)


@pytest.mark.parametrize(
    "text",
    [people._MEMBERS, repositories._REPOSITORIES, repositories._ACCESS, changes._COUNT, changes._SEARCH],
)
def test_no_query_could_answer_more_than_github_allows(text):
    assert 0 < most_nodes(text) <= 500_000


def points(text):
    """Return what a query costs, as GitHub counts it: a hundredth for each listing that it could make."""

    def below(selection, held):
        total = 0
        for field in selection.selections if selection else ():
            given = getattr(field, "arguments", ())
            pages = [int(one.value.value) for one in given if one.name.value in ("first", "last")]
            total += (held if pages else 0) + below(field.selection_set, held * (pages[0] if pages else 1))
        return total

    (operation,) = graphql.parse(text).definitions
    return below(operation.selection_set, 1) / 100


@pytest.mark.parametrize("text", [repositories._REPOSITORIES, repositories._ACCESS])
def test_two_thousand_repositories_are_read_within_an_hour_of_points(text):
    # A token or an App has 5,000 points an hour, and two of these listings are made in each sweep.
    assert "repositories(first: 100," in text
    assert points(text) * 20 < 2_500


def test_githubs_description_takes_what_we_ask_and_what_the_fake_says(github, tmp_path):
    port = free_port()
    with running(prism_before(f"{github.url}/api/v3", description(), port), port, tmp_path) as url:
        given = {**github.settings(), "base_url": url}
        connector = GithubConnector(GithubConnector.parse_settings(given))
        found = every_row(connector, BY_REST)
        assert connector.identity().principal == "user ada"
    assert sorted(found) == sorted(set(BY_REST)) and all(found.values())


def test_githubs_own_examples_are_read(github, tmp_path):
    port, read, unread = free_port(), [], {}
    with running(prism(description(), port), port, tmp_path) as url:
        connector = GithubConnector(GithubConnector.parse_settings({**github.settings(), "base_url": url}))
        for name in BY_REST:
            (shard,) = connector.shards(connector.scope(), [name])
            try:
                for row in connector.read(shard, name, ReadStats()):
                    read.append(row)
            except Unread as error:
                unread[name] = error.problem
    assert len({row["resource"] for row in read}) >= 8
    # The examples name the host api.github.com as the next page: that is never asked.
    assert unread and all("leads to 'api.github.com'" in words for words in unread.values()), unread


LISTS = {
    table.path.removeprefix("/orgs/{account}/"): table
    for table in TABLES
    if table.path.startswith("/orgs/{account}") and not table.single
}


def test_recorded_traffic_is_read_without_loss(github, connected):
    connector, seen = connected(), {}
    for exchange in recorded():
        path = exchange.path.partition("?")[0]
        parts = path.split("/")
        if len(parts) < 3 or parts[1] != "orgs" or exchange.status != 200:
            continue
        table = LISTS.get("/".join(parts[3:]))
        if table is None or table.reader:
            continue
        github.broken[path_of(f"/api/v3{table.path}", {"account": "acme-robotics"})] = Said(exchange.body)
        items = json.loads(exchange.body)
        items = items[table.rows] if table.rows else items
        (shard,) = connector.shards(connector.scope(), [table.name])
        if table.name == "github_team" and "slug" not in items[0]:
            with pytest.raises(Unread, match="has no slug"):  # Of 2012, when teams had none.
                list(connector.read(shard, table.name, ReadStats()))
            continue
        rows = list(connector.read(shard, table.name, ReadStats()))
        assert [row["raw"] for row in rows] == [without_secrets(item, table.drop) for item in items]
        assert not any(row["_unread"] for row in rows), exchange.file
        seen[table.name] = seen.get(table.name, 0) + len(rows)
    assert len(seen) >= 6 and sum(seen.values()) > 30, seen


def test_recorded_organisations_are_read(github, read):
    found = 0
    for exchange in recorded():
        parts = exchange.path.partition("?")[0].split("/")
        if len(parts) == 3 and parts[1] == "orgs" and exchange.status == 200:
            github.broken["/api/v3/orgs/acme-robotics"] = Said(exchange.body)
            (row,) = read("github_organization")
            body = json.loads(exchange.body)
            assert row["login"] == body["login"] and not row["_unread"]
            assert row["two_factor_requirement_enabled"] == body.get("two_factor_requirement_enabled")
            found += 1
    assert found > 5


@pytest.mark.parametrize("status", [401, 403, 404])
def test_recorded_refusals_are_unread_with_githubs_words(github, read, status):
    exchange = next((one for one in recorded() if one.status == status and b'"message"' in one.body), None)
    if exchange is None:
        pytest.skip(f"nobody recorded a {status} of a GET")
    github.broken["/api/v3/orgs/acme-robotics/teams"] = Said(exchange.body, status)
    with pytest.raises(Unread) as caught:
        read("github_team")
    assert caught.value.code == str(status)
    assert " ".join(json.loads(exchange.body)["message"].split())[:40] in caught.value.problem
