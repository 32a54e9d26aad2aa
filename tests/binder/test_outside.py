"""What others kept goes into the binder, and is held against its log there."""

import json
import os
import shutil

import pytest

from proofwatch.evidence.keys import load_key
from proofwatch.evidence.policy import parse_policy
from tests.binder.conftest import read, summed, verified, written
from tests.companies import run
from tests.outside import authority as authorities
from tests.outside.witnesses import serving, verb


@pytest.fixture(scope="module")
def kept(company, home, tmp_path_factory):
    """A binder whose log was stamped by a real authority and cosigned by a real witness, and their keys."""
    folder = tmp_path_factory.mktemp("kept")
    made = folder / "home"
    shutil.copytree(home, made)
    stamping = authorities.Authority(folder / "authority")
    verb("init", "--name", "witness.example/w1", home=folder / "witness")
    vkey = read(home / "binder.zip")["log/vkeys.txt"].decode().split("\n")[1]
    verb("trust", vkey, home=folder / "witness")
    env = {"PROOFWATCH_ALLOW_HOSTS": "127.0.0.1", "PROOFWATCH_ACTOR": os.environ.get("USER", "root")}

    def ask(*words):
        return run(company, made, "proofwatch.cli", *words, **env).stdout

    with authorities.serving(stamping) as url, serving(folder / "witness") as witness:
        roots = stamping.roots
        ask(
            "outside",
            "add",
            "stamps",
            "--kind",
            "timestamp",
            "--set",
            f"url={url}",
            "--set",
            f"roots={roots}",
        )
        ask(
            "outside", "add", "w1", "--kind", "witness", "--set", f"url={witness.url}", "--set",
            f"vkey={witness.vkey}",
        )  # fmt: skip
        ask("outside", "now")
        ask("export", "binder", "--audit", "soc2", "--out", str(folder / "kept.zip"))
        return folder / "kept.zip", vkey, witness.vkey, roots


def test_time_stamps_and_cosignatures_are_in_it_and_prove_since_when(kept):
    path, vkey, witness, roots = kept
    contents = read(path)
    listed = json.loads(contents["log/kept.json"])
    assert {item["kind"] for item in listed} == {"timestamp", "witness"}
    assert all(item["file"] in contents for item in listed)
    assert parse_policy(contents["log/policy.txt"]).witnesses[0].verifier.text == witness
    policy = parse_policy(f"log {vkey}\nwitness w1 {witness}\nquorum w1\n")
    report = verified(path, policy=policy, authorities=[roots.read_bytes()])
    proven = " ".join(report.proven)
    assert report.wrong == [] and report.exit_code == 0
    assert "stamped by" in proven and "cosigned by witness.example/w1" in proven
    assert "as many witnesses as your policy asks for had seen the first" in proven
    assert not any("is the key of this organisation" in text for text in report.unproven)


def test_without_the_auditors_own_certificates_it_says_so(kept):
    report = verified(kept[0])
    assert any("their certificates came with the binder" in text for text in report.unproven)
    stranger = parse_policy(f"log {kept[1]}\nwitness w2 {kept[2].replace('/w1', '/w1')}\nquorum w2\n")
    assert verified(kept[0], policy=stranger).exit_code == 0, "the same key under another name of the policy"


def test_a_quorum_that_is_not_there_is_not_called_met(kept):
    from proofwatch.evidence.cosignature import Cosigner

    other = Cosigner("witness.example/other", b"o" * 32)
    policy = parse_policy(
        f"log {kept[1]}\nwitness w1 {kept[2]}\nwitness w2 {other.vkey}\ngroup both 2 w1 w2\nquorum both\n"
    )
    report = verified(kept[0], policy=policy)
    assert (
        any("your policy asks for saw this log: both" in text for text in report.unproven)
        and report.exit_code == 3
    )


def test_certificates_that_are_damaged_are_named_and_the_rest_is_judged(kept, tmp_path):
    contents = read(kept[0])
    (name,) = (name for name in contents if name.startswith("log/authorities/"))
    path = written(tmp_path / "damaged.zip", contents)
    data = path.read_bytes()
    place = data.index(contents[name]) + len(contents[name]) // 2
    path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    report = verified(path)
    assert [text for text in report.wrong if "damaged" in text] == [
        f"{name}: it is damaged: its CRC is another"
    ]
    assert any("cosigned by witness.example/w1" in text for text in report.proven)


@pytest.mark.parametrize("ending", ["tsr", "txt"])
def test_what_others_kept_cannot_be_exchanged_even_with_the_key_in_hand(kept, tmp_path, ending):
    """The forger holds the log's key and signs the list anew; what others signed is not theirs to sign."""
    path, vkey, witness, roots = kept
    contents = read(path)
    (name,) = (name for name in contents if name.startswith("log/kept/") and name.endswith(ending))
    data = contents[name]
    place = len(data) - 12
    files = {**contents, name: data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]}
    policy = parse_policy(f"log {vkey}\nwitness w1 {witness}\nquorum w1\n")
    report = verified(
        written(
            tmp_path / "exchanged.zip", summed(files, load_key(path.parent / "home" / "keys" / "log.skey"))
        ),
        policy=policy,
        authorities=[roots.read_bytes()],
    )
    said = " ".join(report.wrong)
    assert ("time-stamp of stamps" if ending == "tsr" else "cosign") in said
