"""OSCAL out: valid, the same bytes for the same state, and never satisfied where nobody can tell."""

import json
import os
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import jsonschema_rs
import pytest

from proofwatch.alerts import people
from proofwatch.checks.base import UnreadPlace
from proofwatch.remediation import acceptances
from proofwatch.reports.oscal import write_oscal
from proofwatch.reports.oscal_text import markup, plain, token
from proofwatch.reports.tables import ReportError
from proofwatch.store.models import Audit
from proofwatch.store.services import uploads
from tests.reports.test_ocsf import HOSTILE
from tests.reports.world import THERE, World, control, volume
from tests.store.samples import CHECK, MINUTE, NOW

SHARED = os.environ.get("PROOFWATCH_SHARED")
SCHEMA = Path(SHARED or ".") / "reference" / "specs" / "oscal_assessment-results_schema.json"
VERSION_5 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
GOOD, BAD, UNSURE = volume("vol-good"), volume("vol-bad", False), volume("vol-unsure", None)
UNREAD = UnreadPlace(*THERE, "access was denied", "ec2:DescribeVolumes")


@pytest.fixture
def world(database_url, tmp_path):
    return World(tmp_path / "objects")


def written(world, path, **values):
    done = write_oscal(path, world.objects, world.cache, world.origin(), **values)
    body = json.loads(path.read_text("utf-8"))["assessment-results"]
    assert done.rows == len(body["results"][0]["observations"])
    whole(body)
    return body


def result(world, tmp_path, **values):
    return written(world, tmp_path / "oscal.json", **values)["results"][0]


def props(item):
    return {prop["name"]: prop["value"] for prop in item["props"]}


def states(found):
    return {
        props(item)["control"]: item["target"]["status"]["state"] for item in found.get("findings", ())
    }  # fmt: skip


def checks(found):
    return [item for item in found["observations"] if "check" in props(item)]


def audit(first, last, **values):
    return Audit.objects.create(name="soc2-2026", first=first, last=last, by="olga", at=NOW, **values)


def whole(body):
    """Hold what is referred to against what is there; no list is empty, no UUID stands for two things."""
    found = body["results"][0]
    local = found["local-definitions"]
    items = {item["uuid"] for item in local.get("inventory-items", ())}
    observed = [item["uuid"] for item in found["observations"]]
    risks = {item["uuid"] for item in found.get("risks", ())}
    parties = {item["uuid"] for item in body["metadata"]["parties"]}
    tools = {item["uuid"] for item in local["assessment-assets"]["components"]}
    objectives = {item["parts"][0]["id"] for item in body["local-definitions"]["objectives-and-methods"]}
    assert len(observed) == len(set(observed))
    assert body["import-ap"]["href"][1:] in {item["uuid"] for item in body["back-matter"]["resources"]}

    there = {
        "subject-uuid": items, "observation-uuid": set(observed), "risk-uuid": risks, "party-uuid": parties,
        "party-uuids": parties, "actor-uuid": tools | parties, "component-uuid": tools,
        "target-id": objectives, "objective-id": objectives,
    }  # fmt: skip

    def walk(value):
        if isinstance(value, dict):
            for name, item in value.items():
                named = {item} if isinstance(item, str) else set(item) if name == "party-uuids" else set()
                assert named <= there.get(name, named), (name, item)
                assert not name.endswith("uuid") or VERSION_5.fullmatch(item)
                walk(item)
        elif isinstance(value, list):
            assert value, "a list is empty"
            for item in value:
                walk(item)

    walk(body)


def test_each_state_of_a_control_has_its_place(world, tmp_path):
    world.sweep([GOOD])
    found = result(world, tmp_path)
    assert states(found) == {"ENC-01": "satisfied", "ENC-02": "satisfied"}
    assert [item["target"]["status"]["reason"] for item in found["findings"]] == ["pass", "pass"]
    world.sweep([GOOD, UNSURE])
    found = result(world, tmp_path)
    assert states(found) == {} and "findings" not in found
    said = {props(item)["control"]: props(item)["status"] for item in found["observations"][:3]}
    assert said == {"ENC-01": "inconclusive", "ENC-02": "inconclusive", "HAND-1": "not monitored"}
    world.sweep([GOOD, UNSURE, BAD])
    found = result(world, tmp_path)
    assert set(states(found).values()) == {"not-satisfied"} and "HAND-1" not in states(found)
    world.minutes += 24 * 60
    found = result(world, tmp_path)
    assert set(states(found).values()) == {"not-satisfied"}
    world.sweep([GOOD])
    world.minutes += 24 * 60
    found = result(world, tmp_path)
    assert states(found) == {} and props(found["observations"][0])["status"] == "no data"


