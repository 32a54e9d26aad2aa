"""OCSF out: valid by the published schema, and each status is what the check said."""

import hashlib
import json

import jsonschema_rs
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from proofwatch.checks.base import UnreadPlace
from proofwatch.remediation import acceptances
from proofwatch.reports.filed import record
from proofwatch.reports.ocsf import VERSION, write_ocsf
from proofwatch.reports.tables import ReportError
from proofwatch.store.models import Finding
from tests.reports.world import THERE, World, volume
from tests.store.samples import CHECK, entries

HOSTILE = 'vol-"\\<script>\u202e\u0007{{7*7}}\n=cmd|日本'
ROWS = (
    volume("vol-good"), volume("vol-bad", False), volume("vol-unsure", None),
    volume("vol-leaving", False, state="deleting"), volume(HOSTILE, False),
)  # fmt: skip


@pytest.fixture(scope="module")
def validator():
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=VERSION))
    name = schema.lookup_class_name_from_uid(2003)
    return jsonschema_rs.validator_for(schema.get_class_schema(name, profiles=["cloud"]))


@pytest.fixture
def world(database_url, tmp_path):
    made = World(tmp_path / "objects")
    made.sweep(ROWS, [UnreadPlace(*THERE, "access was denied", "ec2:DescribeVolumes")])
    return made


def written(world, path):
    done = write_ocsf(path, world.objects, world.cache, world.origin())
    return done, [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def by_resource(found):
    return {item["resources"][0]["uid"] if "resources" in item else None: item for item in found}


def test_every_event_is_valid_and_says_what_the_check_said(world, tmp_path, validator):
    done, found = written(world, tmp_path / "out" / "found.jsonl")
    for item in found:
        validator.validate(item)
    assert done.rows == len(found) == 6
    said = by_resource(found)
    words = {name: item["compliance"]["status_code"] for name, item in said.items()}
    assert words == {
        "vol-good": "pass", "vol-bad": "fail", "vol-unsure": "inconclusive", None: "inconclusive",
        "vol-leaving": "not_applicable", HOSTILE: "fail",
    }  # fmt: skip
    ids = {name: item["compliance"]["status_id"] for name, item in said.items()}
    assert ids == {"vol-good": 1, "vol-bad": 3, "vol-unsure": 0, None: 0, "vol-leaving": 99, HOSTILE: 3}
    assert "access was denied" in said[None]["message"] and said[None]["cloud"]["region"] == THERE[1]


def test_an_event_names_what_is_needed_to_judge_again(world, tmp_path):
    _, found = written(world, tmp_path / "found.jsonl")
    bad = by_resource(found)["vol-bad"]
    run = world.owner.sweeps.get()
    finding = Finding.objects.get(resource="vol-bad")
    assert bad["finding_info"]["uid"] == str(finding.pk)
    assert bad["finding_info"]["first_seen_time"] == bad["time"] == int(world.now.timestamp() * 1000)
    assert (bad["severity"], bad["severity_id"], bad["status"]) == ("High", 4, "New")
    assert by_resource(found)["vol-good"]["severity_id"] == 1
    assert bad["metadata"]["event_code"] == bad["compliance"]["checks"][0]["uid"] == CHECK
    assert bad["compliance"]["requirements"] == ["CC6.1", "CC6.7", "C1.1"]
    assert (bad["compliance"]["standards"], bad["compliance"]["control"]) == (["SOC 2"], "ENC-01, ENC-02")
    assert bad["cloud"]["account"] == {"uid": "111111111111", "type_id": 10, "type": "AWS Account"}
    unmapped = bad["unmapped"]
    assert unmapped["evaluation_sha256"] == run.evaluation and unmapped["sweep"] == str(run.pk)
    assert world.objects.get(unmapped["manifest_sha256"])
    assert len({item["metadata"]["uid"] for item in found}) == len(found)


def test_an_accepted_risk_stays_a_fail(world, tmp_path, validator):
    from proofwatch.alerts import people

    for name in ("ana", "bea"):
        people.add(name, role="lead", actor="owner", now=world.now, email=f"{name}@example.com")
    scope = {"check": CHECK, "resources": ["vol-bad"]}
    end = world.now.replace(month=12)
    row = acceptances.request(scope, "isolated", end, by="ana", now=world.now)
    acceptances.decide(row.name, True, "for a month", by="bea", now=world.now)
    bad = by_resource(written(world, tmp_path / "found.jsonl")[1])["vol-bad"]
    validator.validate(bad)
    assert (bad["compliance"]["status_id"], bad["status"]) == (3, "Risk accepted")
    assert bad["unmapped"]["acceptance"] == row.name


def test_the_file_has_its_provenance_and_its_entry(world, tmp_path):
    done, _ = written(world, tmp_path / "found.jsonl")
    record("ocsf", done, world.origin(), {})
    digest = hashlib.sha256(done.path.read_bytes()).hexdigest()
    meta = json.loads(done.meta.read_text("utf-8"))
    assert meta["files"] == {"found.jsonl": {"sha256": digest}} and meta["rows"] == done.rows
    assert (meta["generated_by"], meta["role"], meta["where"]) == ("ada", "lead", "a test")
    data = entries("export.made")[-1]["data"]
    assert data == {"subject": "ocsf", "rows": done.rows, "sha256": digest, "filter": {}}


def test_a_failure_leaves_the_earlier_file(world, tmp_path):
    done, _ = written(world, tmp_path / "found.jsonl")
    before = done.path.read_bytes()
    (world.folder / world.owner.sweeps.get().evaluation).unlink()
    with pytest.raises(ReportError):
        write_ocsf(done.path, world.objects, world.cache, world.origin())
    assert done.path.read_bytes() == before
    assert sorted(path.name for path in tmp_path.glob("*found*")) == ["found.jsonl", "found.jsonl.meta.json"]
