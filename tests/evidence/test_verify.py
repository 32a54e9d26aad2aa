import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.checkpoint import sign_checkpoint
from proofwatch.evidence.entry import encode
from proofwatch.evidence.objects import LocalObjects
from proofwatch.evidence.verify import verify_log
from tests.evidence.logs import SIGNER, START, MemoryLog, make_entry


def verify(log, objects=None, earlier=None):
    return verify_log(log, [SIGNER.vkey], objects, earlier)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 700])
def test_a_whole_log_is_proven(size):
    report = verify(MemoryLog(map(make_entry, range(size))))
    assert report.wrong == []
    assert (
        f"the first {size} of {size} entries are exactly those that example.org/log signed" in report.proven
    )
    assert report.exit_code == 0


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 300), st.data())
def test_one_changed_byte_is_found(size, data):
    log = MemoryLog(map(make_entry, range(size)))
    index = data.draw(st.integers(0, size - 1))
    entry = bytearray(log.stored[index])
    place = data.draw(st.integers(0, len(entry) - 1))
    entry[place] ^= data.draw(st.integers(1, 255))
    log.stored[index] = bytes(entry)
    assert verify(log).exit_code == 1


@pytest.mark.parametrize("size", [3, 256, 300])
@pytest.mark.parametrize("act", ["remove first", "remove middle", "cut", "swap", "repeat", "add"])
def test_removal_reordering_truncation_and_addition_are_found(size, act):
    log = MemoryLog(map(make_entry, range(size)))
    entries = log.stored
    match act:
        case "remove first":
            del entries[0]
        case "remove middle":
            del entries[size // 2]
        case "cut":
            del entries[-1]
        case "swap":
            entries[0], entries[1] = entries[1], entries[0]
        case "repeat":
            entries.insert(1, entries[0])
        case "add":
            entries.insert(0, make_entry(-1))
    assert verify(log).exit_code == 1


@pytest.mark.parametrize(("level", "place"), [(0, 0), (0, 299), (1, 0)])
def test_a_changed_tile_is_found(level, place):
    log = MemoryLog(map(make_entry, range(300)))
    log.levels[level][place] = b"\x00" * 32
    assert any(text.startswith(f"tile {level}/") for text in verify(log).wrong)


def test_a_log_rewritten_and_signed_again_is_revealed_by_a_checkpoint_kept_elsewhere():
    kept = MemoryLog(map(make_entry, range(10))).note
    rewritten = MemoryLog(
        [*map(make_entry, range(5)), make_entry(5, other=True), *map(make_entry, range(6, 12))]
    )
    assert verify(rewritten).exit_code == 0
    report = verify(rewritten, earlier=kept)
    assert report.wrong == [
        "the log was rewritten: its first 10 entries are not those of the checkpoint kept"
    ]


def test_a_log_that_only_grew_agrees_with_a_checkpoint_kept_elsewhere():
    kept = MemoryLog(map(make_entry, range(10))).note
    report = verify(MemoryLog(map(make_entry, range(20))), earlier=kept)
    assert "nothing before entry 10 was changed since the checkpoint that was kept" in report.proven


def test_a_shorter_log_than_the_checkpoint_kept_is_found():
    kept = MemoryLog(map(make_entry, range(10))).note
    assert verify(MemoryLog(map(make_entry, range(9))), earlier=kept).exit_code == 1


def test_entries_after_the_checkpoint_are_said_to_be_unsigned():
    report = verify(MemoryLog(map(make_entry, range(10)), signed=7))
    assert "the last 3 entries: not signed yet" in report.unproven
    assert report.exit_code == 0


@pytest.mark.parametrize("given", [True, False])
def test_proven_objects_do_not_stand_in_for_a_signature(tmp_path, given):
    log = MemoryLog([make_entry(0, manifest=LocalObjects(tmp_path).put(b"x"))])
    log.note = log.note if given else ""
    assert verify(log, LocalObjects(tmp_path)).exit_code == (0 if given else 3)


def test_an_empty_log_may_be_signed_and_one_of_no_entries_signs_nothing():
    assert verify(MemoryLog([])).exit_code == 0
    assert verify(MemoryLog([make_entry(0)], signed=0)).exit_code == 3


def test_a_checkpoint_of_another_log_does_not_compare():
    kept = sign_checkpoint(type(SIGNER)("example.org/elsewhere", b"\x07" * 32), 3, b"\0" * 32)
    keys = [SIGNER.vkey, type(SIGNER)("example.org/elsewhere", b"\x07" * 32).vkey]
    report = verify_log(MemoryLog(map(make_entry, range(3))), keys, None, kept)
    assert report.wrong == [
        "the checkpoint that was kept is of example.org/elsewhere, and the log is example.org/log"
    ]


def test_without_a_key_nothing_is_signed():
    assert verify_log(MemoryLog([make_entry(0)]), []).exit_code == 3
    with pytest.raises(EvidenceError, match="reading a log key"):
        verify_log(MemoryLog([make_entry(0)]), ["nonsense"])


def test_a_store_that_cannot_be_read_is_reported_and_not_raised():
    class Broken(MemoryLog):
        def entries(self, start, end):
            yield self.stored[0]
            raise EvidenceError("reading the log", "the disk is gone")

        def tile(self, level, index, width):
            raise EvidenceError("reading the log", "the disk is gone")

        def checkpoint(self):
            raise EvidenceError("reading the log", "the disk is gone")

    report = verify(Broken(map(make_entry, range(3))))
    assert report.wrong == [
        "the newest checkpoint: the disk is gone",
        "entries from 1 on cannot be read: the disk is gone",
        "the log says that it has 3 entries, and 1 are there",
        "tile 0/0: the disk is gone",
    ]


def test_what_is_wrong_beyond_a_page_is_counted():
    report = verify(MemoryLog([make_entry(-number) for number in range(500)]))
    assert (len(report.wrong), report.hidden) == (200, 299)


def test_progress_goes_from_entries_to_objects(tmp_path):
    store, seen = LocalObjects(tmp_path), []
    log = MemoryLog([make_entry(n, manifest=store.put(b"%d" % n)) for n in range(300)])
    verify_log(log, [SIGNER.vkey], store, None, lambda done, total: seen.append((done, total)))
    assert seen[0] == (256, 300)
    assert seen[-1] == (600, 600)


def test_every_byte_of_every_entry_and_object_counts(tmp_path):
    """One turned bit in any byte of a small log, of its checkpoint or of its objects is found."""
    store = LocalObjects(tmp_path)
    table = store.put(b"PAR1 rows")
    manifest = store.put(json.dumps({"results": [table]}).encode())
    log = MemoryLog([make_entry(0), make_entry(1, manifest=manifest), make_entry(2)])
    assert verify(log, store).exit_code == 0
    for index, entry in enumerate(log.stored):
        for changed in turned(entry):
            log.stored[index] = changed
            assert verify(log, store).exit_code == 1
        log.stored[index] = entry
    whole = log.note
    body, _, signatures = whole.rpartition("\n\n")
    for changed in turned(body.encode()):
        log.note = f"{changed.decode()}\n\n{signatures}"
        assert verify(log, store).exit_code == 1
    log.note = whole
    for digest in (table, manifest):
        path = store.path(digest)
        data = path.read_bytes()
        path.chmod(0o644)
        for changed in [*turned(data), data[:-1], data + b"x", b""]:
            path.write_bytes(changed)
            assert verify(log, store).wrong == [
                f"entry 1: object {digest}: its bytes are not those that its name promises"
            ]
        path.write_bytes(data)
    assert verify(log, store).exit_code == 0


def turned(data):
    return [data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] for at in range(len(data))]


