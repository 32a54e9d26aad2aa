"""What was validated is kept: ours by itself, what a user adds apart from it."""

import shutil
from pathlib import Path

import pytest

from proofwatch.checks import cached
from proofwatch.checks.base import CheckError
from tests.checks.kit import CRITERIA, TABLES, text, write_checks


@pytest.fixture
def opening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Open a catalogue of ours and of the user; the second list names the folders validated anew."""
    ours, own, views = tmp_path / "ours", tmp_path / "own", tmp_path / "views"
    write_checks(ours, a__b=text())
    own.mkdir()
    views.mkdir()
    loaded: list[list[str]] = []
    load = cached.load_catalog

    def counted(folders, *more):
        loaded.append([folder.name for folder in folders])
        return load(folders, *more)

    monkeypatch.setattr(cached, "load_catalog", counted)

    def opened(*, cache: Path | None = tmp_path / "cache", shared: Path | None = None):
        loaded.clear()
        found = cached.open_catalog([ours, own], views, TABLES, CRITERIA, cache, shared)
        return sorted(found.checks), list(loaded)

    return opened, ours, own


def test_a_change_in_the_users_folder_validates_only_that(opening) -> None:
    opened, _, own = opening
    assert opened() == (["a.b"], [["ours"], ["own"]])
    assert opened() == (["a.b"], [])
    write_checks(own, mine__x=text())
    assert opened() == (["a.b", "mine.x"], [["own"]])
    assert opened() == (["a.b", "mine.x"], [])
    shutil.rmtree(own / "mine")
    assert opened() == (["a.b"], [["own"]])


def test_a_change_in_ours_validates_both(opening) -> None:
    opened, ours, own = opening
    write_checks(own, mine__x=text())
    opened()
    write_checks(ours, a__c=text())
    assert opened() == (["a.b", "a.c", "mine.x"], [["ours"], ["own"]])


def test_what_is_wrong_is_named_and_nothing_of_it_is_kept(opening) -> None:
    opened, _, own = opening
    write_checks(own, a__b=text())
    for _ in range(2):
        with pytest.raises(CheckError, match=r"the id a\.b is already used by .*ours/a/b\.yaml"):
            opened()
    shutil.rmtree(own / "a")
    write_checks(own, mine__x=text(passes="nothing_there = 1"))
    with pytest.raises(CheckError, match=r"own/mine/x.yaml:\d+: passes: .*nothing_there"):
        opened()


def test_without_a_cache_or_with_a_damaged_one_all_is_validated_anew(opening, tmp_path: Path) -> None:
    opened, _, _ = opening
    assert opened(cache=None)[1] == opened(cache=None)[1] == [["ours"], ["own"]]
    opened()
    for path in (tmp_path / "cache").iterdir():
        path.write_bytes(path.read_bytes()[:50])
    assert opened() == (["a.b"], [["ours"], ["own"]])


def test_another_home_of_the_same_user_finds_what_is_shipped_validated(opening, tmp_path: Path) -> None:
    opened, ours, own = opening
    write_checks(own, mine__x=text())
    shared = tmp_path / "shared"
    assert opened(cache=tmp_path / "one", shared=shared)[1] == [["ours"], ["own"]]
    assert opened(cache=tmp_path / "two", shared=shared) == (["a.b", "mine.x"], [["own"]])
    assert opened(cache=None, shared=shared)[1] == [["own"]]
    write_checks(ours, a__c=text())
    assert opened(cache=tmp_path / "two", shared=shared)[1] == [["ours"], ["own"]]


def test_only_some_versions_are_kept_for_all_homes(opening, tmp_path: Path) -> None:
    opened, ours, _ = opening
    shared = tmp_path / "shared"
    for number in range(cached.SHARED_KEPT + 3):
        write_checks(ours, **{f"a__n{number}": text()})
        opened(cache=None, shared=shared)
    assert len(list(shared.glob("shipped-*.json"))) == cached.SHARED_KEPT + 1


def test_a_shared_folder_that_cannot_be_written_changes_nothing(opening, tmp_path: Path) -> None:
    opened, _, _ = opening
    (tmp_path / "file").write_text("")
    assert opened(cache=None, shared=tmp_path / "file")[0] == ["a.b"]
