"""A small binder in the form of docs/binder.md: a real log, objects, keepers' answers, list and signature."""

import base64
import hashlib
import json
import subprocess
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proofwatch.evidence import merkle
from proofwatch.evidence.checkpoint import sign_checkpoint
from proofwatch.evidence.entry import encode, object_ref
from proofwatch.evidence.note import DASH, Signer, encode64
from proofwatch.evidence.tiles import write_log
from proofwatch.reports import verifiers
from tests.evidence.logs import MemoryLog

SIGNER = Signer("example.org/log", b"\x07" * 32)
OTHER = Signer("example.org/log", b"\x08" * 32)
WITNESS = "witness.example"
WITNESS_SEED = b"\x09" * 32
FIRST, LAST = "2026-01-01", "2026-01-31"
EARLY = datetime(2025, 12, 1, tzinfo=UTC)
START = datetime(2026, 1, 1, tzinfo=UTC)
SLOTS = 150
SEEN = 1_769_000_000


def digest(data):
    return hashlib.sha256(data).hexdigest()


def object_name(data):
    name = digest(data)
    return f"objects/{name[:2]}/{name[2:]}"


def note_at(at, number=0):
    return encode(kind="log.noted", actor="olga", at=at, data={"number": number})


def slot_entries(number, manifest):
    """An occurrence that was due, and how its sweep ended."""
    at = START + timedelta(hours=number)
    said = {"connection": "7", "sweep": str(number)}
    slot = at.isoformat().replace("+00:00", "Z")
    yield encode(kind="schedule.slot", actor="system", at=at, data={**said, "slot": slot})
    yield encode(
        kind="sweep.finished",
        actor="system",
        at=at + timedelta(minutes=5),
        data={**said, "manifest": manifest},
    )


