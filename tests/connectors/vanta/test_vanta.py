"""The connector against the fake over HTTP: who, what may be written, every table, pages, one token."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from proofwatch.connectors.base import ConnectorError, ReadStats, Row, Shard, Unread
from proofwatch.connectors.vanta import VantaConnector
from proofwatch.connectors.vanta.access import OneToken, forget, token_of
from proofwatch.connectors.vanta.settings import VantaSettings
from proofwatch.connectors.vanta.tables import TABLES
from proofwatch.demo.fakes.base import Said
from proofwatch.demo.fakes.vanta import SCOPE, SECRET, FakeVanta
from proofwatch.demo.seeds import iam, storage
from proofwatch.outbound.http import Answer
from proofwatch.outbound.session import Session

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ACCOUNT = "Acme Robotics"
NAMES = sorted(table.name for table in TABLES)


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DEMO_VANTA_SECRET", SECRET)
    forget()
    yield
    forget()


@pytest.fixture
def vanta() -> Iterator[FakeVanta]:
    with FakeVanta(NOW) as fake:
        assert isinstance(fake, FakeVanta)
        yield fake


def connector(fake: FakeVanta, **more: Any) -> VantaConnector:
    return VantaConnector(VantaConnector.parse_settings({**fake.settings(), **more}))


def read(made: VantaConnector, table: str, stats: ReadStats | None = None) -> list[Row]:
    return list(made.read(Shard(ACCOUNT, "global", "api", (table,)), table, stats or ReadStats()))


def by(rows: list[Row], column: str) -> dict[str, Row]:
    return {row[column]: row for row in rows}


def test_it_says_who_it_is_and_that_the_token_may_read_only(vanta: FakeVanta) -> None:
    made = connector(vanta)
    assert made.identity().principal == "application vci_demo_acme_robotics"
    proof = made.prove_read_only()
    assert proof.read_only is True
    assert proof.evidence["granted"] == [SCOPE]
    assert vanta.given_out == 1


def test_without_a_scope_in_the_answer_it_cannot_be_told() -> None:
    with FakeVanta(NOW, named_scope=False) as fake:
        assert isinstance(fake, FakeVanta)
        proof = connector(fake).prove_read_only()
    assert proof.read_only is None
    assert "did not say so itself" in proof.reason


def test_a_scope_that_writes_is_named(vanta: FakeVanta) -> None:
    told = {"access_token": "vat_1", "expires_in": 3599, "scope": f"{SCOPE} vanta-api.all:write"}
    vanta.broken["/oauth/token"] = Said(told)
    proof = connector(vanta).prove_read_only()
    assert (proof.read_only, proof.writes) == (False, ("vanta-api.all:write",))


def test_a_wrong_secret_is_told_in_vantas_words_and_not_repeated(
    vanta: FakeVanta, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMO_VANTA_SECRET", "vcs_of_another")
    with pytest.raises(ConnectorError, match="Client authentication failed") as caught:
        connector(vanta).identity()
    assert "vcs_of_another" not in str(caught.value)
    assert connector(vanta).prove_read_only().read_only is None


def test_a_token_that_is_not_given_is_not_asked_for_again_and_again(
    vanta: FakeVanta, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMO_VANTA_SECRET", "vcs_of_another")
    made = connector(vanta)
    for table in NAMES:
        with pytest.raises(Unread, match="Client authentication failed"):
            read(made, table)
    assert [asked.path for asked in vanta.asked] == ["/oauth/token"]
    monkeypatch.setattr("proofwatch.connectors.vanta.access.PAUSE", 0.0)
    monkeypatch.setenv("DEMO_VANTA_SECRET", SECRET)
    assert len(read(made, "vanta_control")) == 5


def test_the_pace_is_that_of_an_application(vanta: FakeVanta) -> None:
    one, same = connector(vanta), connector(vanta, organization="Other")
    other = connector(vanta, client_id="vci_other")
    assert one.api("").pace is same.api("").pace is not None
    assert one.api("").pace is not other.api("").pace


def test_every_permission_is_the_one_scope_and_everything_is_one_shard(vanta: FakeVanta) -> None:
    made = connector(vanta)
    [permission] = made.permissions(NAMES)
    assert (permission.name, permission.allowed) == (SCOPE, True)
    [shard] = made.shards(made.scope(), NAMES)
    assert shard.account_id == ACCOUNT
    assert list(shard.tables) == NAMES


def test_every_table_is_read_whole_by_pages(vanta: FakeVanta) -> None:
    made, stats = connector(vanta), ReadStats()
    counts = {table: len(read(made, table, stats)) for table in NAMES}
    assert counts == {
        "vanta_control": 5,
        "vanta_document": 5,
        "vanta_framework": 1,
        "vanta_integration": 4,
        "vanta_integration_connection": 4,
        "vanta_monitored_computer": 7,
        "vanta_person": 8,
        "vanta_test": 12,
        "vanta_test_entity": 4,
        "vanta_vulnerability": 3,
    }
    assert any("pageCursor" in asked.query for asked in vanta.asked)
    assert stats.calls == 18
    for table in NAMES:
        rows = read(made, table)
        assert len({row["resource"] for row in rows}) == len(rows)
        assert not any(row["_unread"] for row in rows), table


def test_a_verdict_keeps_vantas_word_and_vantas_time(vanta: FakeVanta) -> None:
    tests = by(read(connector(vanta), "vanta_test"), "test_id")
    bad = tests["aws-iam-console-users-mfa"]
    assert (bad["status"], bad["judged_at"]) == ("NEEDS_ATTENTION", datetime(2026, 11, 20, 10, tzinfo=UTC))
    assert (bad["remediation_status"], bad["open_items"]) == ("OVERDUE", 3)
    assert (bad["version"], bad["is_in_rollout"]) == ({"major": 1, "minor": 3}, False)
    assert bad["raw"]["lastTestRunDate"] == "2026-11-20T10:00:00.000Z"
    new = tests["aws-imdsv2"]
    assert (new["status"], new["judged_at"], new["is_in_rollout"]) == ("IN_PROGRESS", None, True)
    assert tests["aws-s3-buckets-versioned"]["status"] == "OK"


def test_things_are_asked_of_tests_that_need_it_and_of_all_when_wished(vanta: FakeVanta) -> None:
    rows = read(connector(vanta), "vanta_test_entity")
    assert [row["entity_status"] for row in rows] == ["FAILING", "FAILING", "FAILING", "DEACTIVATED"]
    assert rows[0]["display_name"] == "arn:aws:iam::123456789012:user/linus"
    assert rows[3]["deactivated_reason"].startswith("Signs in from the build farm")
    paths = [asked.path for asked in vanta.asked if asked.path.endswith("/entities")]
    assert paths == ["/v1/tests/aws-iam-console-users-mfa/entities"] * 2
    vanta.asked.clear()
    read(connector(vanta, all_exclusions=True), "vanta_test_entity")
    assert len([asked for asked in vanta.asked if asked.path.endswith("/entities")]) == 13


def test_a_filter_that_vanta_ignores_is_not_believed(vanta: FakeVanta) -> None:
    vanta.route("GET /v1/tests", vanta._listing(vanta.tests))
    vanta._routes.insert(0, vanta._routes.pop())
    rows = read(connector(vanta), "vanta_test")
    assert len(rows) == 12
    assert all("is_in_rollout" in row["_unread"] and row["is_in_rollout"] is None for row in rows)


def test_one_token_serves_all_threads_and_connections(vanta: FakeVanta) -> None:
    threads = [threading.Thread(target=read, args=(connector(vanta), "vanta_person")) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert vanta.given_out == 1


def test_a_token_that_another_program_took_is_fetched_again_once(
    vanta: FakeVanta, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = connector(vanta)
    read(made, "vanta_control")
    vanta.given_out += 1  # Another program asked for a token, and ours is void.
    with pytest.raises(Unread, match="does not accept the credential"):
        read(made, "vanta_control")
    assert vanta.given_out == 2, "a young token is not fought for"
    monkeypatch.setattr("proofwatch.connectors.vanta.access.YOUNG", 0.0)
    assert len(read(made, "vanta_control")) == 5
    assert vanta.given_out == 3


def test_a_refused_token_that_another_thread_renewed_is_not_renewed_again() -> None:
    from proofwatch.connectors.rest.auth import Token

    given: list[str] = []

    def fetch() -> Token:
        given.append(f"t{len(given)}")
        return Token(given[-1], 4e9, {})

    auth = OneToken(fetch)
    auth._since = -1000.0
    assert auth.headers() == {"Authorization": "Bearer t0"}
    auth._since = -1000.0
    results: list[bool] = []
    other = threading.Thread(target=lambda: (auth.headers(), results.append(auth.renew()), auth.headers()))
    other.start()
    other.join()
    assert given == ["t0", "t1"]
    assert auth.renew() is True
    assert auth.headers() == {"Authorization": "Bearer t1"}
    assert given == ["t0", "t1"]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (Said({"error": {"message": "No", "code": "forbidden"}}, 403), f"{SCOPE} is needed.*No"),
        (Said({"error": {"message": "Gone", "code": "not_found"}}, 404), "no such thing"),
        (Said({"message": "Bad filter"}, 422), "status 422: Bad filter"),
        (Said({"message": "Slow down"}, 429, {"Retry-After": "90"}), "asks to wait 90 seconds"),
        (Said(b'{"results": {"data": [{"id"'), "no JSON"),
        (Said([]), "does not document|no results.data"),
        (Said({"data": []}), "no results.data"),
        (Said({"results": {"data": [{}], "pageInfo": {"hasNextPage": False}}}), "no id"),
        (Said({"results": {"data": [], "pageInfo": {}}}), "whether there is more"),
        (Said({"results": {"data": [], "pageInfo": {"hasNextPage": True}}}), "gives no cursor"),
        (Said(None, 302, {"Location": "https://elsewhere.example/"}), "elsewhere.example"),
    ],
)
@pytest.mark.parametrize("table", ["vanta_control", "vanta_test"])
def test_what_cannot_be_read_is_unread_with_its_reason(
    vanta: FakeVanta, said: Said, words: str, table: str
) -> None:
    vanta.broken["/v1/controls"] = vanta.broken["/v1/tests"] = said
    with pytest.raises(Unread, match=words):
        read(connector(vanta), table)


def test_a_crawl_that_breaks_off_after_some_tests_is_unread(vanta: FakeVanta) -> None:
    vanta.broken["/v1/tests/aws-iam-console-users-mfa/entities"] = Said({"message": "no"}, 403)
    made = connector(vanta)
    with pytest.raises(Unread):
        read(made, "vanta_test_entity")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"client_secret": "vcs_the_secret_itself"}, "the secret itself is never kept"),
        ({"base_url": "http://api.vanta.com/v1"}, "not encrypted"),
        ({"organisation": "x"}, "did you mean organization"),
        ({"organization": "a/b"}, "no plain name"),
    ],
)
def test_wrong_settings_are_refused_in_words(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConnectorError, match=words):
        VantaConnector.parse_settings({"client_id": "vci_1", "client_secret": "env:X", **given})


def test_no_secret_stands_in_any_row(vanta: FakeVanta) -> None:
    made = connector(vanta)
    text = repr([read(made, table) for table in NAMES])
    assert SECRET not in text
    assert "vat_" not in text


def test_vanta_and_the_company_at_aws_agree_about_people_and_differ_about_buckets(vanta: FakeVanta) -> None:
    """The demo shows one disagreement, which is meant: it must be there, and be the only one."""
    made = connector(vanta)
    without = {item.name for item in iam._PRODUCTION if item.console and not item.mfa}
    failing = [row for row in read(made, "vanta_test_entity") if row["entity_status"] == "FAILING"]
    assert {row["display_name"].rpartition("/")[2] for row in failing} == without
    assert [item.name for item in storage._PRODUCTION if not item.versions] == [
        "acme-robotics-customer-uploads",
        "acme-robotics-invoices",
    ]
    assert by(read(made, "vanta_test"), "test_id")["aws-s3-buckets-versioned"]["status"] == "OK"


def test_the_shared_token_is_renewed_over_the_connections_of_who_came_last(vanta: FakeVanta) -> None:
    class Counting(Session):
        asked = 0

        def request(self, *given: Any, **named: Any) -> Answer:
            self.asked += 1
            return super().request(*given, **named)

    settings = VantaSettings.model_validate(vanta.settings())
    earlier, later = Counting([settings.token_url]), Counting([settings.token_url])
    assert token_of(settings, earlier) is token_of(settings, later)
    token_of(settings, later).token()
    assert (earlier.asked, later.asked) == (0, 1)
