"""Tables of more than one call: parents, second calls, things that are there once."""

import pytest

from proofwatch.connectors.base import Unread
from proofwatch.connectors.rest.collect import path_of
from proofwatch.demo.fakes.base import Said
from tests.connectors.rest.source import Things, refused, rows


@pytest.fixture
def things(fake):
    fake.route("GET /things", lambda asked: Said([{"id": "a/b"}, {"id": ".."}, {"id": "c"}]))
    return fake


def test_a_child_is_listed_for_each_item_of_its_parent(things):
    things.route("GET /things/{id...}/parts", lambda asked: Said([{"no": 1}, {"no": 2}]))
    found = rows(things, "things_part")
    assert [row["resource"] for row in found] == ["a/b/1", "a/b/2", "../1", "../2", "c/1", "c/2"]
    assert found[0]["parent_id"] == "a/b"
    paths = [asked.path for asked in things.asked]
    assert paths[1:] == ["/things/a%2Fb/parts", "/things/%2E%2E/parts", "/things/c/parts"]


def test_one_child_that_fails_makes_its_table_unread(things):
    things.route("GET /things/c/parts", lambda asked: Said({}, 403))
    things.route("GET /things/{id...}/parts", lambda asked: Said([]))
    assert refused(things, "things_part").permission == "parts: read"


def test_second_calls_fill_columns_and_a_refusal_is_named_in_the_row(things):
    things.route("GET /things/c/lock", lambda asked: Said(None, 204))
    things.route("GET /things/%2E%2E/lock", lambda asked: Said({"message": "no"}, 403))
    things.route("GET /things/{id...}/keys", lambda asked: Said([{"k": "x"}, {"k": "y"}]))
    first, second, third = rows(things, "things_detail")
    assert (first["is_locked"], first["keys"], first["_unread"]) == (False, ["x", "y"], None)
    assert second["is_locked"] is None and "locks: read is needed" in second["_unread"]["is_locked"]
    assert second["keys"] == ["x", "y"] and third["is_locked"] is True


def test_what_concerns_the_whole_provider_is_not_asked_for_every_row(fake):
    fake.route("GET /things", lambda asked: Said([{"id": f"t{number}"} for number in range(60)]))
    fake.route("GET /things/{id}/lock", lambda asked: Said({}, 404))
    fake.route("GET /things/{id}/keys", lambda asked: Said({"message": "expired"}, 401))
    found = rows(fake, "things_detail")
    assert len(found) == 60 and all(
        "does not accept the credential" in row["_unread"]["keys"] for row in found
    )
    assert "then no more" in found[-1]["_unread"]["keys"]
    assert len([asked for asked in fake.asked if asked.path.endswith("/keys")]) < 12


def test_a_value_that_does_not_fit_is_unread_and_the_rest_is_kept(fake):
    fake.route("GET /things", lambda asked: Said([{"id": "a", "size": "many", "owner": None}]))
    (row,) = rows(fake, "things_thing")
    assert row["size"] is None and "BIGINT was expected" in row["_unread"]["size"] and row["owner"] is None


def test_what_is_there_once_may_be_absent(fake):
    (row,) = rows(fake, "things_policy")
    assert (row["exists"], row["level"], row["_unread"]) == (False, None, None)
    fake.route("GET /policy", lambda asked: Said({"level": "high"}))
    (row,) = rows(fake, "things_policy")
    assert (row["exists"], row["level"]) == (True, "high")
    fake.broken["/policy"] = Said({}, 403)
    assert refused(fake, "things_policy").code == "403"


@pytest.mark.parametrize(
    "body", [{}, {"result": {}}, {"result": None}, {"error": "x"}, {"result": {"data": None}}]
)
def test_an_answer_without_its_list_is_no_empty_list(fake, body):
    fake.route("GET /boxed", lambda asked: Said(body))
    error = refused(fake, "things_boxed")
    assert error.code == "schema" and "result.data" in error.problem
    assert rows(fake, "things_sparing") == [], "a provider that leaves empty lists out says so in the table"


def test_a_listing_that_is_absent_is_empty_and_one_that_breaks_off_is_unread(fake):
    assert rows(fake, "things_boxed") == []
    link = {"Link": '</gone>; rel="next"'}
    fake.route("GET /boxed", lambda asked: Said({"result": {"data": [{"id": "a"}]}}, 200, link))
    assert refused(fake, "things_boxed").code == "404"


def test_a_second_call_without_its_list_leaves_the_column_unread(fake):
    fake.route("GET /things", lambda asked: Said([{"id": "a"}]))
    fake.route("GET /things/{id}/keys", lambda asked: Said({"keys": []}))
    (row,) = rows(fake, "things_detail")
    assert row["keys"] is None and "no list for" in row["_unread"]["keys"]


@pytest.mark.parametrize("body", [b"null", b"[]", b""])
def test_one_thing_that_is_none_is_unread_and_not_absent(fake, body):
    fake.route("GET /policy", lambda asked: Said(body))
    assert refused(fake, "things_policy").code == "schema"


def test_no_name_of_a_resource_leads_to_another_path():
    assert path_of("/a/{x}", {"x": "../admin"}) == "/a/..%2Fadmin"
    assert path_of("/a/{+x}/z", {"x": "o/r?x#y"}) == "/a/o/r%3Fx%23y/z"
    assert path_of("/a/{+x}", {"x": "o/../r"}) == "/a/o/%2E%2E/r"


def test_permissions_are_tried_by_name(things):
    things.route("GET /things/{id...}/parts", lambda asked: Said({"message": "no"}, 403))
    connector = Things(Things.parse_settings({"base_url": things.url}))
    found = {item.name: item for item in connector.permissions(sorted(connector.tables()))}
    assert found["things: read"].allowed is True and found["parts: read"].allowed is False
    assert "parts: read is needed" in found["parts: read"].how


def test_a_table_that_is_not_declared_is_refused(fake):
    with pytest.raises(Exception, match="Things has no table"):
        rows(fake, "things_nothing")
    assert issubclass(Unread, Exception)
