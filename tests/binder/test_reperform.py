"""Judging again: the same verdicts from the stored readings, and every forged one found, row by row."""

import json

import duckdb
import pytest
import rfc8785

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.bundle import Bundle, BundleLog, BundleObjects
from proofwatch.evidence.entry import parse
from proofwatch.evidence.evaluations import read_evaluation
from proofwatch.evidence.objects import LocalObjects
from proofwatch.evidence.reperform import Reperformer, evaluations
from tests.companies import proofwatch


class Over:
    """The objects of a binder, and forged ones over them: a forger has the whole store."""

    def __init__(self, below, folder):
        self.below, self.own = below, LocalObjects(folder)
        self.put = self.own.put

    def _of(self, digest):
        return self.own if self.own.name(digest).exists() else self.below

    def get(self, digest):
        return self._of(digest).get(digest)

    def path(self, digest):
        return self._of(digest).path(digest)


@pytest.fixture(scope="module")
def swept(binder, tmp_path_factory):
    work = tmp_path_factory.mktemp("work")
    with Bundle(binder) as bundle:
        objects = BundleObjects(bundle, work)
        log = BundleLog(bundle)
        entries = ((n, parse(data)) for n, data in enumerate(log.entries(0, log.size())))
        (found,) = list(evaluations(entries, objects))
        yield objects, found


@pytest.fixture(scope="module")
def opened(swept):
    objects, found = swept
    return objects, found["evaluation"]


@pytest.fixture
def forging(opened, tmp_path):
    below, digest = opened
    objects = Over(below, tmp_path / "forged")
    body = json.loads(objects.get(digest))
    cache = tmp_path / "cache"
    cache.mkdir()

    def again(changed):
        return Reperformer(objects, cache).again(objects.put(rfc8785.dumps(changed)))

    return objects, body, again


def test_every_verdict_is_the_same_again(opened, tmp_path):
    objects, digest = opened
    done = Reperformer(objects, tmp_path).again(digest)
    assert done.same and done.verdicts > 100 and done.checks > 20 and done.left == [] and done.engine == ""
    views = read_evaluation(digest, objects).joined.views
    assert views and done.tables > len(views), "views are joined again from their tables"


def test_places_that_are_an_object_are_judged_like_those_that_are_listed(forging):
    objects, body, again = forging
    for item in (*body["tables"].values(), *body["inputs"].values()):
        item["places"] = {"object": objects.put(rfc8785.dumps(item["places"]))}
    done = again(body)
    assert done.same and done.verdicts > 100 and done.others == []
    body["tables"]["aws_ec2_volume"]["places"] = {"object": objects.put(b"[]")}
    assert not again(body).same


def test_only_the_checks_that_were_asked_for_are_judged(opened, tmp_path):
    objects, digest = opened
    done = Reperformer(objects, tmp_path).again(digest, {"aws.ec2.ebs-volume-encrypted"})
    assert (done.checks, done.tables) == (1, 1) and done.same and done.verdicts > 0


def test_a_forged_verdict_is_shown_row_by_row(forging, tmp_path):
    objects, body, again = forging
    table = body["tables"]["aws_ec2_volume"]
    path = tmp_path / "forged.parquet"
    real = objects.path(table["results"])
    duckdb.sql(f"""COPY (SELECT * REPLACE (0::UBIGINT AS fail_0) FROM read_parquet('{real}'))
        TO '{path}' (FORMAT parquet, PARQUET_VERSION v2)""")
    table["results"] = objects.put(path.read_bytes())
    done = again(body)
    assert not done.same
    assert {(change.before, change.after) for change in done.differences} == {("pass", "fail")}
    assert all(change.resource and change.check.startswith("aws.ec2.") for change in done.differences)


def test_forged_readings_do_not_have_the_digest_that_was_committed_to(forging):
    objects, body, again = forging
    manifest = json.loads(objects.get(body["tables"]["aws_ec2_volume"]["manifest"]))
    manifest["digest"] = "0" * 64
    body["tables"]["aws_ec2_volume"]["manifest"] = objects.put(rfc8785.dumps(manifest))
    from proofwatch.snapshots.base import SnapshotError

    with pytest.raises(SnapshotError, match="committed to"):
        again(body)


