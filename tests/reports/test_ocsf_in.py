"""OCSF in: each verdict is what its source said, everything is kept, and a broken file leaves nothing."""

import gzip
import json
from datetime import UTC, datetime

import pytest

from proofwatch.evidence.verify import verify_log
from proofwatch.reports import json_records, ocsf_in
from proofwatch.reports.json_records import RecordError, read_records
from proofwatch.reports.ocsf import write_ocsf
from proofwatch.reports.ocsf_in import import_file, read_ocsf
from proofwatch.store.base import StoreError
from proofwatch.store.models import Assertion, Import
from proofwatch.store.services import imports
from tests.reports import prowler
from tests.reports.test_ocsf import ROWS
from tests.reports.world import World
from tests.store.samples import NOW, Folder, entries


@pytest.fixture
def objects(tmp_path):
    folder = tmp_path / "objects"
    folder.mkdir()
    return Folder(folder)


def put(path, *records, lines=False, pack=False, indent=4):
    text = "\n".join(map(json.dumps, records)) if lines else json.dumps(records, indent=indent)
    path.write_bytes(gzip.compress(text.encode()) if pack else text.encode())
    return path


def take(path, objects, product="", **values):
    return import_file(path, objects, product=product, actor="ana", now=NOW, **values)


def verdict(tmp_path, *records, product=""):
    return next(iter(read_ocsf(put(tmp_path / "one.json", *records), product)))


