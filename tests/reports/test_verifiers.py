"""Nothing in a binder can be changed, removed, exchanged or added without both verifiers naming the file."""

import itertools
import json
from datetime import timedelta

import pytest

from proofwatch.evidence import merkle
from proofwatch.evidence.checkpoint import sign_checkpoint
from proofwatch.evidence.entry import encode
from tests.evidence.logs import MemoryLog
from tests.reports.binders import (
    EARLY,
    OTHER,
    SIGNER,
    START,
    WITNESS,
    cosigned,
    digest,
    make_entries,
    make_objects,
    note_at,
    object_name,
    policy,
    slot_entries,
)

MANIFEST = object_name(make_objects()[0][0])
SCHEMA, ROWS = (object_name(item) for item in make_objects()[1][-2:])
LAST_BUNDLE = "log/tile/entries/001.p/50"
KINDS = [
    "README.md", "binder.json", "SHA256SUMS", "SHA256SUMS.note", "controls/list.csv", "log/checkpoint",
    "log/vkeys.txt", "log/policy.txt", "log/kept.json", "log/checkpoints/120.txt",
    "log/tile/0/000", "log/tile/0/001.p/50", "log/tile/1/000.p/1", "log/tile/entries/000", LAST_BUNDLE,
    "log/kept/260-witness.txt", "log/kept/120-tsa.tsr", "log/authorities/tsa.pem", MANIFEST, ROWS,
    "verify.py", "verify.html",
]  # fmt: skip
SOME = ["SHA256SUMS", "SHA256SUMS.note", "log/checkpoint", LAST_BUNDLE, "log/kept/120-tsa.tsr", ROWS]


def change(data):
    place = len(data) // 2
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


ACTS = {
    "change": change,
    "cut": lambda data: data[:-1],
    "lengthen": lambda data: data + b"\n",
    "empty": lambda data: b"",
}


def test_a_whole_binder_is_proven(verified, whole):
    found = verified(whole)
    assert (found.code, found.wrong, found.remarks) == (0, [], [])
    assert (
        "entries that are canonical, in the order of time, and make up the tiles of the log: 306"
        in found.proven
    )
    assert "objects that the entries from 4 to 304 lead to, there and unchanged: 5" in found.proven
    stamped = "log/kept/120-tsa.tsr: log/checkpoints/120.txt was there at "
    assert any(line.startswith(stamped) for line in found.proven)
    assert any("it came with the binder itself" in line for line in found.unproven)


def test_the_files_of_every_kind_are_in_the_binder(whole):
    assert set(KINDS) <= set(whole.files)


CASES = [
    *itertools.product(KINDS, ["change", "remove"]),
    *itertools.product(SOME, ["cut", "lengthen", "empty"]),
]


@pytest.mark.parametrize(("name", "act"), CASES)
def test_a_file_tampered_with_is_named(verified, whole, name, act):
    binder = whole.copy()
    if act == "remove":
        del binder.files[name]
    else:
        binder.files[name] = ACTS[act](binder.files[name])
    found = verified(binder)
    assert found.code == 1
    assert found.names(name)


@pytest.mark.parametrize(("name", "act"), [*itertools.product(KINDS, ["change"]), (MANIFEST, "remove")])
def test_a_file_tampered_with_is_found_though_the_list_was_made_anew(verified, whole, name, act):
    binder = whole.copy()
    if act == "remove":
        del binder.files[name]
    else:
        binder.files[name] = change(binder.files[name])
    if name != "SHA256SUMS":
        binder.sums()
    found = verified(binder)
    assert found.code == 1
    assert found.names(name) or found.names("SHA256SUMS")


@pytest.mark.parametrize("made_anew", [False, True])
def test_exchanged_and_added_files_are_found(verified, whole, made_anew):
    binder = whole.copy()
    one, other = "controls/list.csv", "README.md"
    binder.files[one], binder.files[other] = binder.files[other], binder.files[one]
    binder.files["controls/more.csv"] = b"x"
    if made_anew:
        binder.sums()
    found = verified(binder)
    assert found.code == 1
    named = ["SHA256SUMS"] if made_anew else [one, other, "controls/more.csv"]
    assert all(found.names(name) for name in named)
    assert made_anew or "controls/more.csv: it is not listed in SHA256SUMS" in found.wrong


