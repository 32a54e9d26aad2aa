"""A pool over real Dask workers: over TLS, at the pace of all, and when the network takes one away."""

from __future__ import annotations

import datetime
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from proofwatch.runtime import cluster as dask
from proofwatch.runtime import pool as pool_module
from proofwatch.runtime.executor import ExecutorLost
from proofwatch.runtime.pool import Pool, running
from tests.clusters import Cluster
from tests.runtime.killers import Job, Paced, paced, squares

JOBS = [Job((number,), nap=0.1) for number in range(40)]
NUMBERS = sorted(number * number for number in range(40))


def done(pool: Pool, jobs: list[Job]) -> list[int]:
    return sorted(number for _, result in pool.each(squares, jobs) for number in result)  # type: ignore[attr-defined]


def test_all_workers_keep_one_pace(tmp_path: Path) -> None:
    with Cluster(tmp_path) as cluster:
        cluster.add("w", 2)
        with running(dask.Cluster(cluster.address)) as pool:
            jobs = [Paced(dask.ClusterTurns(), "vanta secret", 0.1, 5) for _ in range(6)]
            turns = sorted(at for _, taken in pool.each(paced, jobs) for at, _ in taken)
            workers = {pid for _, taken in pool.each(paced, jobs[:4]) for _, pid in taken}
    assert len(turns) == 30
    assert turns[-1] - turns[0] >= 29 * 0.1 - 0.05, "thirty turns take thirty gaps, whoever takes them"
    assert len(workers) == 2
    assert "secret" not in cluster.log("scheduler")


def test_a_cluster_that_speaks_tls_lets_in_who_has_its_authoritys_certificate(tmp_path: Path) -> None:
    files = certificates(tmp_path / "own")
    options = ["--tls-ca-file", files[0], "--tls-cert", files[1], "--tls-key", files[2]]
    with Cluster(tmp_path / "dask", tls=options) as cluster:
        cluster.add("w", 1)
        with running(dask.Cluster(cluster.address, dask.Tls(*files))) as pool:
            assert done(pool, JOBS[:3]) == NUMBERS[:3]
        strange = dask.Tls(*certificates(tmp_path / "strange"))
        with pytest.raises(ExecutorLost) as caught:
            _ = dask.Cluster(cluster.address, strange, patience=1).size
    assert "no scheduler answers" in str(caught.value)


def test_every_task_of_a_wave_ends_for_itself(tmp_path: Path) -> None:
    with Cluster(tmp_path) as cluster:
        cluster.add("w", 1)
        workers = dask.Cluster(cluster.address)
        good, odd = Job((3,)), Job(("a",))  # type: ignore[arg-type]
        ends = [workers.submit(squares, job, frozenset()) for job in (good, odd, good)]
        lost = workers.submit(partial(print, threading.Lock()), good, frozenset())
        assert [ends[0].result(60), ends[2].result(60)] == [[9], [9]]
        assert isinstance(ends[1].exception(60), TypeError)
        assert lost.exception(60) is not None, "what cannot be sent is told, and holds nothing up"
        slow = workers.submit(squares, Job((4,), nap=2), frozenset())
        with pytest.raises(TimeoutError):
            slow.result(0.5)
        workers.close(wait=False)
        with pytest.raises(CancelledError):
            slow.result(60)
        assert workers.submit(squares, good, frozenset()).result(60) == [9], "it begins anew when it is asked"
        workers.close(wait=True)


def test_a_scheduler_that_is_nowhere_is_told_in_words() -> None:
    with pytest.raises(ExecutorLost) as caught:
        _ = dask.Cluster("tcp://127.0.0.1:9", patience=1).size
    assert "no scheduler answers at tcp://127.0.0.1:9" in caught.value.problem
    assert not caught.value.permanent


def test_a_cluster_without_workers_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "LOOK", 0.2)
    with (
        Cluster(tmp_path) as cluster,
        pytest.raises(ExecutorLost) as caught,
        running(dask.Cluster(cluster.address, patience=1)) as pool,
    ):
        done(pool, JOBS)
    assert f"no worker has been at {cluster.address}" in caught.value.problem
    assert not caught.value.permanent


def test_a_worker_that_the_network_takes_away_costs_nothing(tmp_path: Path) -> None:
    with namespace() as (here, there, name), Cluster(tmp_path, host=here) as cluster:
        cluster.add("near", 1)
        command = ["ip", "netns", "exec", name]
        cluster.add("far", 1, more=["--host", there], through=command)
        with running(dask.Cluster(cluster.address)) as pool:
            until = time.monotonic() + 60
            while pool.size < 2:
                assert time.monotonic() < until, (cluster.log("near"), cluster.log("far"))
                time.sleep(0.2)
            cut = threading.Timer(1.0, subprocess.run, [["ip", "link", "set", f"{name}a", "down"]])
            cut.start()
            assert done(pool, JOBS) == NUMBERS
            cut.join()


@contextmanager
def namespace() -> Iterator[tuple[str, str, str]]:
    """Make a network of two: this machine and another; yield their addresses and the other's name."""
    name, net = f"pw{threading.get_native_id() % 100_000}", "10.213.7"
    steps = [
        f"ip netns add {name}",
        f"ip link add {name}a type veth peer name {name}b netns {name}",
        f"ip addr add {net}.1/30 dev {name}a",
        f"ip link set {name}a up",
        f"ip -n {name} addr add {net}.2/30 dev {name}b",
        f"ip -n {name} link set {name}b up",
        f"ip -n {name} link set lo up",
    ]
    if shutil.which("ip") is None:
        pytest.skip("there is no `ip` to make a network with (Debian: iproute2)")
    try:
        for step in steps:
            made = subprocess.run(step.split(), capture_output=True, text=True)
            if made.returncode:
                pytest.skip(f"no network can be made here: {made.stderr.strip()}")
        yield f"{net}.1", f"{net}.2", name
    finally:
        subprocess.run(["ip", "link", "del", f"{name}a"], capture_output=True)
        subprocess.run(["ip", "netns", "del", name], capture_output=True)


def certificates(folder: Path) -> tuple[str, str, str]:
    """Write an authority, and a certificate of it for this machine; return the files of both and the key."""
    folder.mkdir()
    authority, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"authority {folder.name}")])
    now = datetime.datetime.now(datetime.UTC)

    def sign(subject: x509.Name, key: ec.EllipticCurvePrivateKey, ca: bool) -> bytes:
        made = (
            x509.CertificateBuilder()
            .subject_name(subject).issuer_name(issuer).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .sign(authority, hashes.SHA256())
        )  # fmt: skip
        return made.public_bytes(serialization.Encoding.PEM)

    ca, cert, key = (folder / name for name in ("ca.pem", "cert.pem", "key.pem"))
    ca.write_bytes(sign(issuer, authority, True))
    cert.write_bytes(sign(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "worker")]), own, False))
    form = serialization.PrivateFormat.PKCS8
    key.write_bytes(own.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return str(ca), str(cert), str(key)