@pytest.mark.parametrize(
    ("record", "status", "raw"),
    [
        (prowler.finding("PASS"), "pass", "PASS"),
        (prowler.finding("FAIL"), "fail", "FAIL"),
        (prowler.finding("MANUAL"), "inconclusive", "MANUAL"),
        (prowler.finding("MUTED"), "inconclusive", "MUTED"),
        (prowler.finding("pASS "), "pass", "pASS"),
        (prowler.finding("OK"), "inconclusive", "OK"),
        (prowler.finding(""), "inconclusive", "New"),
        (prowler.finding(True), "inconclusive", "New"),
        (prowler.muted(), "fail", "FAIL (Suppressed)"),
        (prowler.finding("PASS", compliance={"status_id": 3}), "fail", "status_id 3"),
        (prowler.security_hub("FAILED"), "fail", "FAILED"),
        (prowler.security_hub("PASSED"), "pass", "PASSED"),
        (prowler.security_hub("WARNING"), "inconclusive", "WARNING"),
        (prowler.security_hub("NOT_AVAILABLE"), "inconclusive", "NOT_AVAILABLE"),
        (prowler.security_hub(compliance={"status_id": 1}), "fail", "FAILED"),
    ],
)
def test_a_verdict_is_what_its_source_says(tmp_path, record, status, raw):
    found = verdict(tmp_path, record)
    assert (found.status, found.raw_status) == (status, raw)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"status_id": 1}, "pass"), ({"status_id": 3}, "fail"), ({"status_id": 2}, "inconclusive"),
        ({"status_id": 0}, "inconclusive"), ({"status_id": 99, "status": "PASSED"}, "pass"),
        ({"status_id": 1, "status": "Fail"}, "inconclusive"), ({"status_id": True}, "inconclusive"),
        ({}, "inconclusive"), ({"status_id": "1"}, "inconclusive"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_or_is_unknown_never_passes(tmp_path, said, status):
    record = prowler.security_hub()
    record["compliance"] = said
    found = verdict(tmp_path, record)
    assert found.status == status
    assert all(str(value) in found.raw_status for value in said.values()) or len(said) < 2 or status == "pass"


def test_the_time_of_the_verdict_is_read_in_seconds_and_in_milliseconds(tmp_path):
    at = datetime.fromtimestamp(prowler.AT, UTC)
    assert verdict(tmp_path, prowler.finding()).asserted_at == at
    assert verdict(tmp_path, prowler.security_hub()).asserted_at == at.replace(microsecond=250_000)
    silent = prowler.finding()
    del silent["time"]
    assert verdict(tmp_path, silent).asserted_at is None  # its text has no zone
    assert verdict(tmp_path, {**silent, "time_dt": "2026-09-21T16:13:20+02:00"}).asserted_at == at


def test_the_fields_come_from_where_each_product_has_them(tmp_path):
    found = verdict(tmp_path, prowler.finding())
    assert (found.product, found.check_id) == ("Prowler", "ec2_ebs_volume_encryption")
    assert found.resource == "arn:aws:ec2:eu-west-1:111111111111:volume/vol-1"
    assert (found.account_id, found.region, found.severity) == ("111111111111", "eu-west-1", "medium")
    pod = verdict(tmp_path, prowler.kubernetes())
    assert (pod.account_id, pod.region, pod.status) == ("", "", "pass")
    hub = verdict(tmp_path, prowler.security_hub())
    assert (hub.product, hub.check_id) == ("Security Hub", "EC2.7")
    several = prowler.finding(resources=[{"uid": "a"}, {"uid": "b"}, {"uid": "c"}])
    assert verdict(tmp_path, several).resource == "a and 2 more"
    assert verdict(tmp_path, prowler.finding(), product="Ours").product == "Ours"


@pytest.mark.parametrize("lines", [True, False])
@pytest.mark.parametrize("pack", [True, False])
def test_every_record_is_kept_whole_with_its_file(database_url, tmp_path, objects, lines, pack):
    records = [prowler.finding("PASS"), prowler.muted(), prowler.kubernetes()]
    path = put(tmp_path / "found.ocsf.json", *records, lines=lines, pack=pack)
    done = take(path, objects)
    assert dict(done.counts) == {"pass": 2, "fail": 1, "inconclusive": 0}
    kept = list(Assertion.objects.order_by("place"))
    assert [row.raw for row in kept] == records and [row.place for row in kept] == [0, 1, 2]
    assert objects.get(done.row.object) == path.read_bytes()
    assert kept[0].asserted_at == datetime.fromtimestamp(prowler.AT, UTC) != done.row.at == NOW
    data = entries("import.made")[0]["data"]
    reference = {"sha256": done.row.object, "bytes": path.stat().st_size, "role": "import"}
    assert (data["kept"], data["product"], data["count"]) == (reference, "Prowler", 3)


def test_the_same_file_again_changes_nothing(database_url, tmp_path, objects):
    path = put(tmp_path / "found.json", prowler.finding())
    first, again = take(path, objects), take(path, objects, "Prowler")
    assert again.again and again.row == first.row
    assert (Import.objects.count(), Assertion.objects.count(), len(entries("import.made"))) == (1, 1, 1)
    with pytest.raises(StoreError, match="asserted by Prowler"):
        take(path, objects, "Someone else")


def test_our_own_findings_come_back_as_they_were(database_url, tmp_path):
    world = World(tmp_path / "objects")
    world.sweep(ROWS)
    path = tmp_path / "ours.jsonl"
    write_ocsf(path, world.objects, world.cache, world.origin())
    ours = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    take(path, world.objects)
    known = {"pass", "fail", "inconclusive"}
    assert len(ours) == 5
    for row, item in zip(Assertion.objects.order_by("place"), ours, strict=True):
        code = item["compliance"]["status_code"]
        assert (row.status, row.raw_status) == (code if code in known else "inconclusive", code)
        assert (row.raw, row.product, row.check_id) == (item, "Proofwatch", item["metadata"]["event_code"])
        assert row.account_id == "111111111111" and row.asserted_at == world.now


BROKEN = [
    ('[{"class_uid": 2004,\n "a": }]', "line 1: record 1, which begins here, is broken"),
    ("", "it is empty"),
    ("[1]", "record 1 is no JSON object"),
    ("[]\n[", "something stands after its array"),
    ('{"class_uid": 6003}', "class_uid is 6003"),
    ("{}", "class_uid is null"),
    ('{"class_uid": 2004, "class_uid": 2003}', "stands twice"),
    ('{"class_uid": 2004, "time": NaN}', "NaN is no JSON"),
    ('{"class_uid": 2004, "time": 1e999}', "too large"),
    ('{"class_uid": 2004, "a": ' + "9" * 5000 + "}", "broken"),
    ('{"class_uid": 2004, "a": ' + "[" * 100_000 + "}", "nested too deeply"),
    (json.dumps(prowler.finding(time="now")), "time is no number"),
    (json.dumps(prowler.finding(time=10**40)), "time is out of range"),
    (json.dumps(prowler.finding(metadata={})), "which product asserts it"),
    (json.dumps(prowler.finding(metadata={"product": {"name": "P"}}, finding_info={})), "no check"),
    (json.dumps(prowler.finding(check="c" * 201)), "its check is longer than 200"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), BROKEN, ids=[said for _, said in BROKEN])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_broken_record_is_named_and_nothing_is_taken_in(database_url, tmp_path, objects, text, said):
    path = tmp_path / "broken.json"
    path.write_text(text, "utf-8")
    with pytest.raises(RecordError, match=r"^reading ") as caught:
        take(path, objects)
    assert said in str(caught.value)
    assert not Import.objects.exists() and not Assertion.objects.exists() and not entries("import.made")
    assert not list(objects.folder.iterdir())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_line_is_that_of_the_broken_record(database_url, tmp_path, objects):
    good = [json.dumps(prowler.finding(), indent=1) for _ in range(3)]
    path = tmp_path / "broken.json"
    path.write_text("[\n" + ",\n".join(good) + ',\n{"class_uid": 2004, "message": "\u0001"}]', "utf-8")
    line = 2 + sum(text.count("\n") + 1 for text in good)
    with pytest.raises(RecordError, match=f"line {line}: record 4"):
        take(path, objects)
    data = gzip.compress(json.dumps([prowler.finding()] * 50).encode())
    for cut in (data[:-20], data[:-1], b"\x1f\x8bnonsense"):
        path.write_bytes(cut)
        with pytest.raises(RecordError, match="gzip archive is broken"):
            take(path, objects)
    path.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(RecordError, match="not UTF-8"):
        take(path, objects)
    assert not Import.objects.exists()


def test_a_failure_while_storing_leaves_nothing(database_url, tmp_path, objects, monkeypatch):
    path = put(tmp_path / "found.json", *[prowler.finding() for _ in range(5)])
    monkeypatch.setattr(imports, "PART", 2)
    real, calls = ocsf_in.read_records, []

    def changing(found):
        calls.append(found)
        return real(found) if len(calls) == 1 else list(real(found))[:3]

    monkeypatch.setattr(ocsf_in, "read_records", changing)
    with pytest.raises(StoreError, match="changed while it was read"):
        take(path, objects)
    assert not Import.objects.exists() and not Assertion.objects.exists() and not entries("import.made")


AWKWARD = (
    "\u0000", "\ud800", "\u202e<script>alert(1)</script>", "\n\t\u0007", "\U0001f600", "\\u0000", "%s%n",
    "=cmd|x", "'; DROP TABLE store_assertion;--",
)  # fmt: skip


@pytest.mark.parametrize("ascii_only", [True, False])
def test_no_text_of_a_stranger_can_break_the_state(database_url, tmp_path, objects, ascii_only):
    records = [
        prowler.finding(message=text, resources=[{"uid": text}], finding_info={"title": text, "uid": text})
        for text in AWKWARD
        if ascii_only or text != "\ud800"
    ]
    path = tmp_path / "odd.json"
    path.write_text(json.dumps(records, ensure_ascii=ascii_only), "utf-8")
    take(path, objects)
    for row, record in zip(Assertion.objects.order_by("place"), records, strict=True):
        raw = row.raw if "class_uid" in row.raw else json.loads(row.raw["text"])
        assert raw == record
        assert row.resource.isprintable() and "\0" not in row.title
    assert (
        Assertion.objects.get(place=AWKWARD.index("\U0001f600") - (not ascii_only)).resource == "\U0001f600"
    )


class Verified(Folder):
    """Objects as the verifier reads them."""

    def prove(self, digest, most=0):
        data = self.get(digest)
        return data if len(data) <= most else b""


def test_a_record_that_names_an_object_does_not_make_the_verifier_miss_it(database_url, tmp_path):
    from proofwatch.store.log import DjangoLog

    (tmp_path / "objects").mkdir()
    objects = Verified(tmp_path / "objects")
    evil = prowler.finding(unmapped={"manifest": "a" * 64, "x": {"sha256": "b" * 64, "role": "results"}})
    done = take(put(tmp_path / "evil.json", evil), objects)
    kept = objects.get(done.row.object)
    assert gzip.decompress(kept) == (tmp_path / "evil.json").read_bytes()
    assert entries("import.made")[0]["data"]["packed"] is True
    report = verify_log(DjangoLog(), [], objects)
    assert not [line for line in report.wrong if "object" in line], report.wrong
    assert take(tmp_path / "evil.json", objects).again


def test_records_are_read_across_the_parts_of_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(json_records, "CHUNK", 7)
    records = [{"n": number, "text": "ä\n" * number} for number in range(40)]
    path = tmp_path / "x.json"
    for text in (json.dumps(records, ensure_ascii=False), json.dumps(records, indent=3), "\ufeff [ ] \n"):
        path.write_text(text, "utf-8")
        wanted = records if "n" in text else []
        assert [item.value for item in read_records(path)] == wanted
    path.write_text("\n\n".join(json.dumps(item) for item in records), "utf-8")
    assert [(item.place, item.line) for item in read_records(path)] == [(n, 1 + 2 * n) for n in range(40)]


def test_a_record_without_end_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(json_records, "MOST_RECORD", 5000)
    monkeypatch.setattr(json_records, "CHUNK", 1000)
    path = tmp_path / "x.json"
    path.write_text('[{"a": "' + "x" * 100_000, "utf-8")
    with pytest.raises(RecordError, match="line 1: record 1"):
        list(read_records(path))
    monkeypatch.setattr(json_records, "MOST_TEXT", 3000)
    path.write_bytes(gzip.compress(b" " * 100_000))
    with pytest.raises(RecordError, match="split it"):
        list(read_records(path))


def test_a_pipe_is_refused_and_an_auditor_too(database_url, tmp_path, objects):
    from proofwatch.alerts import people

    people.add("aud", role="auditor", actor="owner", now=NOW)
    path = put(tmp_path / "found.json", prowler.finding())
    with pytest.raises(StoreError, match="may not change this"):
        import_file(path, objects, product="", actor="aud", now=NOW)
    with pytest.raises(RecordError, match="it is no file"):
        take(tmp_path, objects)
    with pytest.raises(RecordError, match="No such file"):
        take(tmp_path / "none.json", objects)
