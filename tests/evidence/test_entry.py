import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.entry import MOST_BYTES, encode, named_objects, object_ref, parse
from proofwatch.evidence.kinds import KINDS

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
        {"kind": "sweep.finishd"},
        {"kind": "sweep.finished\n"},
        {"actor": ""},
        {"at": datetime(2026, 1, 1)},  # noqa: DTZ001 - that it has no zone is what is tested
        {"data": {"x": float("nan")}},
        {"data": {"x": 2**60}},
        {"data": {"x": 1e16}},
        {"data": {"x": "\ud800"}},
        {"data": {1: "x"}},
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
        (b'"v":1', b'"v":true'),
        (b'"v":1', b'"v":1.0'),
        (b'"v":1', b'"v":1,"v":1'),
        (b'{"actor"', b'\xef\xbb\xbf{"actor"'),
        (b'"v":1}', b'"v":1}\n'),
        (b".000005Z", b".000005+00:00"),
        (b".000005Z", b".00000Z"),
        (b".000005Z", b"Z"),
        (b"2026-11-23T06", b"2026-11-31T06"),
        (b"2026-11-23T06", b"2026-11-23T24"),
        (b"2026", "٢٠٢٦".encode()),
        (b"sweep.finished", b"sweep.finished\\n"),
        (b'"data":{', b'"data":[{'),
        (b'"b":1', b'"b":1' + b"0" * 5000),
        (b'"b":1', b'"b":NaN'),
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


def test_an_entry_fits_the_length_of_a_bundle_whatever_it_says():
    with pytest.raises(EvidenceError, match="more than 64000"):
        encode(**{**GOOD, "data": {"x": "é" * (MOST_BYTES // 2)}})
    whole = encode(**{**GOOD, "data": {"x": ""}})
    most = encode(**{**GOOD, "data": {"x": "y" * (MOST_BYTES - len(whole))}})
    assert len(most) == MOST_BYTES
    assert parse(most).kind == "sweep.finished"
    with pytest.raises(EvidenceError, match="more than 64000"):
        parse(most + b" ")


def test_an_entry_nested_too_deeply_is_refused():
    deep = {}
    for _ in range(20_000):
        deep = {"x": deep}
    with pytest.raises(EvidenceError, match="nested too deeply"):
        encode(**{**GOOD, "data": deep})
    with pytest.raises(EvidenceError):
        parse(
            b'{"actor":"a","at":"x","data":' + b'{"x":' * 9000 + b"1" + b"}" * 9000 + b',"kind":"a.b","v":1}'
        )


def test_a_misspelt_kind_is_told_the_nearest():
    with pytest.raises(EvidenceError, match=r"Did you mean 'sweep\.finished'"):
        encode(**{**GOOD, "kind": "sweep.finishd"})


def test_every_kind_is_described_and_well_formed():
    for kind, text in KINDS.items():
        assert parse(encode(**{**GOOD, "kind": kind})).kind == kind
        assert text[0].isupper() and text.endswith(".")


def test_a_kind_of_a_later_version_is_still_read():
    assert parse(encode(**GOOD).replace(b"sweep.finished", b"sweep.reviewed")).kind == "sweep.reviewed"


def test_an_object_is_named_with_its_size_and_role():
    reference = object_ref("a" * 64, 12, "time-stamp")
    assert reference == {"sha256": "a" * 64, "bytes": 12, "role": "time-stamp"}
    assert list(named_objects({"anything": [reference]})) == ["a" * 64]
    assert list(named_objects({"base": {"sha256": "b" * 64, "bytes": 1}})) == ["b" * 64]
    assert list(named_objects({"control_list": {"sha256": "b" * 64}})) == []


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_in_words(data):
    with pytest.raises(EvidenceError):
        parse(data)


SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text()
JSON = st.recursive(
    SCALARS,
    lambda below: st.lists(below) | st.dictionaries(st.text(), below) | st.tuples(below),
    max_leaves=12,
)


@given(st.dictionaries(st.text() | st.sampled_from(["\ue000", "\U0001f600", "A", "a"]), JSON))
def test_the_canonical_form_is_always_that_of_rfc_8785(data):
    body = {"v": 1, "kind": "log.noted", "actor": "me", "at": "2026-11-23T06:00:00.000005Z", "data": data}
    try:
        expected = rfc8785.dumps(body)
        rfc8785.dumps(json.loads(expected))
    except (rfc8785.CanonicalizationError, ValueError):
        expected = None  # not JSON, or a float that reads back as a whole number over 2**53
    if expected is None:
        with pytest.raises(EvidenceError):
            encode(kind="log.noted", actor="me", at=AT, data=data)
    else:
        assert encode(kind="log.noted", actor="me", at=AT, data=data) == expected
        assert rfc8785.dumps(dict(parse(expected).data)) == rfc8785.dumps(data)


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=4), st.sampled_from([True, False]))
def test_only_the_canonical_form_is_read(data, ascii_only):
    body = {"v": 1, "kind": "log.noted", "actor": "me", "at": "2026-11-23T06:00:00.000005Z", "data": data}
    written = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=ascii_only)
    try:
        given_bytes = written.encode()
        canonical = rfc8785.dumps(body) == given_bytes
    except (rfc8785.CanonicalizationError, ValueError):
        return
    if canonical:
        assert parse(given_bytes).kind == "log.noted"
    else:
        with pytest.raises(EvidenceError):
            parse(given_bytes)
