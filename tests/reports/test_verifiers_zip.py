"""A ZIP that programs could read in two ways, or that would leave its folder, passes neither verifier."""

import os
import random
import struct
import zipfile

import pytest

from tests.reports.binders import object_name


def plain_zip(whole, path, method=zipfile.ZIP_DEFLATED):
    return bytearray(whole.write(path, method).read_bytes())


def edit(data, name, local, central, value):
    """Overwrite a field in both headers of a file: its offsets within them, None to leave one."""
    raw = name.encode()
    for mark, at, size in ((b"PK\x03\x04", local, 30), (b"PK\x01\x02", central, 46)):
        place = -1
        while at is not None and (place := data.find(mark, place + 1)) >= 0:
            if data[place + size : place + size + len(raw)] == raw:
                data[place + at : place + at + len(value)] = value


def rename(data, old, new):
    assert len(old) == len(new)
    return bytearray(bytes(data).replace(old, new))


ATTACKS = {
    "in front": lambda data: b"#!/bin/sh\n" + data,
    "behind": lambda data: data + b"more",
    "comment": lambda data: data[:-2] + b"\x04\x00more",
    "cut": lambda data: data[:-30],
    "count": lambda data: data[:-14] + struct.pack("<HH", 3, 3) + data[-10:],
    "empty": lambda data: b"",
    "no zip": lambda data: b"x" * 1000,
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_zips_that_could_be_read_in_two_ways_are_refused(verified, whole, tmp_path, attack):
    path = tmp_path / "attacked.zip"
    path.write_bytes(ATTACKS[attack](bytes(plain_zip(whole, path))))
    found = verified(path)
    assert found.code == 1
    assert found.names("attacked.zip")


def hidden(data):
    """Put a second README.md between two files, which the directory does not list."""
    place = data.find(b"PK\x03\x04", 10)
    secret = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, 4, 4, 9, 0) + b"README.mdevil"
    return data[:place] + secret + data[place:]


@pytest.mark.parametrize(
    ("field", "local", "central", "value", "said"),
    [
        ("encrypted", 6, 8, b"\x01\x00", "README.md: it is encrypted"),
        ("streamed", 6, 8, b"\x08\x00", "README.md: it is a link, streamed, commented, or no plain file"),
        ("link", None, 38, b"\x00\x00\xff\xa1", "README.md: it is a link"),
        ("bzip2", 8, 10, b"\x0c\x00", "README.md is compressed in a way"),
        (
            "other size",
            22,
            None,
            b"\x01\x00\x00\x00",
            "its directory and the header of README.md say different",
        ),
        (
            "other CRC",
            None,
            16,
            b"\x01\x00\x00\x00",
            "its directory and the header of README.md say different",
        ),
        ("smaller", 22, 24, b"\x01\x00\x00\x00", "README.md: it is longer than it says"),
        ("larger", 22, 24, b"\xff\x00\x00\x00", "README.md: it is shorter than it says"),
    ],
)
def test_headers_that_lie_are_refused(verified, whole, tmp_path, field, local, central, value, said):
    path = tmp_path / "attacked.zip"
    data = plain_zip(whole, path)
    edit(data, "README.md", local, central, value)
    path.write_bytes(data)
    found = verified(path)
    assert found.code == 1
    assert any(said in line for line in found.wrong)


@pytest.mark.parametrize(
    "name", ["../xx.csv", "/etc/x.cs", "C:/xy.csv", "a\\bcd.csv", "a//b.csvx", "a/./b.csv", "a\x01cde.csv"]
)
def test_names_that_lead_out_are_refused(verified, whole, tmp_path, name):
    binder = whole.copy()
    binder.files["placehold"] = b"x"
    path = tmp_path / "attacked.zip"
    path.write_bytes(rename(plain_zip(binder.seal(), path), b"placehold", name.encode()))
    found = verified(path)
    assert found.code == 1
    assert any("do not unpack this ZIP" in line for line in found.wrong)


def test_a_file_that_stands_twice_is_refused_and_one_that_differs_by_case_is_remarked(
    verified, whole, tmp_path
):
    binder = whole.copy()
    binder.files["readme.MD"] = b"other"
    found = verified(binder.seal())
    assert found.code == 0
    assert found.remarks == ["readme.MD: some systems take it for README.md"]
    path = tmp_path / "attacked.zip"
    path.write_bytes(rename(plain_zip(binder, path), b"readme.MD", b"README.md"))
    found = verified(path)
    assert "README.md: it stands twice in the ZIP: programs would read different files" in found.wrong


def test_a_file_hidden_between_others_is_found(verified, whole, tmp_path):
    path = tmp_path / "attacked.zip"
    path.write_bytes(hidden(bytes(plain_zip(whole, path))))
    assert verified(path).code == 1


def test_names_of_files_are_shown_and_never_run(verified, browser, whole):
    binder = whole.copy()
    evil = "controls/<img src=x onerror=alert(1)>\u202e.csv"
    binder.files[evil] = b"x"
    found = verified(binder)
    assert "controls/<img src=x onerror=alert(1)>\\u202e.csv: it is not listed in SHA256SUMS" in found.wrong
    assert browser.page.query_selector("#report img") is None


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zip64_and_large_objects_are_read(verified, whole, tmp_path, monkeypatch, method):
    binder = whole.copy()
    large = os.urandom(1 << 20) * 9
    binder.files[object_name(large)] = large
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)
    found = verified(binder.seal().write(tmp_path / "wide.zip", method))
    assert b"PK\x06\x06" in (tmp_path / "wide.zip").read_bytes()
    assert (found.code, found.wrong) == (0, [])
    binder.files[object_name(large)] = large[:-1] + b"x"
    assert verified(binder.write(tmp_path / "wide.zip", method)).names(object_name(large))


def test_a_directory_that_reaches_beyond_itself_is_refused(verified, whole, tmp_path):
    path = tmp_path / "attacked.zip"
    data = plain_zip(whole, path)
    last = data.rfind(b"PK\x01\x02")
    data[last + 30 : last + 32] = b"\x04\x00"  # extra bytes that are not there
    path.write_bytes(data)
    found = verified(path)
    assert found.wrong == ["attacked.zip: its directory does not list as many files as it says"]


@pytest.mark.parametrize("old", [b"README.md", b"log/checkpoints/120.txt"])
def test_names_that_programs_would_read_differently_are_refused(verified, whole, tmp_path, old):
    path = tmp_path / "attacked.zip"
    path.write_bytes(rename(plain_zip(whole, path), old, old[:-1] + b"\xfc"))
    said = "the name of a file is not UTF-8, or not marked so: programs would read different names"
    assert verified(path).wrong == [f"attacked.zip: {said}"]


@pytest.mark.parametrize("part", ["anywhere", "directory"])
def test_random_damage_is_judged_alike(verified, whole, tmp_path, part):
    """And never ends in an error of the verifier's own."""
    path, dice = tmp_path / "attacked.zip", random.Random(part)
    good = plain_zip(whole, path)
    start = 0 if part == "anywhere" else good.find(b"PK\x01\x02")
    for _ in range(20):
        data = bytearray(good)
        for _ in range(dice.choice([1, 1, 3])):
            data[dice.randrange(start, len(data))] = dice.randrange(256)
        path.write_bytes(data)
        assert verified(path).code in (0, 1)
