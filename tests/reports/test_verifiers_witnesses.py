"""How many witnesses are enough, and how much of the period they must have seen."""

from datetime import timedelta

import pytest

from proofwatch.evidence.binder import verify_binder
from proofwatch.evidence.bundle import Bundle
from proofwatch.evidence.policy import parse_policy
from tests.reports.binders import SIGNER, START, WITNESS, cosigned, note_at, policy, witness_vkey


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (
            "quorum w\n",
            0,
            "as many witnesses as your policy asks for had seen the first 260 entries, the last of "
            "2026-01-06T07:05:00Z",
        ),
        (
            "group g all w other\nquorum g\n",
            3,
            "that as many witnesses as your policy asks for saw this log: g",
        ),
        (
            "group g 1 w other\nquorum g\n",
            0,
            "as many witnesses as your policy asks for had seen the first 260",
        ),
        ("quorum none\n", 0, f"{WITNESS}+a50367b6 had seen these 260 entries"),
    ],
)
def test_the_auditor_s_policy_says_how_many_witnesses_are_enough(verified, whole, more, code, said):
    other = witness_vkey(b"\x0b" * 32)
    found = verified(
        whole, policy=f"log {SIGNER.vkey}\nwitness w {witness_vkey()}\nwitness other {other}\n{more}"
    )
    assert (found.code, found.wrong) == (code, [])
    assert any(said in line for line in [*found.proven, *found.unproven])


def with_end_at(whole, folder, at, sizes):
    """The same binder with the period's last entry, 304, dated then, and a witness who saw these sizes."""
    binder = whole.copy()
    entries = [*whole.entries[:304], note_at(at), *whole.entries[305:]]
    binder.put_log(folder, entries, sizes=(120, *sizes))
    for name in [name for name in binder.files if name.startswith("log/kept/")]:
        del binder.files[name]
    for size in sizes:
        binder.files[f"log/kept/{size}-witness.txt"] = cosigned(binder.note(size)).encode()
    binder.put_kept()
    binder.put_about()
    return binder.seal()


SEEN_AT = START + timedelta(days=5, hours=7, minutes=5)
WHO = "as many witnesses as your policy asks for"


def of_witnesses(found):
    """What a verifier says about enough witnesses."""
    return sorted(line for line in [*found.proven, *found.unproven] if WHO in line)


@pytest.fixture
def asked(verified, tmp_path):
    """Verify a binder by the auditor's policy, also by the product; all must say the same of witnesses."""

    def ask(binder):
        found = verified(binder, policy=policy())
        with Bundle(tmp_path / "binder.zip") as bundle:
            product = verify_binder(bundle, policy=parse_policy(policy()))
        assert of_witnesses(product) == of_witnesses(found)
        assert product.gaps >= any(line.startswith("that ") for line in of_witnesses(found))
        return found

    return ask


@pytest.mark.parametrize(
    ("at", "sizes", "code"),
    [
        (SEEN_AT + timedelta(days=1), (260,), 0),
        (SEEN_AT + timedelta(days=1, microseconds=1), (260,), 3),
        (SEEN_AT + timedelta(days=20), (5, 260), 3),
        (SEEN_AT + timedelta(days=20), (260, 305), 0),
        (SEEN_AT + timedelta(days=20), (260, 306), 0),
    ],
)
def test_witnesses_must_have_seen_the_period_to_its_last_day(asked, whole, tmp_path, at, sizes, code):
    found = asked(with_end_at(whole, tmp_path / "log", at, sizes))
    assert (found.code, found.wrong) == (code, [])
    seen = f"{WHO} had seen the first {sizes[-1]} entries, the last of "
    assert any(line.startswith(seen) for line in found.proven)
    assert (f"that {WHO} saw entries 260 to 304 of the period" in found.unproven) == (code == 3)


def test_witnesses_who_saw_nothing_but_what_is_older_than_the_period_are_not_enough(asked, whole, tmp_path):
    at = SEEN_AT + timedelta(days=1)
    found = asked(with_end_at(whole, tmp_path / "log", at, (3,)))
    assert (found.code, found.wrong) == (3, [])
    assert f"{WHO} had seen the first 3 entries, the last of 2025-12-01T00:00:00Z" in found.proven
    assert f"that {WHO} saw entries 4 to 304 of the period" in found.unproven
    found = asked(with_end_at(whole, tmp_path / "empty", at, (0,)))
    assert (found.code, found.wrong) == (3, [])
    assert of_witnesses(found) == [f"that {WHO} saw this log: w"]
