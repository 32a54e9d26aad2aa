"""A real S3 with Object Lock: what it keeps from us, what it does not, and that the verifier sees it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from proofwatch.app import App
from proofwatch.config import load_settings
from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.entry import object_ref
from proofwatch.evidence.note import Signer
from proofwatch.evidence.objects import S3Objects, open_objects
from proofwatch.evidence.verify import verify_log
from proofwatch.reports.bucket import Bucket, Lock, open_bucket
from proofwatch.store import django as store
from proofwatch.store import log
from tests.connectors.aws.servers import ADMIN, ministack_server

KEY = Signer("test.example/log", b"k" * 32)
NUMBERS = itertools.count()
DATA = b"some evidence"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with ministack_server(tmp_path_factory.mktemp("s3")) as running:
        yield running.url


class Place:
    """A bucket, who may write to it, and our store in it."""

    def __init__(self, endpoint: str, cache: Path, mode: str, **span: int) -> None:
        self.endpoint, self.name = endpoint, f"evidence-{next(NUMBERS)}"
        self.s3: Any = boto3.Session().client("s3", endpoint_url=endpoint, region_name="us-east-1")
        self.s3.create_bucket(Bucket=self.name, ObjectLockEnabledForBucket=bool(mode))
        if span:
            rule = {"DefaultRetention": {"Mode": mode, **span}}
            self.s3.put_object_lock_configuration(
                Bucket=self.name,
                ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule},
            )
        self.where = f"s3://{self.name}/our/log"
        self.cache = cache

    def bucket(self) -> Bucket:
        found = open_bucket(self.where, self.endpoint)
        assert found is not None
        return found

    def store(self) -> S3Objects:
        options = {"endpoint": self.endpoint, "region": "us-east-1"}
        found = open_objects(self.where, cache=self.cache, options=options, history=self.bucket().history)
        assert isinstance(found, S3Objects)
        return found

    def key(self, digest: str) -> str:
        return f"our/log/{digest[:2]}/{digest[2:]}"


@pytest.fixture
def place(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ADMIN[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", ADMIN[1])
    return lambda mode, **span: Place(endpoint, tmp_path / "cache", mode, **span)


def test_a_locked_bucket_takes_our_objects_and_gives_none_up(place: Any) -> None:
    locked = place("COMPLIANCE", Days=1)
    objects = locked.store()
    digest = objects.put(DATA)
    assert objects.put(DATA) == digest
    assert objects.get(digest) == b"".join(objects.chunks(digest)) == DATA
    assert list(objects.sizes()) == [(digest, len(DATA))]
    key = {"Bucket": locked.name, "Key": locked.key(digest)}
    head = locked.s3.head_object(**key, ChecksumMode="ENABLED")
    assert head["ObjectLockMode"] == "COMPLIANCE"
    assert head["ChecksumSHA256"]
    with pytest.raises(ClientError, match="AccessDenied"):
        locked.s3.delete_object(**key, VersionId=head["VersionId"])
    with pytest.raises(ClientError, match="AccessDenied"):
        locked.s3.delete_object(**key, VersionId=head["VersionId"], BypassGovernanceRetention=True)
    with pytest.raises(ClientError, match="AccessDenied"):
        locked.s3.put_object_retention(
            **key,
            VersionId=head["VersionId"],
            Retention={"Mode": "GOVERNANCE", "RetainUntilDate": "2026-12-01"},
        )
    assert objects.prove(digest, 100) == DATA


def test_a_delete_marker_is_named_by_the_verifier(place: Any, database_url: str) -> None:
    locked = place("COMPLIANCE", Days=1)
    objects = locked.store()
    digest = _noted(objects)
    marker = locked.s3.delete_object(Bucket=locked.name, Key=locked.key(digest))["VersionId"]
    report = verify_log(log.DjangoLog(), [KEY.vkey], locked.store())
    (said,) = report.wrong
    assert f"object {digest}: it is not in the store; a delete marker (version {marker})" in said
    assert "1 older version is" in said
    locked.s3.delete_object(Bucket=locked.name, Key=locked.key(digest), VersionId=marker)
    assert verify_log(log.DjangoLog(), [KEY.vkey], locked.store()).wrong == []


def test_an_overwritten_object_is_named_by_the_verifier(place: Any, database_url: str) -> None:
    locked = place("COMPLIANCE", Days=1)
    objects = locked.store()
    digest = _noted(objects)
    locked.s3.put_object(
        Bucket=locked.name, Key=locked.key(digest), Body=b"forged", ChecksumAlgorithm="SHA256"
    )
    (said,) = verify_log(log.DjangoLog(), [KEY.vkey], locked.store()).wrong
    assert "its bytes are not those that its name promises; it was overwritten at 20" in said
    assert "1 older version is (the newest " in said
    assert f"{len(DATA)} bytes" in said
    for read in (objects.get, objects.path, objects.prove):
        with pytest.raises(EvidenceError, match="it was overwritten at"):
            read(digest)


def _noted(objects: S3Objects) -> str:
    digest = objects.put(DATA)
    with store.write("testing"):
        log.append("log.noted", "me", {"what": object_ref(digest, len(DATA), "picture")})
    log.sign_checkpoint(KEY)
    return digest


def test_every_verb_and_page_opens_the_bucket_with_its_history(place: Any, tmp_path: Path) -> None:
    locked = place("COMPLIANCE", Days=1)
    digest = locked.store().put(DATA)
    locked.s3.delete_object(Bucket=locked.name, Key=locked.key(digest))
    names = {"PROOFWATCH_OBJECTS": locked.where, "PROOFWATCH_OBJECTS_ENDPOINT": locked.endpoint}
    app = App(load_settings({"PROOFWATCH_HOME": str(tmp_path), **names}))
    with pytest.raises(EvidenceError, match="a delete marker"):
        app.objects.get(digest)


def test_where_nothing_is_known_of_an_object_nothing_is_said(place: Any) -> None:
    plain = place("")
    with pytest.raises(EvidenceError) as caught:
        plain.store().get("0" * 64)
    assert caught.value.problem == "it is not in the store"
    assert Bucket("s3://no-such-bucket/x", plain.endpoint).history("0" * 64) == ""


def test_many_missing_objects_are_not_each_looked_up(place: Any) -> None:
    locked = place("COMPLIANCE", Days=1)
    digest = locked.store().put(DATA)
    locked.s3.delete_object(Bucket=locked.name, Key=locked.key(digest))
    bucket = locked.bucket()
    said = [bucket.history(digest) for _ in range(25)]
    assert [bool(text) for text in said] == [True] * 20 + [False] * 5


@pytest.mark.parametrize(
    ("mode", "span", "lock", "said"),
    [
        ("COMPLIANCE", {"Years": 9}, Lock(True, True, "COMPLIANCE", 9 * 365), ""),
        ("COMPLIANCE", {"Days": 30}, Lock(True, True, "COMPLIANCE", 30), "for 30 days, and 2922 are needed"),
        ("GOVERNANCE", {"Years": 9}, Lock(True, True, "GOVERNANCE", 9 * 365), "GOVERNANCE"),
        ("COMPLIANCE", {}, Lock(True, True), "without a default retention"),
        ("", {}, Lock(False, False), "Object Lock is off"),
    ],
)
def test_the_bucket_says_how_it_locks(place: Any, mode: str, span: Any, lock: Lock, said: str) -> None:
    found = place(mode, **span).bucket().lock()
    assert found == lock
    assert said in found.shortfall(2922)
    assert bool(said) == bool(found.shortfall(2922))


def test_a_bucket_that_cannot_be_asked_is_not_called_safe(place: Any, endpoint: str) -> None:
    place("")
    found = Bucket("s3://no-such-bucket", endpoint).lock()
    assert "NoSuchBucket" in found.problem
    assert found.shortfall(1).startswith("it cannot be told: NoSuchBucket")
    nowhere = Bucket("s3://b", "http://127.0.0.1:9").lock()
    assert "connect" in nowhere.problem.lower()


def test_a_folder_has_no_bucket() -> None:
    assert open_bucket("/var/objects", "") is None