def cosigned(note, at=SEEN, seed=WITNESS_SEED):
    """The note with the cosignature of a witness (C2SP tlog-cosignature)."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    text = note.partition("\n\n")[0] + "\n"
    signature = at.to_bytes(8, "big") + key.sign(f"cosignature/v1\ntime {at}\n{text}".encode())
    return f"{note}{DASH}{WITNESS} {encode64(witness_number(key) + signature)}\n"


def witness_number(key):
    public = b"\x04" + key.public_key().public_bytes_raw()
    return hashlib.sha256(WITNESS.encode() + b"\n" + public).digest()[:4]


def witness_vkey(seed=WITNESS_SEED):
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public = b"\x04" + key.public_key().public_bytes_raw()
    return f"{WITNESS}+{witness_number(key).hex()}+{encode64(public)}"


def policy():
    return f"log {SIGNER.vkey}\nwitness w {witness_vkey()}\nquorum w\n"


def make_entries(manifests, slots=SLOTS, vkey=SIGNER.vkey):
    """A key and a connection before the period, a sweep each hour within it, a remark after it.

    What a witness saw of it, 260 entries, ends within a day of the period's last one.
    """
    created = {"connection": "7", "interval_minutes": 60}
    entries = [
        encode(kind="key.created", actor="olga", at=EARLY, data={"vkey": vkey}),
        encode(kind="connection.created", actor="olga", at=EARLY, data=created),
        encode(
            kind="sweep.planned", actor="olga", at=EARLY, data={"connection": "7", "sweep": "old"}
        ),
        encode(
            kind="sweep.finished", actor="olga", at=EARLY,
            data={"connection": "7", "sweep": "old", "manifest": digest(b"from before the period")},
        ),
    ]  # fmt: skip
    for number in range(slots):
        entries += slot_entries(number, manifests[number % len(manifests)])
    noted = {"share": 0.000025, "name": "Zoë \U0001f600", "ﬁ": 1, "file": object_ref(*ROWS_REF, "upload")}
    entries.append(encode(kind="log.noted", actor="olga", at=START + timedelta(hours=slots), data=noted))
    entries.append(note_at(START + timedelta(days=40)))
    return entries


ROWS = b"PAR1" + bytes(range(256)) * 400
SCHEMA = b'{"columns":["id"]}'
ROWS_REF = (digest(ROWS), len(ROWS))


def make_objects():
    """Two manifests, each naming a schema and rows, and a list that was too long for its entry."""
    listed = json.dumps([digest(SCHEMA)]).encode()
    manifests = [
        json.dumps({"tables": [{"schema": digest(SCHEMA), "base": digest(ROWS)}], "number": number,
                    "deltas": digest(listed)}).encode()
        for number in range(2)
    ]  # fmt: skip
    return manifests, [*manifests, listed, SCHEMA, ROWS]


@dataclass
class Binder:
    """The files of a binder by name; `seal` makes list and signature of what is there."""

    files: dict[str, bytes] = field(default_factory=dict)
    entries: list[bytes] = field(default_factory=list)

    def put_log(self, folder, entries, signer=SIGNER, sizes=(120, 260)):
        """Put a log in, with checkpoints at some sizes."""
        self.entries = list(entries)
        log = MemoryLog(self.entries)
        root = merkle.root(map(merkle.leaf_hash, self.entries))
        log.note = sign_checkpoint(signer, len(self.entries), root)
        write_log(log, folder)
        for name in [name for name in self.files if name.startswith("log/tile/")]:
            del self.files[name]
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.files[f"log/{path.relative_to(folder).as_posix()}"] = path.read_bytes()
        for size in sizes:
            self.files[f"log/checkpoints/{size}.txt"] = self.note(size, signer).encode()

    def note(self, size, signer=SIGNER):
        """A signed checkpoint over the first entries."""
        return sign_checkpoint(signer, size, merkle.root(map(merkle.leaf_hash, self.entries[:size])))

    def put_kept(self):
        """Put log/kept.json in: who was given which checkpoint."""
        listed = []
        for name in sorted(name for name in self.files if name.startswith("log/kept/")):
            size, keeper = name.removeprefix("log/kept/").rpartition(".")[0].split("-")
            root = merkle.root(map(merkle.leaf_hash, self.entries[: int(size)])).hex()
            kind = "timestamp" if name.endswith(".tsr") else "witness"
            listed.append({"keeper": keeper, "kind": kind, "size": int(size), "root": root, "file": name})
        mailed = {"keeper": "mail", "kind": "mail", "size": 120, "file": ""}
        listed.append({**mailed, "root": merkle.root(map(merkle.leaf_hash, self.entries[:120])).hex()})
        self.files["log/kept.json"] = json.dumps(listed).encode()

    def put_about(self, first=4, last=None, **changes):
        """Put binder.json in."""
        size = len(self.entries)
        last = 4 + 2 * SLOTS if last is None else last
        about = {
            "format": "proofwatch-binder/1", "audit": "soc2", "period": {"first": FIRST, "last": LAST},
            "by": "olga", "role": "owner", "at": "2026-02-01T00:00:00Z",
            "log": {"origin": SIGNER.name, "size": size,
                    "root": merkle.root(map(merkle.leaf_hash, self.entries)).hex()},
            "entries": {"first": first, "last": last}, "counts": {}, **changes,
        }  # fmt: skip
        self.files["binder.json"] = json.dumps(about).encode()

    def sums(self):
        """Make SHA256SUMS anew."""
        names = sorted(name for name in self.files if not name.startswith("SHA256SUMS"))
        lines = "".join(f"{digest(self.files[name])}  {name}\n" for name in names)
        self.files["SHA256SUMS"] = lines.encode()

    def seal(self, signer=SIGNER):
        """Make SHA256SUMS and its signature anew."""
        self.sums()
        size, root = self.files["log/checkpoint"].decode().split("\n")[1:3]
        text = f"proofwatch-binder/1\n{digest(self.files['SHA256SUMS'])}\n{size}\n{root}\n"
        self.files["SHA256SUMS.note"] = signer.sign(text).encode()
        return self

    def copy(self):
        return Binder(dict(self.files), list(self.entries))

    def write(self, path, method=zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(path, "w", method) as file:
            for name, data in self.files.items():
                file.writestr(name, data)
        return path


def make_binder(folder, stamp=None):
    """A whole binder; `stamp` makes a time-stamp token of the bytes that it is given."""
    binder = Binder()
    manifests, objects = make_objects()
    binder.put_log(folder / "log", make_entries([digest(item) for item in manifests]))
    for item in objects:
        binder.files[object_name(item)] = item
    binder.files |= {
        "README.md": b"# A binder\n",
        "controls/list.csv": b"control,statement\r\nCC6.1,Access is limited\r\n",
        "controls/list.meta.json": b'{"rows":1}',
        "log/vkeys.txt": f"# oldest first\n{SIGNER.vkey}\n".encode(),
        "log/policy.txt": policy().encode(),
        "log/kept/260-witness.txt": cosigned(binder.note(260)).encode(),
        **{name: verifiers.path(name).read_bytes() for name in verifiers.NAMES},
    }
    if stamp:
        token, pem = stamp(binder.files["log/checkpoints/120.txt"])
        binder.files |= {"log/kept/120-tsa.tsr": token, "log/authorities/tsa.pem": pem}
    binder.put_kept()
    binder.put_about()
    return binder.seal()


TSA_CONFIG = """
[req]
distinguished_name = dn
[dn]
[tsa]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[ts]
default_tsa = stamp
[stamp]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
accuracy = secs:1
"""


class StampAuthority:
    """A time-stamp authority of its own, made with openssl."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        (folder / "serial").write_text("01\n")
        (folder / "conf").write_text(TSA_CONFIG.format(folder=folder))
        self._run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                  "-config", "conf", "-extensions", "tsa", "-subj", "/CN=Test stamper", "-days", "30",
                  "-keyout", "tsa.key", "-out", "tsa.pem")  # fmt: skip

    def _run(self, *words):
        done = subprocess.run(["openssl", *words], cwd=self.folder, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()

    def stamp(self, data):
        """Return (response, certificate)."""
        (self.folder / "data").write_bytes(data)
        self._run("ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "query")
        self._run("ts", "-reply", "-config", "conf", "-section", "stamp", "-queryfile", "query",
                  "-signer", "tsa.pem", "-inkey", "tsa.key", "-out", "reply")  # fmt: skip
        return (self.folder / "reply").read_bytes(), (self.folder / "tsa.pem").read_bytes()


def root64(note):
    return base64.b64decode(note.split("\n")[2])
