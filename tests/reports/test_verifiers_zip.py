"""A ZIP that programs could read in two ways, or that would leave its folder, passes neither verifier."""

import os
import random
import zipfile

import pytest

from tests.reports.binders import object_name
from tests.reports.zips import HEADERS, OUTSIDE, WHOLE, rename, rewritten


def plain_zip(whole, path, method=zipfile.ZIP_DEFLATED):
    return whole.write(path, method).read_bytes()


@pytest.mark.parametrize("attack", WHOLE)
def test_zips_that_could_be_read_in_two_ways_are_refused(verified, whole, tmp_path, attack):
    path = tmp_path / "attacked.zip"
    path.write_bytes(WHOLE[attack](plain_zip(whole, path)))
    found = verified(path)
    assert found.code == 1
    assert found.names("attacked.zip")


@pytest.mark.parametrize("field", HEADERS)
def test_headers_that_lie_are_refused(verified, whole, tmp_path, field):
    path = tmp_path / "attacked.zip"
    harm, said = HEADERS[field]
    path.write_bytes(harm(plain_zip(whole, path)))
    found = verified(path)
    assert found.code == 1
    assert any(said in line for line in found.wrong)


def test_files_written_in_another_way_are_the_same_files(verified, whole, tmp_path):
    path = tmp_path / "rewritten.zip"
    path.write_bytes(rewritten(plain_zip(whole, path)))
    assert (verified(path).code, verified(path).wrong) == (0, [])


@pytest.mark.parametrize("name", OUTSIDE)
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
    good = bytearray(plain_zip(whole, path))
    start = 0 if part == "anywhere" else good.find(b"PK\x01\x02")
    for _ in range(20):
        data = bytearray(good)
        for _ in range(dice.choice([1, 1, 3])):
            data[dice.randrange(start, len(data))] = dice.randrange(256)
        path.write_bytes(data)
        assert verified(path).code in (0, 1)