OLDER = {
    "log/checkpoint": lambda binder: binder.files["log/checkpoints/260.txt"],
    "log/checkpoints/260.txt": lambda binder: binder.files["log/checkpoints/120.txt"],
    "log/kept/260-witness.txt": lambda binder: cosigned(binder.note(120)).encode(),
    "SHA256SUMS.note": lambda binder: SIGNER.sign(f"proofwatch-binder/1\n{'0' * 64}\n5\nAAAA\n").encode(),
    "log/kept/120-tsa.tsr": lambda binder: b"",
}


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("name", OLDER)
def test_an_older_file_played_again_is_named(verified, whole, authority, name, sealed):
    """Also where whoever holds the log's key signed the files anew."""
    binder = whole.copy()
    older = authority.stamp(binder.files["log/checkpoints/260.txt"])[0] if name.endswith(".tsr") else None
    binder.files[name] = older or OLDER[name](binder)
    if sealed and name != "SHA256SUMS.note":
        binder.seal()
    found = verified(binder)
    assert found.code == 1
    also = "SHA256SUMS" if name == "SHA256SUMS.note" else "binder.json" if name == "log/checkpoint" else name
    assert found.names(name) or found.names(also)


def test_a_courier_cannot_sign_with_a_key_of_their_own(verified, whole):
    binder = whole.copy()
    binder.files["controls/list.csv"] = b"control,statement\r\nCC6.1,All is well\r\n"
    binder.files["log/vkeys.txt"] += f"{OTHER.vkey}\n".encode()
    found = verified(binder.seal(OTHER))
    assert found.code == 1
    assert (
        f"log/vkeys.txt: no entry of the log names the key {OTHER.name}+{OTHER.verifier.key_id.hex()}"
        in found.wrong
    )
    assert "SHA256SUMS.note: no known key has signed it" in found.wrong


def reseal(binder, name, data):
    binder.files[name] = data
    return binder.seal()


def test_what_the_holder_of_the_key_does_to_the_evidence_is_found(verified, whole):
    """The list fits and is signed; the log, and what others hold, still say otherwise."""
    for name in (MANIFEST, SCHEMA, ROWS):
        binder = whole.copy()
        del binder.files[name]
        assert verified(binder.seal()).names(name)
        found = verified(reseal(whole.copy(), name, change(whole.files[name])))
        assert found.names(name)
        assert not any("unchanged" in line for line in found.proven)
    for name in ("log/tile/0/000", "log/tile/1/000.p/1", LAST_BUNDLE, "log/tile/entries/000"):
        found = verified(reseal(whole.copy(), name, change(whole.files[name])))
        assert any(line.startswith(name) for line in found.wrong)


OTHER_LOG = {"origin": SIGNER.name, "size": 305, "root": ""}
OTHER_ROOT = {"origin": SIGNER.name, "size": 306, "root": "00" * 32}
NO_FORM = "it does not say format proofwatch-binder/1, log, period and entries as a binder does"


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"last": 200}, "entries 4 to 304 are dated within its period, and it says 4 to 200"),
        ({"first": 6}, "entries 4 to 304 are dated within its period, and it says 6 to 304"),
        ({"log": OTHER_LOG}, "the log that it names is not that of log/checkpoint"),
        ({"log": OTHER_ROOT}, "the root in it is not that of log/checkpoint"),
        ({"format": "other"}, NO_FORM),
        ({"period": {"first": "1 May", "last": 7}}, NO_FORM),
    ],
)
def test_binder_json_must_agree_with_the_log(verified, whole, about, said):
    binder = whole.copy()
    binder.put_about(**about)
    assert verified(binder.seal()).wrong == [f"binder.json: {said}"]


def rewritten(whole, folder):
    """The same binder after a history in which one sweep found other things, signed anew as a whole."""
    binder = whole.copy()
    manifests = [digest(item) for item in make_objects()[0]]
    entries = make_entries(manifests)
    entries[100], entries[101] = slot_entries(48, manifests[1])
    binder.put_log(folder, entries)
    binder.put_about()
    return binder.seal()


