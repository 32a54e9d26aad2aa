"""A log that was rewritten with its own key fits itself, and not what others keep."""

import pytest

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.checkpoint import sign_checkpoint
from proofwatch.evidence.cosignature import Cosigner, add_lines
from proofwatch.evidence.kept import NOTHING, UNDATED, Kept, judge_kept, roots_at
from proofwatch.evidence.note import Signer, split_note
from proofwatch.evidence.timestamp import ask, verify_token
from proofwatch.evidence.verify import verify_log
from tests.evidence.logs import SIGNER, MemoryLog
from tests.outside.authority import Authority
from tests.outside.samples import ENTRIES, REWRITTEN, given

BUCKET = "s3://bucket/checkpoints/12.txt"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tsa"))


def judged(items, entries=ENTRIES, authorities=(), **more):
    """Return the report of a whole verification, with what others keep, and whether it was revealed."""
    items = list(items)
    report = verify_log(MemoryLog(entries), [SIGNER.vkey])
    assert report.wrong == []  # By itself it always fits.
    roots = roots_at(entries, {0, 3, 12, 20, 40})
    revealed = judge_kept(report, roots, items, authorities, vkeys=[SIGNER.vkey], **more)
    return report, revealed


def copy(size, **more):
    return Kept("bucket", "s3", given(size).note.encode(), where=BUCKET.replace("12", str(size)), **more)


def stamp(authority, size, entries=ENTRIES):
    note = given(size, entries).note.encode()
    return Kept("freestamp", "timestamp", note, authority.answer(ask(note).der))


def test_without_anything_kept_it_says_so():
    report, revealed = judged([])
    assert not revealed
    assert report.unproven[-2:] == [NOTHING, UNDATED]


def test_a_copy_that_fits_proves_that_nothing_was_changed():
    report, revealed = judged([copy(3), copy(12)])
    assert not revealed
    (said,) = [text for text in report.proven if BUCKET in text]
    assert said == (
        f"nothing before entry 12 was changed since bucket took it: {BUCKET} fits"
        " (the newest of 2 that fit, by bucket)"
    )
    assert NOTHING not in report.unproven
    assert UNDATED in report.unproven
    assert report.exit_code == 0


def test_a_rewritten_log_does_not_fit_the_copy():
    report, revealed = judged([copy(12)], REWRITTEN)
    assert revealed
    assert report.wrong == [f"the log was rewritten: its first 12 entries are not those that {BUCKET} keeps"]
    assert report.exit_code == 1


def test_a_copy_from_before_what_was_changed_says_nothing_wrong():
    report, revealed = judged([copy(3)], REWRITTEN)
    assert not revealed
    assert report.wrong == []


def test_a_log_that_was_cut_is_shorter_than_the_copy():
    report, revealed = judged([copy(20)], ENTRIES[:12])
    assert revealed
    assert "the log was cut" in report.wrong[0]
    assert "20 entries, and 12 are there" in report.wrong[0]


def test_a_stamp_dates_the_entries(authority):
    item = stamp(authority, 12)
    report, _ = judged([item], authorities=[authority.root])
    at = verify_token(item.proof, item.note, [authority.root]).at.isoformat().replace("+00:00", "Z")
    assert f"the log had its first 12 entries at {at}: stamped by CN=Stamps" in report.proven
    assert NOTHING not in report.unproven and UNDATED not in report.unproven


def test_a_stamp_reveals_a_log_that_was_rewritten_after_it(authority):
    report, revealed = judged([stamp(authority, 12)], REWRITTEN, [authority.root])
    assert revealed
    assert report.wrong[0].startswith("the log was rewritten after 20")
    assert "its first 12 entries are not those that CN=Stamps stamped at 20" in report.wrong[0]


def test_a_stamp_of_the_rewritten_log_only_dates_the_rewritten_log(authority):
    """Whoever rewrites can have the new log stamped: it has a later date, and the old one fits nothing."""
    items = [stamp(authority, 12, REWRITTEN), stamp(authority, 12)]
    report, revealed = judged(items, REWRITTEN, [authority.root])
    assert revealed and len(report.wrong) == 1