def test_a_check_that_was_written_differently_has_another_version(forging):
    objects, body, again = forging
    checks = json.loads(objects.get(body["object"]))
    checks["aws.ec2.ebs-volume-encrypted"]["passes"] = "true"
    body["object"] = objects.put(rfc8785.dumps(checks))
    done = again(body)
    assert any("does not have the version" in text for text in done.others)
    assert {change.after for change in done.differences} == {"pass"}


@pytest.mark.parametrize(
    "text",
    [
        "true) FROM read_csv('/etc/passwd') --",
        "(SELECT count(*) FROM read_text('/etc/passwd')) > 0",
        "encrypted; COPY (SELECT 1) TO '/tmp/x'",
    ],
)
def test_a_definition_that_is_no_expression_is_not_run(forging, text):
    objects, body, again = forging
    checks = json.loads(objects.get(body["object"]))
    checks["aws.ec2.ebs-volume-encrypted"]["passes"] = text
    body["object"] = objects.put(rfc8785.dumps(checks))
    done = again(body)
    assert any("its definition is not one that a check may have" in text for text in done.others)


def test_a_view_or_a_type_that_reaches_further_is_refused(forging):
    objects, body, again = forging
    joined = json.loads(objects.get(body["views"]["sha256"]))
    name = next(iter(joined["views"]))
    evil = json.loads(json.dumps(joined))
    evil["views"][name]["sql"] += "; COPY (SELECT 1) TO '/tmp/x'"
    body["views"]["sha256"] = objects.put(rfc8785.dumps(evil))
    with pytest.raises(EvidenceError, match="cannot be used"):
        again(body)
    evil = json.loads(json.dumps(joined))
    table = next(iter(evil["tables"].values()))
    table["columns"][0]["type"] = "VARCHAR); COPY (SELECT 1) TO '/tmp/x'; --"
    body["views"]["sha256"] = objects.put(rfc8785.dumps(evil))
    with pytest.raises(EvidenceError, match="no type of a column"):
        again(body)


def test_what_is_said_of_whole_places_is_judged_again_too(forging):
    _, body, again = forging
    name = "aws.ec2.ebs-volume-encrypted"
    body["about"][name] = [["123", "eu-west-1", "inconclusive", "cannot tell"]]
    assert any(name in text and "whole places" in text for text in again(body).others)


def test_an_object_that_is_no_evaluation_is_one_clear_error(forging):
    again = forging[2]
    with pytest.raises(EvidenceError, match="no evaluation that this version reads"):
        again({"type": "something else"})


def test_the_verb_says_how_many_verdicts_are_the_same_and_ends_with_0(binder, company, home):
    done = proofwatch(company, home, "reperform", str(binder))
    assert "are the same again" in done.stdout and "the same" in done.stdout
    told = json.loads(
        proofwatch(company, home, "reperform", str(binder), "--control", "DP-01", "--json").stdout
    )
    (sweep,) = told["sweeps"]
    assert sweep["same"] and sweep["verdicts"] > 0 and sweep["differences"] == []
    refused = proofwatch(company, home, "reperform", str(binder), "--control", "DP-99", check=False)
    assert refused.returncode == 2 and "There is no control 'DP-99'" in refused.stderr


def test_the_types_that_our_tables_have_are_those_that_are_accepted():
    from proofwatch.connectors.registry import CONNECTORS, connector_class
    from proofwatch.evidence.reperform import _plain_types

    for kind in CONNECTORS:
        for table in connector_class(kind).tables().values():
            _plain_types([(column.name, column.type) for column in table.columns])


def test_counts_that_a_manifest_says_and_the_readings_do_not_give_are_shown(forging, swept, tmp_path):
    objects, body, _ = forging
    digest = objects.put(rfc8785.dumps(body))
    honest = json.loads(objects.get(swept[1]["manifest"]))

    def said(change):
        changed = json.loads(json.dumps(honest))
        change(next(item for item in changed["checks"] if item["counts"]["failed"]))
        manifest = objects.put(rfc8785.dumps(changed))
        return Reperformer(objects, tmp_path / "cache").again(digest, None, manifest)

    assert said(lambda item: None).same
    for change, words in (
        (lambda item: item["counts"].update(failed=0), "its counts are not those in the sweep's manifest"),
        (lambda item: item.update(version="0" * 64), "gives another version of it"),
        (lambda item: item.update(results="0" * 64), "names other verdicts than the evaluation"),
        (lambda item: item.update(check="aws.invented"), "only the sweep's manifest has it"),
    ):
        done = said(change)
        assert not done.same and any(words in text for text in done.others), done.others