def test_an_observation_counts_and_names_what_does_not_pass(world, tmp_path):
    run = world.sweep([GOOD, BAD, UNSURE, volume(HOSTILE, False)], [UNREAD])
    seen = checks(result(world, tmp_path))
    assert [props(item)["control"] for item in seen] == ["ENC-01", "ENC-02"]
    one = seen[0]
    counted = {name: props(one)[name] for name in ("passed", "failed", "inconclusive", "subjects-in-all")}
    assert counted == {"passed": "1", "failed": "2", "inconclusive": "2", "subjects-in-all": "4"}
    assert one["methods"] == ["TEST"] and "access was denied" in one["description"]
    assert [props(item)["status"] for item in one["subjects"]] == ["fail", "fail", "inconclusive"]
    verdicts, judged = one["relevant-evidence"]
    assert world.objects.get(props(verdicts)["sha-256"]) and props(judged)["sha-256"] == run.evaluation
    assert verdicts["href"] == f"objects/{props(verdicts)['sha-256'][:2]}/{props(verdicts)['sha-256'][2:]}"
    assert one["collected"] == "2026-11-01T12:15:00Z"


def test_subjects_are_limited_in_a_fixed_order(world, tmp_path):
    names = [f"vol-{number:03}" for number in range(40)]
    rows = [volume(name, False) for name in reversed(names)]
    world.sweep([*rows, UNSURE, GOOD])
    one = checks(result(world, tmp_path, subjects=3))[0]
    assert [item["title"] for item in one["subjects"]] == names[:3]
    assert (props(one)["subjects-listed"], props(one)["subjects-in-all"]) == ("3", "41")
    assert "Of 41 results that fail or could not be told, 3 are listed" in one["remarks"]
    none = result(world, tmp_path, subjects=0)
    assert "subjects" not in checks(none)[0] and "inventory-items" not in none["local-definitions"]


def test_the_same_state_is_the_same_bytes(world, tmp_path):
    world.sweep([GOOD, BAD, UNSURE])
    written(world, tmp_path / "one.json")
    written(world, tmp_path / "another" / "two.json")
    one, two = tmp_path / "one.json", tmp_path / "another" / "two.json"
    assert one.read_bytes() == two.read_bytes()
    before = json.loads(one.read_text("utf-8"))["assessment-results"]
    world.minutes += 1
    after = written(world, two)
    assert before["uuid"] != after["uuid"]
    kept = [item["uuid"] for item in before["results"][0]["observations"]]
    assert kept == [item["uuid"] for item in after["results"][0]["observations"]]


def test_an_accepted_risk_is_not_satisfied_and_names_who_took_it(world, tmp_path):
    for name in ("ana", "bea"):
        people.add(name, role="lead", actor="owner", now=NOW, email=f"{name}@example.com")
    world.sweep([GOOD, BAD])
    end = world.now + timedelta(days=30)
    row = acceptances.request({"check": CHECK}, "isolated *network*", end, by="ana", now=world.now)
    acceptances.decide(row.name, True, "for a month", by="bea", now=world.now)
    found = result(world, tmp_path)
    (risk,) = found["risks"]
    assert (risk["status"], risk["description"]) == ("deviation-approved", r"isolated \*network\*")
    assert [entry["status-change"] for entry in risk["risk-log"]["entries"]] == [
        "deviation-requested", "deviation-approved",
    ]  # fmt: skip
    assert states(found) == {"ENC-01": "not-satisfied", "ENC-02": "not-satisfied"}
    for item in found["findings"]:
        assert item["related-risks"] == [{"risk-uuid": risk["uuid"]}]
        assert props(item)["status"] == "accepted"
    assert (props(checks(found)[0])["failed"], props(checks(found)[0])["accepted"]) == ("0", "1")
    assert len(risk["related-observations"]) == 2
    acceptances.end(row.name, "moved", by="bea", now=world.now + MINUTE)
    world.minutes += 2
    assert "risks" not in result(world, tmp_path)
    over = audit(date(2026, 11, 1), date(2026, 11, 30))
    assert [item["status"] for item in result(world, tmp_path, audit=over)["risks"]] == ["closed"]


def test_over_a_period_only_what_passed_all_the_time_is_satisfied(world, tmp_path):
    world.sweep([GOOD], minutes=15)
    day = audit(date(2026, 11, 2), date(2026, 11, 3), auditor="Audit & Co")
    with pytest.raises(ReportError, match="has not begun"):
        written(world, tmp_path / "x.json", audit=day)
    world.sweep([GOOD], minutes=24 * 60)
    world.minutes += 1
    found = written(world, tmp_path / "x.json", audit=day)
    one = found["results"][0]
    assert states(one) == {"ENC-01": "satisfied", "ENC-02": "satisfied"}
    assert (one["start"], one["end"]) == ("2026-11-02T00:00:00Z", "2026-11-02T12:16:00Z")
    assert "Audit & Co" in [party["name"] for party in found["metadata"]["parties"]]
    world.sweep([GOOD, UNSURE], minutes=14)
    world.minutes += 1
    assert states(result(world, tmp_path, audit=day)) == {}
    world.sweep([GOOD], minutes=14)
    world.minutes += 1
    assert states(result(world, tmp_path, audit=day)) == {}
    world.sweep([BAD], minutes=14)
    world.sweep([GOOD])
    world.minutes += 1
    one = result(world, tmp_path, audit=day)
    assert set(states(one).values()) == {"not-satisfied"}
    assert "failing from 2026-11-02T13:00:00Z to 2026-11-02T13:15:00Z" in one["findings"][0]["description"]
    said = props(checks(one)[0])
    assert (said["runs"], said["runs-failing"], said["runs-inconclusive"]) == ("5", "1", "1")
    world.sweep([BAD], minutes=3 * 24 * 60)
    later = result(world, tmp_path, audit=day)
    assert later["end"] == "2026-11-04T00:00:00Z" and props(checks(later)[0])["failed"] == "0"


