from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from proofwatch.connectors.base import Column
from proofwatch.connectors.values import Misfit, Shaper, converter, plain

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "value", "made"),
    [
        ("VARCHAR", "x", "x"),
        ("VARCHAR", True, "true"),
        ("VARCHAR", 7, "7"),
        ("BOOLEAN", "FALSE", False),
        ("BIGINT", "12", 12),
        ("BIGINT", 3.0, 3),
        ("DOUBLE", 3, 3.0),
        ("TIMESTAMPTZ", datetime(2026, 1, 2, 14, 0, tzinfo=timezone(timedelta(hours=2))), NOON),
        ("TIMESTAMPTZ", "2026-01-02T12:00:00Z", NOON),
        ("TIMESTAMPTZ", "2026-01-02T12:00:00+00:00", NOON),
        ("JSON", '{"a": [1]}', {"a": [1]}),
        ("JSON", "%7B%22a%22%3A%201%7D", {"a": 1}),
        ("JSON", {"At": NOON}, {"At": "2026-01-02T12:00:00Z"}),
        ("VARCHAR[]", ["a", None], ["a", None]),
        ("MAP(VARCHAR, BIGINT)", {"a": 1}, {"a": 1}),
        ("MAP(VARCHAR, VARCHAR)", [{"Key": "a", "Value": "b"}, {"Key": "c"}], {"a": "b", "c": ""}),
        ("MAP(VARCHAR, VARCHAR)", [{"TagKey": "a", "TagValue": "b"}], {"a": "b"}),
        ("MAP(VARCHAR, VARCHAR)", [], {}),
        (
            'STRUCT("group" VARCHAR, a STRUCT(b BIGINT, c VARCHAR[])[], m MAP(VARCHAR, VARCHAR[]))',
            {"Group": "all", "A": [{"B": 1, "C": ["x"]}], "M": {"k": ["v"]}, "New": 1},
            {"group": "all", "a": [{"b": 1, "c": ["x"]}], "m": {"k": ["v"]}},
        ),
    ],
)
def test_a_value_becomes_what_its_type_wants(kind: str, value: Any, made: Any) -> None:
    found = converter(kind)(value)
    assert found == made
    assert type(found) is type(made)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("BOOLEAN", "yes"),
        ("BOOLEAN", 1),
        ("BIGINT", True),
        ("BIGINT", 1.5),
        ("BIGINT", "many"),
        ("DOUBLE", "x"),
        ("VARCHAR", {"a": 1}),
        ("TIMESTAMPTZ", "soon"),
        ("TIMESTAMPTZ", 5),
        ("JSON", "{broken"),
        ("VARCHAR[]", "x"),
        ("MAP(VARCHAR, VARCHAR)", "x"),
        ("MAP(VARCHAR, VARCHAR)", [{"What": "a"}]),
        ("STRUCT(a BIGINT)", [1]),
    ],
)
def test_a_value_that_does_not_fit_is_refused_not_bent(kind: str, value: Any) -> None:
    with pytest.raises(Misfit, match="was expected"):
        converter(kind)(value)


def test_the_refusal_shows_only_the_beginning_of_a_value() -> None:
    with pytest.raises(Misfit) as caught:
        converter("BIGINT")("9" * 30 + "x" * 5000)
    assert len(str(caught.value)) < 150


def test_a_shaper_fills_known_columns_and_names_the_unread_ones() -> None:
    shaper = Shaper(
        [Column("volume_id", "VARCHAR"), Column("size", "BIGINT"), Column("item_region", "VARCHAR")]
    )
    row: dict[str, Any] = {}
    unread: dict[str, str] = {}
    shaper.fill(row, {"VolumeId": "v", "Size": "big", "Region": "r", "Newer": 1, "Empty": None}, unread)
    assert row == {"volume_id": "v", "item_region": "r"}
    assert unread == {"size": "the answer has str 'big' where BIGINT was expected"}


def test_bytes_inside_of_json_are_base64_and_other_things_are_refused() -> None:
    """A web ACL's search string is binary."""
    assert plain({"a": [b"x/y"]}) == {"a": ["eC95"]}
    with pytest.raises(Misfit):
        plain({"a": {1, 2}})