def test_a_rewritten_log_is_revealed_by_a_checkpoint_that_was_kept(verified, whole, tmp_path):
    binder = rewritten(whole, tmp_path / "log")
    for name in [name for name in binder.files if name.startswith("log/kept/")]:
        del binder.files[name]
    binder.put_kept()
    binder.seal()
    assert verified(binder).code == 0
    kept = "the first {} entries do not have the root that stands in it"
    assert verified(binder, kept=whole.note(260)).wrong == [f"kept.txt, which you kept: {kept.format(260)}"]
    assert verified(binder, kept=whole.note(90)).code == 0
    found = verified(whole, kept=whole.note(260))
    assert "nothing in front of entry 260 was changed since kept.txt, which you kept" in found.proven


def test_a_rewritten_log_is_revealed_by_a_witness_and_a_time_stamp(verified, whole, tmp_path):
    binder = rewritten(whole, tmp_path / "log")
    found = verified(binder)
    said = "the first 260 entries do not have the root that stands in it"
    assert f"log/kept/260-witness.txt: {said}" in found.wrong
    assert (
        "log/kept/120-tsa.tsr: it is not over log/checkpoints/120.txt as it stands in the binder"
        in found.wrong
    )


def test_a_binder_older_than_the_checkpoint_that_was_kept_says_so(verified, whole):
    later = MemoryLog([*whole.entries, note_at(START + timedelta(days=50))])
    root = merkle.root(map(merkle.leaf_hash, later.stored))
    found = verified(whole, kept=sign_checkpoint(SIGNER, 307, root))
    older = "this binder is older than the checkpoint that you kept: it holds 306 entries, and you saw 307"
    assert found.wrong == [f"kept.txt, which you kept: {older}"]


def test_a_checkpoint_of_another_log_or_key_is_refused(verified, whole):
    assert verified(whole, kept=whole.note(120, OTHER)).wrong == [
        "kept.txt, which you kept: no known key has signed it"
    ]
    assert verified(whole, kept="nonsense").wrong == ["kept.txt, which you kept: it is no signed note"]


def test_the_key_that_the_auditor_knows_decides(verified, whole):
    found = verified(whole, vkey=SIGNER.vkey)
    assert found.code == 0
    assert not any("came with the binder itself" in line for line in found.unproven)
    found = verified(whole, vkey=OTHER.vkey)
    assert {
        "log/checkpoint: no known key has signed it",
        "SHA256SUMS.note: no known key has signed it",
    } <= set(found.wrong)
    found = verified(whole, policy=policy())
    assert found.code == 0
    assert not any("came with" in line for line in found.unproven)
    assert any(WITNESS in line for line in found.proven)


@pytest.mark.parametrize("handed_over", [True, False])
def test_a_key_is_followed_as_far_as_the_older_one_signed_for_it(verified, whole, tmp_path, handed_over):
    entries = make_entries([digest(item) for item in make_objects()[0]])
    at = START + timedelta(days=45)
    entries.append(
        encode(kind="key.rotated", actor="olga", at=at, data={"vkey": OTHER.vkey, "before": SIGNER.vkey})
    )
    binder = whole.copy()
    binder.put_log(tmp_path / "log", entries, OTHER, sizes=())
    for size in (120, 260, 307) if handed_over else (120, 260):
        binder.files[f"log/checkpoints/{size}.txt"] = binder.note(size).encode()
    binder.files["log/vkeys.txt"] += f"{OTHER.vkey}\n".encode()
    binder.put_about()
    binder.seal(OTHER)
    assert verified(binder).code == 0
    assert verified(binder, vkey=OTHER.vkey).code == 0
    found = verified(binder, vkey=SIGNER.vkey)
    assert found.code == (0 if handed_over else 1)
    assert handed_over or found.names("log/checkpoint")


def test_gaps_in_the_schedule_cannot_be_told_away(verified, whole, tmp_path):
    manifests = [digest(item) for item in make_objects()[0]]
    entries = make_entries(manifests)
    del entries[20:22]  # one occurrence and its sweep
    del entries[31]  # the end of another sweep
    binder = whole.copy()
    binder.put_log(tmp_path / "log", entries, sizes=())
    for name in [name for name in binder.files if name.startswith(("log/kept", "log/checkpoints/"))]:
        del binder.files[name]
    binder.put_about(last=301)
    found = verified(binder.seal())
    assert found.code == 3
    assert any(
        line.startswith("what was due for connection 7: the next occurrence was 2026-01-01T08:00:00Z and")
        for line in found.unproven
    )
    assert any(line.startswith("how sweep 14 ended: entry 30 began it") for line in found.unproven)


