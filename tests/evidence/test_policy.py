import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.checkpoint import sign_checkpoint
from proofwatch.evidence.cosignature import Cosigner, add_lines
from proofwatch.evidence.note import Signer
from proofwatch.evidence.policy import (
    Group,
    KnownWitness,
    Policy,
    evaluate,
    format_policy,
    parse_policy,
    simple_policy,
)
from tests.evidence.logs import SIGNER

W = [Cosigner(f"witness.example/{number}", bytes([number]) * 32) for number in range(1, 7)]
V = [item.vkey for item in W]
LOG = SIGNER.vkey
NOTE = sign_checkpoint(SIGNER, 42, b"\x11" * 32)
BODY = NOTE.split("\n\n")[0] + "\n"

EXAMPLE = f"""log {LOG}

witness X1 {V[0]}
witness X2 {V[1]}
witness X3 {V[2]}
group X-witnesses 2 X1 X2 X3

witness Y1 {V[3]}
witness Y2 {V[4]}
witness Y3 {V[5]}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def cosigned(*numbers):
    return add_lines(NOTE, [W[number - 1].cosign(BODY, 1000 + number) for number in numbers])


def test_the_example_of_the_specification_is_read():
    policy = parse_policy(EXAMPLE)
    assert [item.name for item in policy.witnesses] == ["X1", "X2", "X3", "Y1", "Y2", "Y3"]
    assert policy.groups == (
        Group("X-witnesses", 2, ("X1", "X2", "X3")),
        Group("Y-witnesses", 1, ("Y1", "Y2", "Y3")),
        Group("X-and-Y", 2, ("X-witnesses", "Y-witnesses")),
    )
    assert policy.quorum == "X-and-Y"
    assert parse_policy(format_policy(policy)) == policy


@pytest.mark.parametrize(
    ("numbers", "met"),
    [
        ((1, 2, 4), True),
        ((2, 3, 6), True),
        ((1, 2, 3, 4, 5, 6), True),
        ((1, 2, 3), False),
        ((1, 4, 5, 6), False),
        ((4,), False),
        ((), False),
    ],
)
def test_the_quorum_is_met_by_enough_of_each_group(numbers, met):
    found = evaluate(parse_policy(EXAMPLE), cosigned(*numbers))
    names = ["X1", "X2", "X3", "Y1", "Y2", "Y3"]
    assert found.met is met
    assert list(found.cosigned) == [names[number - 1] for number in numbers]
    assert set(found.missing) == set(names) - set(found.cosigned)
    assert [item.at for item in found.cosigned.values()] == [1000 + number for number in numbers]
    assert (found.log, found.checkpoint.size) == (SIGNER.name, 42)


@given(st.sets(st.integers(1, 6)), st.integers(1, 6))
def test_a_group_counts_its_members(numbers, threshold):
    text = f"log {LOG}\n" + "".join(f"witness w{number} {V[number - 1]}\n" for number in range(1, 7))
    text += f"group g {threshold} w1 w2 w3 w4 w5 w6\nquorum g\n"
    assert evaluate(parse_policy(text), cosigned(*numbers)).met is (len(numbers) >= threshold)


@given(st.permutations(range(6)), st.data())
def test_any_policy_of_groups_survives(order, data):
    names = [f"w{number}" for number in order]
    lines = [f"witness {name} {V[number]}" for name, number in zip(names, order, strict=True)]
    free = list(names)
    for number in range(data.draw(st.integers(0, 4))):
        members = data.draw(st.lists(st.sampled_from(free), min_size=1, unique=True))
        free = [name for name in free if name not in members] + [f"g{number}"]
        needed = data.draw(st.sampled_from(["any", "all", str(len(members))]))
        lines.append(f"group g{number} {needed} {' '.join(members)}")
    lines.append(f"quorum {data.draw(st.sampled_from([*free, 'none']))}")
    policy = parse_policy("\n".join(lines))
    assert parse_policy(format_policy(policy)) == policy


def test_no_witness_may_be_asked_for():
    policy = parse_policy(f"log {LOG}\nquorum none\n")
    assert evaluate(policy, NOTE).met
    assert parse_policy("quorum none").logs == ()
    with pytest.raises(EvidenceError, match="names no log"):
        evaluate(parse_policy("quorum none\n"), NOTE)


def test_blanks_comments_addresses_and_odd_names_are_read():
    text = (
        f"\n# comment\n\t # another \n\twitness \t w1  {V[0]}   https://w1.example.com/  \n\n"
        f"witness K\u212a {V[1]}\nwitness all {V[2]}\ngroup any 2 all w1\n  quorum\tany"
    )
    policy = parse_policy(text.encode())
    assert policy.witnesses[0].url == "https://w1.example.com/"
    assert policy.witnesses[1].name == "K\u212a"
    assert policy.quorum == "any"
    assert parse_policy(format_policy(policy)) == policy


def test_names_are_bytes():
    text = f"witness w\u212a {V[0]}\nwitness wK {V[1]}\n".encode() + b"witness w\x80 "
    policy = parse_policy(text + f"{V[2]}\nquorum wK\n".encode())
    assert len({item.name for item in policy.witnesses}) == 3
    assert parse_policy(format_policy(policy)) == policy


SPOILED = [
    ("control byte", "quorum none\n\x01", "line 2: the byte 0x01"),
    ("carriage return", "quorum none\r\n", "line 1: the byte 0x0d"),
    ("delete", "# \x7f\nquorum none\n", "line 1: the byte 0x7f"),
    ("unknown word", "quibble w1\nquorum none\n", "line 1: 'quibble' is none of log, witness, group, quorum"),
    ("comment behind", f"witness w {V[0]} https://w # c\nquorum w\n", "line 1: a witness has the form"),
    ("log without key", "\nlog\nquorum none\n", "line 2: a log has the form"),
    ("log with rubbish", "log garbage\nquorum none\n", "line 1: it is not of the form"),
    ("log with a witness's key", f"log {V[0]}\nquorum none\n", "line 1: it is not a key of a log"),
    ("log twice", f"log {LOG}\nlog {LOG} https://x\nquorum none\n", "line 2: a log with this public key"),
    ("witness without key", "witness w1\nquorum none\n", "line 1: a witness has the form"),
    ("witness with a log's key", f"witness w {LOG}\nquorum w\n", "line 1: it is not a key of a witness"),
    ("witness named none", f"witness none {V[0]}\nquorum none\n", "line 1: the name 'none'"),
    ("a name twice", f"witness w {V[0]}\nwitness w {V[1]}\nquorum w\n", "line 2: the name 'w' is defined"),
    ("group named as witness", f"witness w {V[0]}\ngroup w any w\nquorum w\n", "line 2: the name 'w'"),
    ("group of nobody", f"witness w {V[0]}\ngroup g 1\nquorum w\n", "line 2: a group has the form"),
    ("group named none", f"witness w {V[0]}\ngroup none any w\nquorum none\n", "line 2: the name 'none'"),
    ("zero of one", f"witness w {V[0]}\ngroup g 0 w\nquorum g\n", "line 2: 0 of 1 members"),
    ("minus one", f"witness w {V[0]}\ngroup g -1 w\nquorum g\n", "line 2: its number of members '-1'"),
    ("two of one", f"witness w {V[0]}\ngroup g 2 w\nquorum g\n", "line 2: 2 of 1 members"),
    ("leading zero", f"witness w {V[0]}\ngroup g 01 w\nquorum g\n", "line 2: its number of members '01'"),
    ("unknown member", f"witness w {V[0]}\ngroup g any x\nquorum g\n", "line 2: 'x' is not defined"),
    ("member later", f"group g any w\nwitness w {V[0]}\nquorum g\n", "line 1: 'w' is not defined"),
    ("itself", f"witness w {V[0]}\ngroup g any w g\nquorum g\n", "line 2: 'g' is not defined"),
    ("none as member", f"witness w {V[0]}\ngroup g any none w\nquorum g\n", "line 2: 'none' is not defined"),
    ("member twice", f"witness w {V[0]}\ngroup g all w w\nquorum g\n", "line 2: 'w' is a member"),
    (
        "member of two",
        f"witness v {V[0]}\nwitness w {V[1]}\ngroup g any v w\ngroup h any v\nquorum g\n",
        "line 4: 'v' is a member",
    ),
    ("no quorum", f"witness w {V[0]}\n", "it has no quorum line"),
    ("two quorums", f"witness w {V[0]}\nquorum w\nquorum w\n", "line 3: there is a quorum line already"),
    ("unknown quorum", "quorum unknown\n", "line 1: 'unknown' is not defined"),
    ("quorum first", f"quorum w\nwitness w {V[0]}\n", "line 1: 'w' is not defined"),
    ("quorum of nothing", "quorum\n", "line 1: a quorum has the form"),
    ("too long", "#" * 1_000_001, "longer than"),
]


@pytest.mark.parametrize(("text", "said"), [case[1:] for case in SPOILED], ids=[case[0] for case in SPOILED])
def test_a_spoiled_policy_is_refused_with_its_line(text, said):
    with pytest.raises(EvidenceError) as caught:
        parse_policy(text)
    assert said in caught.value.problem


def test_one_public_key_is_one_witness_whatever_its_name():
    double = Cosigner("impostor.example", b"\x01" * 32)
    with pytest.raises(EvidenceError, match="line 2: a witness with this public key"):
        parse_policy(f"witness w1 {V[0]}\nwitness w2 {double.vkey}\nquorum w1\n")


def test_a_key_that_is_not_utf_8_is_an_error_and_no_crash():
    with pytest.raises(EvidenceError, match="line 1: the key is not UTF-8"):
        parse_policy(b"log n\x80+00000000+AAAA\nquorum none\n")
    with pytest.raises(EvidenceError, match=r"line 1: .*not defined") as caught:
        parse_policy(b"quorum n\x80\n")
    str(caught.value).encode("utf-8")
    with pytest.raises(EvidenceError, match="no text that a file could hold"):
        parse_policy("quorum \ud800\n")


def test_a_checkpoint_of_another_log_or_with_a_false_signature_is_refused():
    policy = parse_policy(EXAMPLE)
    stranger = Signer("example.org/stranger", b"\x0a" * 32)
    with pytest.raises(EvidenceError, match="no known key"):
        evaluate(policy, sign_checkpoint(stranger, 42, b"\x11" * 32))
    both = parse_policy(f"log {LOG}\nlog {stranger.vkey}\nquorum none\n")
    with pytest.raises(EvidenceError, match=r"of the log 'example.org/log', and example.org/stranger"):
        evaluate(both, stranger.sign(BODY))
    with pytest.raises(EvidenceError, match="does not fit"):
        evaluate(policy, NOTE + W[0].cosign(BODY.replace("42", "43"), 7))


def test_a_policy_is_made_from_keys_and_written():
    policy = simple_policy([LOG], [(V[0], "https://w.example"), (V[1], "")], 1)
    text = format_policy(policy)
    assert text.splitlines() == [
        f"log {LOG}",
        f"witness w1 {V[0]} https://w.example",
        f"witness w2 {V[1]}",
        "group quorum 1 w1 w2",
        "quorum quorum",
    ]
    assert evaluate(policy, cosigned(2)).met and not evaluate(policy, NOTE).met
    assert format_policy(simple_policy([LOG], [])).splitlines() == [f"log {LOG}", "quorum none"]
    with pytest.raises(EvidenceError, match="2 of 1"):
        simple_policy([LOG], [(V[0], "")], 2)


def test_what_cannot_be_written_is_refused():
    bad = Policy(witnesses=(KnownWitness("w", W[0].verifier, "https://x\nquorum none"),), quorum="w")
    with pytest.raises(EvidenceError):
        format_policy(bad)
    with pytest.raises(EvidenceError, match="blanks or line ends"):
        format_policy(Policy(witnesses=(KnownWitness("w", W[0].verifier, " "),), quorum="w"))