def test_without_a_signature_nothing_is_proven():
    log = MemoryLog(map(make_entry, range(3)))
    log.note = ""
    assert verify(log).exit_code == 3


def test_a_checkpoint_of_a_stranger_is_wrong():
    log = MemoryLog(map(make_entry, range(3)))
    log.note = sign_checkpoint(type(SIGNER)("example.org/log", b"\x09" * 32), 3, b"\x00" * 32)
    assert verify(log).exit_code == 1


def test_entries_that_go_back_in_time_are_found():
    report = verify(MemoryLog([make_entry(5), make_entry(4)]))
    assert report.wrong == ["entry 1: it is dated before the entry in front of it"]


@pytest.mark.parametrize("harm", ["change", "remove", "cut", "none"])
def test_objects_are_proven_through_those_that_name_them(tmp_path, harm):
    store = LocalObjects(tmp_path)
    base = store.put(b"PAR1 some bytes")
    manifest = store.put(json.dumps({"base": base}).encode())
    log = MemoryLog([make_entry(0, manifest=manifest)])
    path = tmp_path / base[:2] / base[2:]
    path.chmod(0o644)
    match harm:
        case "change":
            path.write_bytes(b"PAR1 same bytes")
        case "remove":
            path.unlink()
        case "cut":
            path.write_bytes(b"PAR1")
    report = verify(log, store)
    if harm == "none":
        assert "2 objects named by entries are there, each with the bytes it promises" in report.proven
    else:
        assert len(report.wrong) == 1
        assert report.wrong[0].startswith(f"entry 0: object {base}: ")


def test_gaps_in_the_story_are_named_and_change_the_exit_code():
    def entry(kind, sweep):
        return encode(kind=kind, actor="a", at=START, data={"sweep": sweep, "connection": "c"})

    whole = [entry("sweep.planned", "one"), entry("sweep.finished", "one"), entry("sweep.planned", "two")]
    assert verify(MemoryLog(whole)).exit_code == 0
    report = verify(MemoryLog([whole[0], whole[2]]))
    assert "how sweep one ended: entry 0 began it and no entry ends it" in report.unproven
    assert (report.exit_code, report.gaps, report.wrong) == (3, 1, [])
