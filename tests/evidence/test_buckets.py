"""Two real S3 servers with Object Lock, many writers, and a wire that loses answers: no object is lost,
overwritten or taken for another, and where a server doubles one, that is seen and told."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import uuid
from collections import Counter
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from proofwatch.app import App
from proofwatch.cli.evidence import doubled
from proofwatch.config import load_settings
from proofwatch.evidence import creating
from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.objects import OwnStore, open_objects
from proofwatch.reports.bucket import Bucket
from tests.buckets import Server, wire
from tests.evidence import object_crowd

DATA = b"some evidence " * 20_000
DIGEST = hashlib.sha256(DATA).hexdigest()


class Place:
    """A bucket that locks every object for a day, and our store in it."""

    def __init__(self, server: Server, cache: Path) -> None:
        self.server, self.cache = server, cache
        self.name = f"evidence-{uuid.uuid4().hex[:12]}"
        self.s3 = server.client()
        self.s3.create_bucket(Bucket=self.name, ObjectLockEnabledForBucket=True)
        self.s3.put_object_lock_configuration(
            Bucket=self.name,
            ObjectLockConfiguration={
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}},
            },
        )
        self.where = f"s3://{self.name}/our"

    def store(self, url: str = "") -> OwnStore:
        options = {"endpoint": url or self.server.url, "region": "us-east-1"}
        return open_objects(self.where, cache=self.cache, options=options)

    def bucket(self) -> Bucket:
        return Bucket(self.where, self.server.url)

    def versions(self) -> Counter[str]:
        """Return how many versions each object has."""
        found: Counter[str] = Counter()
        for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=self.name):
            assert not page.get("DeleteMarkers")
            found.update(item["Key"].removeprefix("our/").replace("/", "") for item in page["Versions"])
        return found


@pytest.fixture(params=["ministack", pytest.param("ceph", marks=pytest.mark.shared)])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    server: Server = request.getfixturevalue(request.param)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.key[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.key[1])
    return Place(server, tmp_path / "cache")


def test_the_lock_holds_each_version_of_what_we_put(place: Place) -> None:
    assert place.bucket().lock().mode == "COMPLIANCE"
    assert place.store().put(DATA) == DIGEST
    key = {"Bucket": place.name, "Key": f"our/{DIGEST[:2]}/{DIGEST[2:]}"}
    head = place.s3.head_object(**key)
    assert (head["ObjectLockMode"], bool(head["ObjectLockRetainUntilDate"])) == ("COMPLIANCE", True)
    for more in ({}, {"BypassGovernanceRetention": True}):
        with pytest.raises(ClientError, match="AccessDenied"):
            place.s3.delete_object(**key, VersionId=head["VersionId"], **more)
    assert place.store().prove(DIGEST, len(DATA)) == DATA


def test_the_same_again_adds_no_version(place: Place) -> None:
    for _ in range(3):
        assert place.store().put(DATA) == DIGEST
    assert place.versions() == {DIGEST: 1}


def test_we_know_whether_the_server_keeps_the_first(place: Place) -> None:
    place.store().put(DATA)
    assert place.bucket().keeps_first(DIGEST, DATA) is place.server.conditional
    assert place.versions() == {DIGEST: 1 if place.server.conditional else 2}
    found = place.bucket().doubled()
    assert (found.objects, found.doubled) == (1, {} if place.server.conditional else {DIGEST: 2})
    assert place.store().get(DIGEST) == DATA
    names = {"PROOFWATCH_OBJECTS": place.where, "PROOFWATCH_OBJECTS_ENDPOINT": place.server.url}
    said = doubled(App(load_settings({"PROOFWATCH_HOME": str(place.cache), **names})))
    told = "1 of 1 objects in the bucket have older versions, 1 in all, which are not read (the first: "
    assert said == "" if place.server.conditional else said.startswith(told + DIGEST)


def test_what_cannot_be_asked_is_not_called_kept(place: Place) -> None:
    assert Bucket("s3://no-such-bucket/x", place.server.url).keeps_first(DIGEST, DATA) is None


def test_sixteen_processes_store_the_same_and_their_own(place: Place, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.evidence.object_crowd", place.where, place.server.url]
    done = subprocess.run(
        [*command, str(tmp_path / "crowd")], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    same = [object_crowd.common(n) for n in range(object_crowd.COMMON)]
    own = [
        object_crowd.own(writer, n) for writer in range(object_crowd.WRITERS) for n in range(object_crowd.OWN)
    ]
    wanted = {hashlib.sha256(data).hexdigest(): data for data in (*same, *own)}
    store = place.store()
    assert sorted(store.digests()) == sorted(wanted)
    assert all(store.get(digest) == data for digest, data in wanted.items())
    more = {digest: count for digest, count in place.versions().items() if count > 1}
    assert place.bucket().doubled().doubled == more, "every doubled object is told"
    if place.server.conditional:
        assert more == {}
    else:
        assert not more.keys() & {hashlib.sha256(data).hexdigest() for data in own}


@pytest.mark.parametrize("faults", [["lose"], ["cut"], ["slow down"] * 3, ["cut", "slow down", "lose"]])
def test_a_faulty_wire_neither_loses_nor_doubles(
    place: Place, faults: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(creating, "PAUSES", (0.05,) * 5)
    with wire(place.server.url) as between:
        between.faults = list(faults)
        assert place.store(between.url).put(DATA) == DIGEST
        # Where the answer was lost, the object is found, and not put again.
        assert between.done == faults + ["passed"] * (faults[-1] != "lose")
    assert place.versions() == {DIGEST: 1}
    assert place.store().get(DIGEST) == DATA


def test_a_wire_that_loses_everything_is_said_and_a_later_try_succeeds(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(creating, "PAUSES", (0.05,) * 3)
    with wire(place.server.url) as between:
        between.faults = ["cut"] * 4
        with pytest.raises(EvidenceError, match=f"storing object {DIGEST} in {place.where}") as caught:
            place.store(between.url).put(DATA)
        assert between.done == ["cut"] * 4
    assert not caught.value.permanent
    assert list(place.store().digests()) == []
    assert place.store().put(DATA) == DIGEST
    assert place.versions() == {DIGEST: 1}


def test_other_bytes_under_a_name_are_an_error_also_after_a_lost_answer(place: Place) -> None:
    key = f"our/{DIGEST[:2]}/{DIGEST[2:]}"
    place.s3.put_object(Bucket=place.name, Key=key, Body=b"forged", ChecksumAlgorithm="SHA256")
    with wire(place.server.url) as between:
        between.faults = ["lose"]
        with pytest.raises(EvidenceError, match="not those that its name promises"):
            place.store(between.url).put(DATA)
    assert place.versions() == {DIGEST: 1}
