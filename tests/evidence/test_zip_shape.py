"""A ZIP that programs could read in two ways is no binder: by the harms that verify.py is held to."""

import random
import struct
import zipfile

import pytest

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.bundle import Bundle
from tests.reports.zips import HEADERS, OUTSIDE, VICTIM, WHOLE, edit, rename, rewritten

FILES = {
    "binder.json": b'{"format": "proofwatch-binder/1"}' * 20,
    "placehold": b"x",
    VICTIM: b"# A binder\n" * 10,
    "controls/Zo\u00eb.csv": b"control\r\n",
    "empty": b"",
    "readme.MD": b"other",
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "binder.zip"


@pytest.fixture
def plain(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in FILES.items():
            archive.writestr(name, data)
    return path.read_bytes()


def contents(path):
    with Bundle(path) as bundle:
        assert [bundle.size(name) for name in bundle.names] == list(map(len, map(bundle.read, bundle.names)))
        return {name: bundle.read(name) for name in bundle.names}


def refused(path, data):
    """What is said of a ZIP that cannot be opened or of which a file cannot be read."""
    path.write_bytes(data)
    with pytest.raises(EvidenceError) as caught:
        contents(path)
    assert caught.value.doing in ("opening the binder", f"reading {VICTIM}")
    return str(caught.value)


def test_a_plain_zip_is_read(path, plain):
    assert contents(path) == FILES
    path.write_bytes(rewritten(plain))
    assert contents(path) == FILES


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("limit", [10, zipfile.ZIP64_LIMIT])
def test_a_zip_is_read_as_the_binder_is_written_also_where_it_is_large(path, monkeypatch, method, limit):
    """As binder/archive.py writes it: every file in parts, with room for sizes beyond 4 GiB."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", limit)
    large = random.Random(1).randbytes(1 << 20) * 3 + bytes(3 << 20)
    with zipfile.ZipFile(path, "w", allowZip64=True) as archive:
        for name, data in {**FILES, "large": large}.items():
            info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            info.compress_type, info.external_attr = method, 0o100644 << 16
            with archive.open(info, "w", force_zip64=True) as file:
                file.write(data)
    assert (b"PK\x06\x06" in path.read_bytes()[-200:]) == (limit == 10)
    assert contents(path) == {**FILES, "large": large}


@pytest.mark.parametrize("harm", WHOLE)
def test_a_zip_that_could_be_read_in_two_ways_is_refused(path, plain, harm):
    assert "opening the binder" in refused(path, WHOLE[harm](plain))


@pytest.mark.parametrize("harm", HEADERS)
def test_a_header_that_lies_is_refused(path, plain, harm):
    act, said = HEADERS[harm]
    assert said in refused(path, act(plain))


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_that_leads_out_is_refused(path, plain, name):
    assert "Do not unpack it" in refused(path, rename(plain, b"placehold", name.encode()))


def test_a_name_that_stands_twice_or_is_read_differently_is_refused(path, plain):
    assert "README.md stands twice in it" in refused(path, rename(plain, b"readme.MD", b"README.md"))
    assert "is not UTF-8, or not marked so" in refused(path, rename(plain, b"readme.MD", b"readme.M\xfc"))
    unmarked = edit(plain, 6, 8, b"\x00\x00", "controls/Zo\u00eb.csv")
    assert "is not UTF-8, or not marked so" in refused(path, unmarked)


def test_a_file_whose_crc_is_another_is_damaged(path, plain):
    assert "it is damaged: its CRC is another" in refused(path, edit(plain, 14, 16, b"\x01\x00\x00\x00"))


@pytest.mark.parametrize(("at", "value"), [(8, 3), (10, 3), (12, 1), (16, 1)])
def test_two_ends_that_say_different_things_are_refused(path, at, value, monkeypatch, plain):
    """The ZIP64 end is there, and the plain one says something else."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 10)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in FILES.items():
            archive.writestr(name, data)
    data, size = path.read_bytes(), 2 if at < 12 else 4
    place = len(data) - 22 + at
    harmed = data[:place] + value.to_bytes(size, "little") + data[place + size :]
    assert "its two ends say different things" in refused(path, harmed)


def test_a_directory_that_would_fill_the_memory_is_refused(path):
    """A file of holes: half a gibibyte of directory takes no room on the disk."""
    length = 1 << 29
    with path.open("wb") as file:
        file.truncate(length)
        file.seek(length)
        file.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, length, 0, 0))
    with pytest.raises(EvidenceError, match="its directory has more than"):
        Bundle(path)


@pytest.mark.parametrize("part", ["anywhere", "directory"])
def test_random_damage_is_refused_or_changes_nothing_that_is_looked_at(path, plain, part):
    dice = random.Random(part)
    start = 0 if part == "anywhere" else plain.find(b"PK\x01\x02")
    for _ in range(500):
        data = bytearray(plain)
        for _ in range(dice.choice([1, 1, 3])):
            data[dice.randrange(start, len(data))] = dice.randrange(256)
        path.write_bytes(data)
        try:
            found = contents(path)
        except EvidenceError:
            continue
        assert list(found.values()) == list(FILES.values())


def test_what_cannot_be_opened_is_one_clear_error(tmp_path):
    with pytest.raises(EvidenceError, match=r"opening the binder: .*No such file"):
        Bundle(tmp_path / "none.zip")
    with pytest.raises(EvidenceError, match=r"opening the binder: .*directory"):
        Bundle(tmp_path)
