import base64
import errno
import hashlib
import os
import pickle
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.objects import LocalObjects, open_objects
from proofwatch.snapshots.tasks import Everywhere

DATA = b"some evidence"
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(scope="module")
def endpoint():
    """A real S3 server over HTTP that honours If-None-Match."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**os.environ, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
    command = [str(Path(sys.executable).with_name("ministack"))]
    server = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(200):
            try:
                urllib.request.urlopen(address, timeout=1)
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(params=["folder", "s3"])
def store(request, tmp_path, monkeypatch):
    if request.param == "folder":
        return open_objects(str(tmp_path / "objects"), cache=tmp_path / "cache")
    import boto3

    endpoint = request.getfixturevalue("endpoint")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    bucket = f"evidence-{abs(hash(request.node.nodeid)) % 10**8}"
    boto3.Session().client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket=bucket)
    return open_objects(f"s3://{bucket}/prefix", cache=tmp_path / "cache", options={"endpoint": endpoint})


def test_bytes_come_back_under_their_digest(store, tmp_path):
    assert store.put(DATA) == DIGEST
    assert store.get(DIGEST) == DATA
    assert store.path(DIGEST).read_bytes() == DATA
    assert list(store.digests()) == [DIGEST]


def test_a_file_is_the_same_object_as_its_bytes(store, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(DATA)
    assert store.put_file(path) == DIGEST == store.put(DATA)
    assert list(store.digests()) == [DIGEST]


def test_what_is_not_there_is_said(store):
    with pytest.raises(EvidenceError, match=DIGEST):
        store.get(DIGEST)
    with pytest.raises(EvidenceError, match=DIGEST):
        store.path(DIGEST)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "a" * 63])
def test_a_name_that_is_no_digest_is_refused(store, name):
    with pytest.raises(EvidenceError, match="not a SHA-256"):
        store.get(name)


def test_many_writers_of_the_same_bytes_all_succeed(store):
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: store.put(DATA), range(16))) == {DIGEST}


def test_a_changed_file_is_found_and_not_replaced(tmp_path):
    store = LocalObjects(tmp_path)
    store.put(DATA)
    path = store.path(DIGEST)
    path.chmod(0o644)
    path.write_bytes(b"other evidence")
    for act in (store.get, store.path):
        with pytest.raises(EvidenceError, match="not those that its name promises"):
            act(DIGEST)
    with pytest.raises(EvidenceError, match="not those that its name promises"):
        store.put(DATA)
    assert path.read_bytes() == b"other evidence"


def test_objects_are_read_only_and_nothing_half_written_is_left(tmp_path):
    store = LocalObjects(tmp_path)
    store.put(DATA)
    (file,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert file.stat().st_mode & 0o222 == 0


@pytest.mark.parametrize("store", ["s3"], indirect=True)
def test_a_damaged_cache_is_read_again(store):
    store.put(DATA)
    cached = store.path(DIGEST)
    cached.chmod(0o644)
    cached.write_bytes(b"damaged")
    assert store.path(DIGEST).read_bytes() == DATA


@pytest.mark.parametrize(
    ("where", "said"), [("gs://bucket", "gs:// is not supported"), ("s3://", "names no bucket")]
)
def test_an_unknown_place_is_refused(tmp_path, where, said):
    with pytest.raises(EvidenceError, match=said):
        open_objects(where, cache=tmp_path)


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder", "utf-8")
    with pytest.raises(EvidenceError, match="storing object"):
        LocalObjects(blocked / "objects").put(DATA)


def test_proving_looks_at_the_store_and_not_at_a_copy(store):
    store.put(DATA)
    copy = store.path(DIGEST)
    assert store.prove(DIGEST) == b""
    assert store.prove(DIGEST, len(DATA) - 1) == b""
    assert store.prove(DIGEST, len(DATA)) == DATA
    remove(store)
    with pytest.raises(EvidenceError, match="it is not in the store"):
        store.prove(DIGEST)
    assert copy.exists() is not isinstance(store, LocalObjects)


def test_other_bytes_under_a_name_are_found_in_either_store(store):
    store.put(DATA)
    remove(store)
    replace(store, b"other evidence")
    for act in (store.get, store.path, store.prove, lambda _: store.put(DATA)):
        with pytest.raises(EvidenceError, match="not those that its name promises"):
            act(DIGEST)


def remove(store):
    import obstore

    if isinstance(store, LocalObjects):
        store.name(DIGEST).unlink()
    else:
        obstore.delete(store._store, f"{DIGEST[:2]}/{DIGEST[2:]}")


def replace(store, data):
    import obstore

    if isinstance(store, LocalObjects):
        store.name(DIGEST).write_bytes(data)
    else:
        obstore.put(store._store, f"{DIGEST[:2]}/{DIGEST[2:]}", data)


@pytest.mark.parametrize("data", [b"", b"x" * (3 << 20)], ids=["empty", "3 MB"])
def test_empty_and_long_objects_come_back(store, tmp_path, data):
    path = tmp_path / "file"
    path.write_bytes(data)
    digest = store.put_file(path)
    assert digest == hashlib.sha256(data).hexdigest()
    assert store.get(digest) == store.path(digest).read_bytes() == store.prove(digest, 4 << 20) == data


def test_a_file_that_is_not_there_is_said(store, tmp_path):
    with pytest.raises(EvidenceError, match=r"storing missing\.parquet: No such file"):
        store.put_file(tmp_path / "missing.parquet")


def test_a_checksum_is_stored_beside_the_bytes(endpoint, tmp_path, monkeypatch):
    import boto3

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    client = boto3.Session().client("s3", endpoint_url=endpoint, region_name="us-east-1")
    client.create_bucket(Bucket="evidence-checksum")
    names = {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1"}
    open_objects("s3://evidence-checksum/a/b/", cache=tmp_path, options=names).put(DATA)
    key = f"a/b/{DIGEST[:2]}/{DIGEST[2:]}"
    head = client.head_object(Bucket="evidence-checksum", Key=key, ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == base64.b64encode(bytes.fromhex(DIGEST)).decode()


def test_a_bucket_that_is_not_there_is_said_in_one_sentence(endpoint, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    store = open_objects("s3://no-such-bucket", cache=tmp_path, options={"endpoint": endpoint})
    with pytest.raises(EvidenceError, match="storing object") as caught:
        store.put(DATA)
    assert "Debug source" not in str(caught.value)
    assert caught.value.permanent is False


@pytest.mark.parametrize("form", ["file://{}", "file://localhost{}", "{}"])
def test_a_folder_may_be_named_as_a_url(tmp_path, form):
    folder = tmp_path / "with space"
    where = form.format(str(folder).replace(" ", "%20") if "file" in form else folder)
    open_objects(where, cache=tmp_path / "cache").put(DATA)
    assert LocalObjects(folder).get(DIGEST) == DATA


@pytest.mark.parametrize("where", ["file://host/folder", "file://", "https://host/folder"])
def test_another_url_is_refused(tmp_path, where):
    with pytest.raises(EvidenceError, match="not supported"):
        open_objects(where, cache=tmp_path)


def test_a_bucket_travels_to_a_worker_without_its_keys(tmp_path):
    keys = {
        "access_key_id": "an-id-of-a-key",
        "AWS_SECRET_ACCESS_KEY": "a-secret",
        "endpoint": "http://far:1",
    }
    store = open_objects("s3://bucket/prefix", cache=tmp_path, options={**keys, "AWS_REGION": "eu-west-1"})
    sent = pickle.dumps(store)
    assert b"an-id-of-a-key" not in sent and b"a-secret" not in sent
    assert b"http://far:1" in sent and b"eu-west-1" in sent
    assert isinstance(pickle.loads(sent), Everywhere) and not isinstance(LocalObjects(tmp_path), Everywhere)


def test_bytes_that_changed_while_being_stored_are_not_kept(tmp_path):
    store = LocalObjects(tmp_path)
    with pytest.raises(EvidenceError, match="not those that its name promises"):
        store.keep(DIGEST, iter([DATA[:4], b"other"]))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_objects_are_kept_where_files_cannot_be_linked(tmp_path, monkeypatch):
    def refuse(*names):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    store = LocalObjects(tmp_path)
    assert store.put(DATA) == store.put(DATA) == DIGEST
    assert store.get(DIGEST) == DATA
