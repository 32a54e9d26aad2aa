from datetime import UTC, datetime, timedelta, timezone

import pytest

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.entry import MOST_BYTES, encode, named_objects, parse

AT = datetime(2026, 11, 23, 6, 0, 0, 5, tzinfo=UTC)
GOOD = {"kind": "sweep.finished", "actor": "system", "at": AT, "data": {"b": 1, "a": "é"}}


def test_an_entry_is_canonical_json():
    assert encode(**GOOD).decode() == (
        '{"actor":"system","at":"2026-11-23T06:00:00.000005Z","data":{"a":"é","b":1},"kind":"sweep.finished","v":1}'
    )


def test_an_entry_survives():
    entry = parse(encode(**GOOD))
    assert (entry.kind, entry.actor, entry.at, entry.data) == tuple(GOOD.values())


def test_time_is_kept_in_utc():
    at = AT.astimezone(timezone(timedelta(hours=5)))
    assert encode(**{**GOOD, "at": at}) == encode(**GOOD)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "nonsense"},
        {"actor": ""},
        {"at": datetime(2026, 1, 1)},  # noqa: DTZ001 - that it has no zone is what is tested
        {"data": {"x": float("nan")}},
        {"data": {"x": 2**60}},
        {"data": {"x": b"bytes"}},
        {"data": {"x": "y" * MOST_BYTES}},
    ],
)
def test_what_cannot_be_an_entry_is_refused(change):
    with pytest.raises(EvidenceError):
        encode(**{**GOOD, **change})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"v":1', b'"v":2'),
        (b'"a":"', b'"a": "'),
        (b'"actor":"system",', b""),
        (b"}", b"}}"),
        (b"2026-11-23T", b"2026-11-23 "),
        (b'"b":1', b'"b":1.0'),
        (b'"actor"', b'"aktor"'),
    ],
)
def test_what_encode_would_not_have_written_is_refused(old, new):
    data = encode(**GOOD)
    assert old in data
    with pytest.raises(EvidenceError):
        parse(data.replace(old, new, 1))


def test_named_objects_are_found_at_any_depth():
    one, two = "a" * 64, "b" * 64
    data = {"manifest": one, "tables": [{"base": two, "digest": "c" * 64}], "results": "short"}
    assert list(named_objects(data)) == [one, two]
