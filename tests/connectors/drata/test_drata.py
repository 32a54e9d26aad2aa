"""The connector against the fake over HTTP: who, every table, both ways of paging, what cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from proofwatch.connectors.base import EVERY, ConnectorError, ReadStats, Row, Shard, Unread
from proofwatch.connectors.drata import DrataConnector
from proofwatch.connectors.drata.tables import TABLES as DECLARED
from proofwatch.demo.fakes.base import Said
from proofwatch.demo.fakes.drata import KEY, FakeDrata

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TESTS = "/public/v2/workspaces/1/monitoring-tests"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_DRATA_KEY", KEY)


@pytest.fixture
def drata() -> Iterator[FakeDrata]:
    with FakeDrata(NOW) as fake:
        assert isinstance(fake, FakeDrata)
        yield fake


def connector(fake: FakeDrata, **more: Any) -> DrataConnector:
    return DrataConnector(DrataConnector.parse_settings({**fake.settings(), **more}))


def read(made: DrataConnector, table: str, account: str = "1", stats: ReadStats | None = None) -> list[Row]:
    return list(made.read(Shard(account, "global", "workspace", (table,)), table, stats or ReadStats()))


def test_it_says_whose_key_it_is_and_that_its_rights_cannot_be_told(drata: FakeDrata) -> None:
    made = connector(drata)
    assert made.identity().account_id == "Acme Robotics"
    proof = made.prove_read_only()
    assert proof.read_only is None
    assert "'All read'" in proof.reason


def test_each_workspace_is_a_place_beside_the_company(drata: FakeDrata) -> None:
    reason = [{"id": "2", "reason": "sold in March"}]
    places = {
        place.account_id: place.gap for place in connector(drata, exclude_workspaces=reason).scope().places
    }
    assert places == {"company": "", "1": "", "2": "sold in March"}
    scope = connector(drata, workspaces="1, 9").scope()
    assert {place.account_id: (place.gap, place.wanted) for place in scope.places} == {
        "company": ("", False),
        "1": ("", False),
        "2": ("it was not chosen in the settings", False),
        "9": ("Drata does not list it for this key", True),
    }
    drata.broken["/public/v2/workspaces"] = Said({"message": "Forbidden"}, 403)
    scope = connector(drata).scope()
    assert scope.unlisted == (EVERY,)
    assert "Workspaces: List Workspaces is needed" in scope.unknown[0]
    for body in (None, {}, {"data": [{"name": "no id"}]}):
        drata.broken["/public/v2/workspaces"] = Said(body)
        scope = connector(drata).scope()
        assert scope.unlisted == (EVERY,) and "does not document" in scope.unknown[0]


def test_tables_are_planned_where_they_belong(drata: FakeDrata) -> None:
    made = connector(drata)
    planned = {
        (shard.account_id, table)
        for shard in made.shards(made.scope(), sorted(made.tables()))
        for table in shard.tables
    }
    assert ("company", "drata_device") in planned
    assert ("1", "drata_control") in planned and ("2", "drata_control") in planned
    assert ("1", "drata_device") not in planned and ("company", "drata_control") not in planned
    assert not {table for _, table in planned} & {"drata_event"}
    made = connector(drata, event_days=7)
    shards = made.shards(made.scope(), ["drata_event"])
    assert [(shard.account_id, shard.tables) for shard in shards] == [("company", ("drata_event",))]


def test_every_permission_is_tried(drata: FakeDrata) -> None:
    made = connector(drata)
    drata.broken["/public/v2/devices"] = Said({"message": "Forbidden resource"}, 403)
    found = {(item.account_id, item.name): item for item in made.permissions(sorted(made.tables()))}
    assert found["1", "Controls: List Controls"].allowed is True
    assert found["company", "Devices: List Devices"].allowed is False
    assert "Forbidden resource" in found["company", "Devices: List Devices"].how


def test_every_table_is_read_whole_by_pages(drata: FakeDrata) -> None:
    made, stats = connector(drata, event_days=7), ReadStats()
    counts = {
        (place.account_id, name): len(read(made, name, place.account_id, stats))
        for place in made.scope().places
        for name, table in ((table.name, table) for table in DECLARED)
        if made.applies(table, place.account_id)
    }
    assert counts == {
        ("company", "drata_connection"): 3,
        ("company", "drata_device"): 7,
        ("company", "drata_event"): 4,
        ("company", "drata_personnel"): 8,
        ("company", "drata_workspace"): 2,
        ("1", "drata_control"): 5,
        ("1", "drata_evidence"): 4,
        ("1", "drata_monitoring_test"): 5,
        ("1", "drata_test_exclusion"): 2,
        ("1", "drata_test_result"): 3,
        ("2", "drata_control"): 5,
        ("2", "drata_evidence"): 4,
        ("2", "drata_monitoring_test"): 5,
        ("2", "drata_test_exclusion"): 0,
        ("2", "drata_test_result"): 0,
    }
    assert any("cursor" in asked.query for asked in drata.asked)
    for account, name in counts:
        rows = read(made, name, account)
        assert len({row["resource"] for row in rows}) == len(rows)
        assert not any(row["_unread"] for row in rows), name


def test_a_verdict_keeps_dratas_word_time_and_cadence(drata: FakeDrata) -> None:
    rows = {row["test_id"]: row for row in read(connector(drata), "drata_monitoring_test")}
    bad = rows[88]
    assert (bad["check_status"], bad["check_result_status"]) == ("ENABLED", "FAILED")
    assert bad["judged_at"] == datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert (bad["check_types"], bad["controls"]) == (["INFRASTRUCTURE"], ["DCF-88"])
    assert (rows[93]["check_frequency"], rows[93]["cadence_hours"]) == ("WEEKLY", 168)
    assert rows[92]["disabled_by"] == "katherine@acme-robotics.example"


def test_where_version_1_does_not_know_a_test_each_is_asked_by_itself(drata: FakeDrata) -> None:
    rows = read(connector(drata), "drata_monitoring_test", "2")
    assert {row["judged_at"] for row in rows if row["check_status"] == "ENABLED"} == {
        datetime(2026, 11, 20, 9, tzinfo=UTC)
    }
    assert {row["cadence_hours"] for row in rows} == {None}
    with FakeDrata(NOW, version_1=False) as older:
        assert isinstance(older, FakeDrata)
        rows = read(connector(older), "drata_monitoring_test")
        asked = [item.path for item in older.asked if item.path.endswith("/failures")]
    assert len(rows) == 5
    assert len(asked) == 4


def test_the_time_of_a_verdict_that_cannot_be_read_is_unknown(drata: FakeDrata) -> None:
    drata.broken["/public/v2/workspaces/2/monitoring-tests/90/failures"] = Said({"message": "no"}, 403)
    rows = {row["test_id"]: row for row in read(connector(drata), "drata_monitoring_test", "2")}
    assert "denies it" in rows[90]["_unread"]["judged_at"]
    assert rows[91]["_unread"] is None


def test_what_passes_is_read_when_wished(drata: FakeDrata) -> None:
    rows = read(connector(drata, passes=True), "drata_test_result")
    assert {row["resource_name"]: row["outcome"] for row in rows} == {
        "linus": "FAILED",
        "departed-contractor": "FAILED",
        "temporary-admin": "FAILED",
        "ada": "PASSED",
        "grace": "PASSED",
        "margaret": "PASSED",
    }
    assert rows[0]["resource_arn"] == "arn:aws:iam::123456789012:user/linus"
    assert rows[0]["judged_at"] == datetime(2026, 11, 20, 9, tzinfo=UTC)


def test_pages_that_are_too_large_are_asked_for_smaller() -> None:
    with FakeDrata(NOW, largest=50) as fake:
        assert isinstance(fake, FakeDrata)
        assert len(read(connector(fake), "drata_control")) == 5
        sizes = [asked.query["size"] for asked in fake.asked]
    assert sizes == ["500", "50", "50"]


def test_version_1_is_paged_by_number(drata: FakeDrata) -> None:
    many = [{"id": number, "testId": number, "lastCheck": "2026-11-20T09:00:00Z"} for number in range(120)]
    drata.route("GET /public/monitors", drata._by_number(many))
    drata._routes.insert(0, drata._routes.pop())
    read(connector(drata), "drata_monitoring_test")
    pages = [asked.query["page"] for asked in drata.asked if asked.path == "/public/monitors"]
    assert pages == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (Said({"message": "Invalid API key"}, 401), "does not accept the credential: Invalid API key"),
        (Said({"message": "Your plan has no such resource"}, 402), "status 402: Your plan"),
        (Said({"message": "Forbidden resource"}, 403), "is needed.*Forbidden resource"),
        (Said({"message": "Cannot GET"}, 404), "no such thing"),
        (Said({"message": "Terms not accepted"}, 412), "status 412: Terms"),
        (Said({"message": "size is wrong"}, 400), "status 400: size"),
        (Said({"message": "Too many"}, 429, {"Retry-After": "90"}), "asks to wait 90 seconds"),
        (Said(b'{"data": [{"id"'), "no JSON"),
        (Said({"data": []}), "no list with its pages"),
        (Said({"items": [], "pagination": {"cursor": None}}), "no list"),
        (Said({"data": [{}], "pagination": {"cursor": None}}), "no testId|no id"),
        (Said(None, 302, {"Location": "https://elsewhere.example/"}), "elsewhere.example"),
    ],
)
@pytest.mark.parametrize("table", ["drata_control", "drata_monitoring_test"])
def test_what_cannot_be_read_is_unread_with_its_reason(
    drata: FakeDrata, said: Said, words: str, table: str
) -> None:
    drata.broken["/public/v2/workspaces/1/controls"] = drata.broken[TESTS] = said
    with pytest.raises(Unread, match=words):
        read(connector(drata), table)


def test_a_page_that_is_missing_in_the_middle_leaves_nothing(drata: FakeDrata) -> None:
    short = {"data": [], "page": 2, "limit": 50, "total": 120}
    drata.broken["/public/connections"] = Said(short)
    with pytest.raises(Unread, match="counts 120 items"):
        read(connector(drata), "drata_connection", "company")
    drata.broken[f"{TESTS}/88/failures"] = Said({"message": "no"}, 403)
    with pytest.raises(Unread):
        read(connector(drata), "drata_test_result")


def test_a_wrong_key_is_told_in_dratas_words_and_not_repeated(
    drata: FakeDrata, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMO_DRATA_KEY", "key-of-another")
    with pytest.raises(ConnectorError, match="Invalid API key") as caught:
        connector(drata).identity()
    assert "key-of-another" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"api_key": "the-key-itself"}, "the secret itself is never kept"),
        ({"region": "moon"}, "region"),
        ({"workspaces": "Acme"}, "no id of a workspace"),
        ({"base_url": "http://public-api.drata.com"}, "not encrypted"),
        ({"workspace": "1"}, "did you mean workspaces"),
    ],
)
def test_wrong_settings_are_refused_in_words(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConnectorError, match=words):
        DrataConnector.parse_settings({"api_key": "env:X", **given})


def test_the_steps_name_every_right_and_the_addresses_are_dratas() -> None:
    [document] = DrataConnector.documents()
    for table in DrataConnector.tables().values():
        assert all(right in document.text for right in table.permissions)
    hosts = {
        name: DrataConnector.parse_settings({"api_key": "env:X", "region": name}).host  # type: ignore[attr-defined]
        for name in ("us", "eu", "apac")
    }
    assert hosts == {
        "us": "https://public-api.drata.com",
        "eu": "https://public-api.eu.drata.com",
        "apac": "https://public-api.apac.drata.com",
    }


def test_a_tenant_with_the_older_library_of_evidence_is_read_there(drata: FakeDrata) -> None:
    no = Said({"message": "Multiple artifacts are not enabled for this account"}, 403)
    drata.broken["/public/v2/workspaces/1/evidence"] = no
    with pytest.raises(Unread, match="Multiple artifacts are not enabled"):
        read(connector(drata), "drata_evidence")
    old = {"id": 4, "name": "Report", "isExpired": True, "renewalSchema": {"renewalDate": "2026-11-01"}}
    page = {"data": [old], "pagination": {"cursor": None}}
    drata.broken["/public/v2/workspaces/1/evidence-library"] = Said(page)
    [row] = read(connector(drata), "drata_evidence")
    assert (row["is_expired"], row["status"]) == (True, None)
    assert row["renewal_date"] == datetime(2026, 11, 1, tzinfo=UTC)


def test_the_pace_is_that_of_an_address(drata: FakeDrata) -> None:
    one, other = connector(drata), connector(drata, api_key="env:ANOTHER_KEY")
    elsewhere = connector(drata, base_url="https://public-api.eu.drata.com")
    assert one.api("1").pace is one.api("company").pace is other.api("1").pace is not None
    assert one.api("1").pace is not elsewhere.api("1").pace