def test_days_before_anything_was_judged_are_not_satisfied(world, tmp_path):
    world.sweep([GOOD])
    early = audit(date(2026, 10, 1), date(2026, 11, 1))
    found = result(world, tmp_path, audit=early)
    assert states(found) == {}
    assert "not judged from 2026-10-01T00:00:00Z" in found["observations"][0]["description"]


def test_a_document_is_observed_and_satisfies_nothing(world, tmp_path):
    world.sweep([GOOD])
    uploads.add(
        b"%PDF", world.objects, title="Minutes [x](javascript:alert)", control="HAND-1",
        about="the board met", source="the board", effective_from=date(2026, 10, 1),
        effective_to=date(2027, 1, 1), filename="minutes.pdf", media_type="application/pdf",
        actor="ana", now=NOW,
    )  # fmt: skip
    found = result(world, tmp_path)
    (one,) = [item for item in found["observations"] if item["methods"] == ["EXAMINE"]]
    assert props(one)["control"] == "HAND-1" and "HAND-1" not in states(found)
    assert world.objects.get(props(one["relevant-evidence"][0])["sha-256"]) == b"%PDF"
    assert r"\[x\](javascript:alert)" in one["title"]


def test_nothing_is_written_without_a_control_list(database_url, tmp_path):
    world = World(tmp_path / "objects", listed=())
    with pytest.raises(ReportError, match="no control list"):
        write_oscal(tmp_path / "x.json", world.objects, world.cache, world.origin())
    assert not (tmp_path / "x.json").exists()


def test_words_fit_whatever_they_are():
    assert plain(" a\u202eb\u0000c\nd ") == "a\\u202eb\\x00c d"
    assert markup("<b>[x](y)*_`") == r"\<b\>\[x\](y)\*\_\`" and markup("\n ") == "–"
    assert token("AC-02") == "AC-02" and token("1st") != token("_1st") == "_1st"
    assert token("a b") != token("a_b") and re.fullmatch(r"[A-Za-z_][\w.\-]*", token("§ 1/ü\u0000"))
    assert len(plain("x" * 9999)) == 500


ODD = (
    HOSTILE, " spaced ", "\u00a0nbsp\u2028line", "\ufeffbom", "[a](javascript:x)", "&lt;", "a" * 3000,
    "\U0001f600", "–", "\u0085next", "'; DROP TABLE", "{{7*7}}{% debug %}", "%00", "..\\..//",
    "\u3000wide\u3000",
)  # fmt: skip


@pytest.mark.shared
@pytest.mark.skipif(not SHARED, reason="PROOFWATCH_SHARED is not set: the official schema is not at hand")
def test_the_official_schema_takes_every_document(database_url, tmp_path):
    listed = (
        control("ENC-01", CHECK), control("1.2.3", CHECK, criteria=()), control("HAND-1", criteria=("A1.2",)),
        control("ODD.9_x", CHECK, statement="\n[x]\u202e ", owner_role=" "),
    )  # fmt: skip
    world = World(tmp_path / "objects", listed)
    for name in ("ana", "bea"):
        people.add(name, role="lead", actor="owner", now=NOW, email=f"{name}@example.com")
    validator = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text("utf-8")), validate_formats=True)

    def valid(**values):
        path = tmp_path / "valid.json"
        written(world, path, **values)
        validator.validate(json.loads(path.read_text("utf-8")))

    valid()
    world.sweep([GOOD, UNSURE, *(volume(name, False) for name in ODD)], [UNREAD])
    valid()
    row = acceptances.request(
        {"check": CHECK, "resources": ["vol-bad", HOSTILE]}, "\n\u202e ok", world.now + timedelta(days=3),
        by="ana", now=world.now,
    )  # fmt: skip
    acceptances.decide(row.name, True, "\u0007", by="bea", now=world.now)
    valid(audit=audit(date(2026, 11, 1), date(2026, 11, 30), auditor=" \u202eA\nB "))
    world.sweep([GOOD])
    valid(subjects=0)
    broken = json.loads((tmp_path / "valid.json").read_text("utf-8"))
    broken["assessment-results"]["results"][0]["observations"][0]["uuid"] = "x"
    assert not validator.is_valid(broken)
    assert datetime.fromisoformat(broken["assessment-results"]["metadata"]["last-modified"]).tzinfo == UTC
