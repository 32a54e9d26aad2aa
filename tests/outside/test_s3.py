"""Checkpoints in a bucket: created, never overwritten, and every version looked at."""

import itertools

import boto3
import pytest
from pydantic import ValidationError

from proofwatch.outbound.http import Client
from proofwatch.outside.base import OutsideError
from proofwatch.outside.s3 import S3, Settings
from tests.outside.samples import LOCAL, REWRITTEN, given

numbers = itertools.count()


@pytest.fixture
def s3(s3_endpoint, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    return boto3.Session().client("s3", endpoint_url=s3_endpoint, region_name="us-east-1")


def bucket(s3, locked=True, retention="COMPLIANCE"):
    name = f"keeper-{next(numbers)}"
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=locked)
    if locked and retention:
        rule = {"DefaultRetention": {"Mode": retention, "Days": 30}}
        s3.put_object_lock_configuration(
            Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
        )
    return name


def settings(s3, name, **more):
    return Settings(bucket=name, endpoint=s3.meta.endpoint_url, **more)


def test_a_checkpoint_is_one_object_that_is_retained(s3):
    name = bucket(s3)
    checkpoint = given(12)
    answer = S3().keep(settings(s3, name, prefix="acme/log"), checkpoint, LOCAL)
    key = "acme/log/checkpoints/12.txt"
    stored = s3.get_object(Bucket=name, Key=key)
    assert stored["Body"].read() == checkpoint.note.encode()
    assert answer.reference == f"s3://{name}/{key}?versionId={stored['VersionId']}"
    facts = answer.facts
    assert (facts["created"], facts["object_lock"], facts["default_retention"]) == (
        True,
        True,
        "COMPLIANCE 30 days",
    )
    head = s3.head_object(Bucket=name, Key=key, ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"]


def test_the_same_checkpoint_again_is_success(s3):
    wanted = settings(s3, bucket(s3))
    first = S3().keep(wanted, given(12), LOCAL)
    again = S3().keep(wanted, given(12), LOCAL)
    assert (again.reference, again.facts["created"]) == (first.reference, False)


def test_other_bytes_under_the_key_are_an_error_that_names_it(s3):
    name = bucket(s3)
    S3().keep(settings(s3, name), given(12), LOCAL)
    with pytest.raises(OutsideError, match=rf"s3://{name}/checkpoints/12\.txt holds other bytes") as caught:
        S3().keep(settings(s3, name), given(12, REWRITTEN), LOCAL)
    assert caught.value.permanent
    assert s3.get_object(Bucket=name, Key="checkpoints/12.txt")["Body"].read() == given(12).note.encode()


@pytest.mark.parametrize(("locked", "retention"), [(False, ""), (True, "")])
def test_a_bucket_that_retains_nothing_says_so(s3, locked, retention):
    answer = S3().keep(settings(s3, bucket(s3, locked, retention)), given(12), LOCAL)
    assert answer.facts["object_lock"] is locked
    assert answer.facts["default_retention"] == ""


def test_every_version_is_shown_also_below_one_that_was_put_over_it(s3):
    name = bucket(s3)
    wanted = settings(s3, name)
    for size in (3, 12, 20):
        S3().keep(wanted, given(size), LOCAL)
    s3.put_object(Bucket=name, Key="checkpoints/12.txt", Body=given(12, REWRITTEN).note.encode())
    s3.delete_object(Bucket=name, Key="checkpoints/3.txt")
    shown = S3().show(wanted, LOCAL)
    notes = [copy.note.decode() for copy in shown.copies]
    assert notes[0] == given(20).note
    assert sorted(notes) == sorted([given(20).note, given(12).note, given(12, REWRITTEN).note, given(3).note])
    assert any("checkpoints/12.txt has 2 versions" in text for text in shown.remarks)
    assert any("checkpoints/3.txt was deleted" in text for text in shown.remarks)


def test_what_was_kept_before_versioning_was_switched_on_is_compared_too(s3):
    name = bucket(s3, locked=False)
    wanted = settings(s3, name)
    S3().keep(wanted, given(12), LOCAL)
    assert [copy.note.decode() for copy in S3().show(wanted, LOCAL).copies] == [given(12).note]
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=name, Key="checkpoints/12.txt", Body=given(12, REWRITTEN).note.encode())
    shown = S3().show(wanted, LOCAL)
    assert {copy.note.decode() for copy in shown.copies} == {given(12).note, given(12, REWRITTEN).note}
    assert any(copy.where.endswith("checkpoints/12.txt version null") for copy in shown.copies)


def test_a_bucket_that_is_not_there_is_said_without_a_secret(s3, monkeypatch):
    monkeypatch.setenv("KEEPER_KEY", "AKIAEXAMPLE")
    monkeypatch.setenv("KEEPER_SECRET", "a-very-secret-secret")
    wanted = settings(s3, "no-such-bucket", access_key="env:KEEPER_KEY", secret_key="env:KEEPER_SECRET")
    for act in (lambda: S3().keep(wanted, given(12), LOCAL), lambda: S3().show(wanted, LOCAL)):
        with pytest.raises(OutsideError, match="no-such-bucket") as caught:
            act()
        assert "secret-secret" not in str(caught.value)
        assert not caught.value.permanent


def test_no_credentials_and_a_missing_secret_are_said(s3, monkeypatch, tmp_path):
    name = bucket(s3)
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(OutsideError, match="no credentials"):
        S3().keep(settings(s3, name), given(12), LOCAL)
    wanted = settings(s3, name, access_key="env:NOT_SET", secret_key="env:NOT_SET")
    with pytest.raises(OutsideError, match="NOT_SET is not set"):
        S3().keep(wanted, given(12), LOCAL)


def test_an_endpoint_inside_is_not_used_unless_it_is_allowed(s3):
    with pytest.raises(OutsideError, match="not a public address"):
        S3().keep(settings(s3, bucket(s3)), given(12), Client())


@pytest.mark.parametrize(
    "wrong",
    [
        {"bucket": "../x"}, {"bucket": "a" * 64}, {"bucket": "good", "prefix": "../up"},
        {"bucket": "good", "prefix": "/top"}, {"bucket": "good", "endpoint": "file:///etc"},
        {"bucket": "good", "access_key": "env:A"},
        {"bucket": "good", "access_key": "AKIA", "secret_key": "x"},
    ],
)  # fmt: skip
def test_settings_that_name_something_else_are_refused(wrong):
    with pytest.raises(ValidationError):
        Settings(**wrong)