def test_without_a_key_nothing_is_signed(verified, whole):
    binder = reseal(whole.copy(), "log/vkeys.txt", b"# none\n")
    found = verified(binder)
    assert (found.code, found.wrong) == (3, [])
    assert verified(binder, vkey=SIGNER.vkey).code == 0


def test_witnesses_must_have_signed_what_they_are_said_to(verified, whole):
    name = "log/kept/260-witness.txt"
    note = whole.note(260)
    lines = cosigned(whole.note(120)).encode().splitlines(keepends=True)
    found = verified(reseal(whole.copy(), name, note.encode() + lines[-1]))
    assert found.wrong == [f"{name}: the cosignature of {WITNESS}+a50367b6 does not fit"]
    found = verified(reseal(whole.copy(), name, cosigned(note, seed=b"\x0a" * 32).encode()))
    assert found.code == 0
    assert f"{name}: who cosigned it: no key of a known witness fits" in found.unproven


def test_objects_that_nothing_leads_to_are_remarked(verified, whole):
    stray = b"nobody names me"
    found = verified(reseal(whole.copy(), object_name(stray), stray))
    assert (found.code, found.wrong) == (0, [])
    assert found.remarks == [f"{object_name(stray)}: no entry of the log leads to it"]
    early = b"from before the period"
    assert verified(reseal(whole.copy(), object_name(early), early)).remarks == []


PLAIN = note_at(START + timedelta(days=60))


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (b'{"actor":"a"}', "its fields are not v, kind, actor, at, data"),
        (note_at(EARLY), "it is dated before the entry in front of it"),
        (PLAIN.replace(b":{", b": {"), "it is not canonical JSON (RFC 8785)"),
        (PLAIN.replace(b".000000Z", b"Z"), "its time is not of the form 2026-11-23T06:00:00.000000Z"),
        (PLAIN.replace(b":0}", b":" + b"[" * 150 + b"]" * 150 + b"}"), "it is nested too deeply"),
        (PLAIN.replace(b":0}", b":9007199254740993}"), "it holds a whole number of 2**53 or more"),
        (b"not JSON", "it is not JSON"),
    ],
)
def test_entries_that_their_writer_would_not_write_are_named(verified, whole, tmp_path, entry, said):
    binder = whole.copy()
    binder.put_log(tmp_path / "log", [*whole.entries, entry])
    binder.put_about()
    assert verified(binder.seal()).wrong == [f"log/tile/entries/001.p/51: entry 306: {said}"]


def test_json_nested_too_deeply_to_be_read_is_not_passed_over(verified, whole):
    deep = b'{"manifest":' + b"[" * 3000 + b"]" * 3000 + b"}"
    found = verified(reseal(whole.copy(), object_name(deep), deep))
    assert (found.code, found.wrong) == (3, [])
    assert f"which objects {object_name(deep)} names: it is nested too deeply" in found.unproven


def test_what_was_kept_must_be_there_and_fit(verified, whole):
    name, listed = "log/kept.json", json.loads(whole.files["log/kept.json"])
    binder = whole.copy()
    del binder.files["log/kept/260-witness.txt"]
    del binder.files["log/checkpoints/120.txt"]
    found = verified(binder.seal())
    assert f"log/kept/260-witness.txt: it is missing, and {name} names it" in found.wrong
    assert f"log/checkpoints/120.txt: it is missing, and {name} names it" in found.wrong
    missing = "log/checkpoints/120.txt, which it should be over, cannot be read"
    assert f"log/kept/120-tsa.tsr: {missing}" in found.wrong
    listed[-1]["root"] = "00" * 32
    found = verified(reseal(whole.copy(), name, json.dumps(listed).encode()))
    assert found.wrong == [f"{name}: the root in it is not that of log/checkpoints/120.txt"]
    found = verified(reseal(whole.copy(), name, b'{"size": 1}'))
    assert found.wrong == [f"{name}: it is not a list of size, root and file"]