def test_a_stamp_by_an_authority_that_nobody_named_is_unproven(authority, tmp_path):
    other = Authority(tmp_path / "o", "Others")
    for authorities in ([], [other.root]):
        report, revealed = judged([stamp(authority, 3), stamp(authority, 12)], authorities=authorities)
        assert not revealed and report.wrong == []
        (said,) = [text for text in report.unproven if "CN=Stamps says so" in text]
        assert said.startswith("that the log had its first 12 entries at 20") and said.endswith(
            "(and 1 before)"
        )
        assert UNDATED in report.unproven
    report, revealed = judged([stamp(authority, 12)], REWRITTEN)
    assert revealed and "freestamp was given" in report.wrong[0]


def test_a_token_of_something_else_is_wrong(authority):
    item = Kept("freestamp", "timestamp", given(12).note.encode(), stamp(authority, 3).proof)
    report, _ = judged([item], authorities=[authority.root])
    assert report.wrong == [
        "the time-stamp of freestamp over the first 12 entries: reading a time-stamp"
    ] or ("it is of other bytes" in report.wrong[0])
    cut = Kept("freestamp", "timestamp", item.note, stamp(authority, 12).proof[:200])
    assert "it ends too early" in judged([cut], authorities=[authority.root])[0].wrong[0]


def test_what_was_signed_by_another_key_is_no_checkpoint_of_this_log():
    other = Signer("example.org/log", b"\x08" * 32)
    note = sign_checkpoint(other, 12, given(12).root).encode()
    for data in (note, b"nothing", b"\xff"):
        report, revealed = judged([Kept("bucket", "s3", data, where=BUCKET)])
        assert not revealed
        assert report.wrong[0].startswith(f"{BUCKET} is no checkpoint of this log")


def test_a_witness_dates_the_entries_too():
    witness = Cosigner("witness.example", b"\x01" * 32)
    note = given(12).note
    cosigned = add_lines(note, [witness.cosign(split_note(note)[0], 1_790_000_000)]).encode()
    item = Kept("w", "witness", note.encode(), cosigned)
    report, _ = judged([item], witnesses=[witness.vkey])
    assert any(
        "the log had its first 12 entries at 2026-09-21T14:13:20Z: cosigned by witness.example" in text
        for text in report.proven
    )
    assert UNDATED not in report.unproven
    report, _ = judged([item])
    assert any("no public key of it was given" in text for text in report.unproven)
    report, revealed = judged([item], REWRITTEN, witnesses=[witness.vkey])
    assert revealed
    other = given(20).note
    lines = [witness.cosign(split_note(other)[0], 1_790_000_000)]
    swapped = Kept("w", "witness", note.encode(), add_lines(other, lines).encode())
    assert "over another checkpoint" in judged([swapped], witnesses=[witness.vkey])[0].wrong[0]


def test_what_only_we_say_was_given_is_compared_and_proves_nothing():
    item = Kept("mail", "email", given(12).note.encode())
    report, revealed = judged([item])
    assert not revealed and NOTHING in report.unproven
    assert judged([item], REWRITTEN)[1]


def test_a_size_that_was_not_read_is_not_proven():
    report, revealed = judged([Kept("bucket", "s3", given(13).note.encode(), where=BUCKET)])
    assert not revealed
    assert any("not read" in text for text in report.unproven)


def test_a_malformed_key_or_certificate_is_an_error(authority):
    with pytest.raises(EvidenceError):
        judged([], witnesses=["nonsense"])
    with pytest.raises(EvidenceError):
        judged([stamp(authority, 12)], authorities=[b"nonsense"])


def test_roots_are_those_of_the_first_entries():
    found = roots_at(iter(ENTRIES), {0, 1, 12, 99})
    assert set(found) == {0, 1, 12}
    assert found[12] == given(12).root
