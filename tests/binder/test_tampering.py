"""Whatever is done to any kind of file in a binder, verifying names the file."""

import re
import zipfile

import pytest

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.binder import SIGNED, SUMS
from proofwatch.evidence.bundle import Bundle
from proofwatch.evidence.note import Signer
from tests.binder.conftest import read, summed, verified, written

SAYS = b"""{"format": "proofwatch-binder/1", "log": {"origin": "a", "size": 1, "root": ""},
    "entries": {"first": 0, "last": %s}, "period": {"first": "2026-01-01", "last": "2026-12-31"}}"""


def kind_of(name):
    """Return what files are alike: the same folder and ending, whichever control, digest or number."""
    name = re.sub(r"^objects/.*", "objects/*", name)
    name = re.sub(r"^controls/[A-Z]+-\d+/", "controls/*/", name)
    name = re.sub(r"(read-only|checks|tile/\d|tile/entries|checkpoints)/.*", r"\1/*", name)
    return re.sub(r"list-\d+", "list-*", name)


@pytest.fixture(scope="module")
def kinds(contents):
    """One file of each kind, the longest."""
    found = {}
    for name in sorted(contents, key=lambda name: -len(contents[name])):
        found.setdefault(kind_of(name), name)
    assert len(found) > 100
    return found


def changed(files, name):
    data = files[name]
    middle = len(data) // 2
    return {**files, name: data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :] if data else b"x"}


def removed(files, name):
    return {other: data for other, data in files.items() if other != name}


def truncated(files, name):
    return {**files, name: files[name][: len(files[name]) // 2] if len(files[name]) > 1 else b"xy"}


@pytest.mark.parametrize("harm", [changed, removed, truncated], ids=lambda harm: harm.__name__)
def test_harm_to_a_file_of_any_kind_is_named(contents, kinds, tmp_path, harm):
    unnamed = []
    for name in kinds.values():
        report = verified(written(tmp_path / "harmed.zip", harm(contents, name)))
        if not any(name in text for text in report.wrong):
            unnamed.append((name, report.wrong[:2]))
    assert unnamed == []


def test_files_that_change_places_are_named(contents, kinds, tmp_path):
    pairs = {}
    for name, data in contents.items():
        other = kinds[kind_of(name)]
        if other != name and contents[other] != data:
            pairs.setdefault(kind_of(name), (other, name))
    assert len(pairs) > 8
    for one, two in pairs.values():
        files = {**contents, one: contents[two], two: contents[one]}
        report = verified(written(tmp_path / "swapped.zip", files))
        assert all(any(name in text for text in report.wrong) for name in (one, two)), (one, two)


def test_a_file_of_an_older_binder_is_named(contents, home, tmp_path):
    older = read(home / "older.zip")
    differ = {kind_of(n): n for n in contents if n in older and older[n] != contents[n]}
    assert {"binder.json", "log/checkpoint", SUMS, SIGNED, "README.md"} <= set(differ.values())
    for name in differ.values():
        report = verified(written(tmp_path / "replayed.zip", {**contents, name: older[name]}))
        assert any(name in text for text in report.wrong), (name, report.wrong)


NO_BINDER = "binder.json: it is not what a binder says of itself"
NO_LIST = "log/kept.json: it is not a list of what others took"


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        *(
            ("binder.json", SAYS % number, NO_BINDER)
            for number in (b"1e999", b"-1e999", b"NaN", b"1.5", b'"7"', b"true", b"9007199254740992", b"[]")
        ),
        ("binder.json", b"[" * 100_000, NO_BINDER),
        ("binder.json", b"[1]", NO_BINDER),
        ("log/kept.json", b'[{"keeper": "a", "kind": "mail", "size": 1e999, "file": ""}]', NO_LIST),
        ("log/kept.json", b'[{"keeper": "a", "kind": "mail", "size": NaN, "file": ""}]', NO_LIST),
        ("log/kept.json", b"[" * 100_000, NO_LIST),
    ],
)
def test_json_that_no_program_of_ours_writes_is_named_and_ends_nothing(contents, tmp_path, name, data, said):
    report = verified(written(tmp_path / "odd.zip", {**contents, name: data}))
    assert said in report.wrong and report.exit_code == 1
    assert report.entries > 0 and report.signed, "the rest was verified"


def test_a_file_more_is_named(contents, tmp_path):
    report = verified(written(tmp_path / "more.zip", {**contents, "controls/AC-99/control.json": b"{}"}))
    assert report.wrong == ["controls/AC-99/control.json: it is not listed in SHA256SUMS"]


@pytest.mark.parametrize("name", ["controls/controls.csv", "alerts/alerts.pdf", "README.md", "log/vkeys.txt"])
def test_a_list_of_files_made_to_fit_is_not_the_one_that_was_signed(contents, tmp_path, name):
    report = verified(written(tmp_path / "fitted.zip", summed(changed(contents, name))))
    assert any((SUMS in text and "signed" in text) or name in text for text in report.wrong)


def test_a_forger_with_a_key_of_their_own_is_found_by_who_knows_the_key(contents, tmp_path):
    vkey = contents["log/vkeys.txt"].decode().split("\n")[1]
    forger = Signer(vkey.split("+")[0], b"f" * 32)
    files = changed(contents, "controls/controls.csv")
    files["log/vkeys.txt"] = f"{forger.vkey}\n".encode()
    lines = contents["log/checkpoint"].decode().split("\n\n")[0] + "\n"
    files["log/checkpoint"] = forger.sign(lines).encode()
    for name in [name for name in files if name.startswith("log/checkpoints/")]:
        files[name] = forger.sign(files[name].decode().split("\n\n")[0] + "\n").encode()
    path = written(tmp_path / "forged.zip", summed(files, forger))
    trusting = verified(path)
    assert any("is the key of this organisation" in text for text in trusting.unproven), "it says what to "
    "compare"
    report = verified(path, vkeys=[vkey])
    assert any(SIGNED in text for text in report.wrong) and any("checkpoint" in text for text in report.wrong)


def test_an_object_under_another_name_is_named(contents, tmp_path):
    one, two = [name for name in contents if name.startswith("objects/")][:2]
    files = summed({**contents, one: contents[two]})
    report = verified(written(tmp_path / "objects.zip", files))
    assert any(one in text and "not those that its name promises" in text for text in report.wrong)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("/etc/passwd", "does not lie in the folder"),
        ("../up", "does not lie in the folder"),
        ("a/../../up", "does not lie in the folder"),
        ("c:/windows", "does not lie in the folder"),
        ("a//b", "does not lie in the folder"),
        ("a\\b", "backslash"),
        ("a\nb", "control character"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(contents, tmp_path, name, words):
    path = written(tmp_path / "names.zip", {**contents, name: b"x"})
    with pytest.raises(EvidenceError, match=words):
        Bundle(path)


def test_a_name_that_stands_twice_or_is_a_link_is_refused(contents, tmp_path):
    path = written(tmp_path / "twice.zip", contents)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("README.md", b"another")
    with pytest.raises(EvidenceError, match="stands twice"):
        Bundle(path)
    link = zipfile.ZipInfo("linked")
    link.external_attr = 0o120777 << 16
    path = written(tmp_path / "link.zip", contents)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, b"/etc/passwd")
    with pytest.raises(EvidenceError, match="no plain file"):
        Bundle(path)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"no zip at all" * 100], ids=["empty", "cut", "other"])
def test_what_is_no_zip_is_one_clear_error(tmp_path, data):
    path = tmp_path / "x.zip"
    path.write_bytes(data)
    with pytest.raises(EvidenceError, match="opening the binder"):
        Bundle(path)
