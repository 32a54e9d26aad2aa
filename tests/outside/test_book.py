"""Who keeps checkpoints: every change is attributed and logged, on both databases."""

import json

import pytest

from proofwatch.outside import book
from proofwatch.outside.base import OutsideError
from proofwatch.store.base import Missing, StoreError
from proofwatch.store.models import Keeper, LogEntry, Person
from tests.outside.state import START

GIT = {"remote": "/mnt/elsewhere/log.git", "folder": "/var/lib/clone"}


def entries():
    rows = LogEntry.objects.filter(kind="keeper.changed").order_by("index")
    return [json.loads(bytes(row.entry)) for row in rows]


def test_every_change_is_an_entry_with_before_and_after(database_url):
    row = book.save("repo", "git", GIT, actor="ana", now=START)
    assert (row.enabled, row.next_due_at, row.interval_minutes) == (True, START, 60)
    book.save(
        "repo", "git", {**GIT, "branch": "log"}, actor="ana", now=START, interval=30, reason="own branch"
    )
    book.switch("repo", False, actor="ben", now=START, reason="moving")
    book.switch("repo", True, actor="ben", now=START, reason="moved")
    book.remove("repo", actor="ana", now=START, reason="not needed")
    assert book.every() == []
    found = entries()
    assert [item["actor"] for item in found] == ["ana", "ana", "ben", "ben", "ana"]
    assert [item["data"]["reason"] for item in found] == ["", "own branch", "moving", "moved", "not needed"]
    before, after = found[1]["data"]["before"], found[1]["data"]["after"]
    assert (before["settings"], before["interval_minutes"]) == (GIT, 60)
    assert (after["settings"]["branch"], after["interval_minutes"]) == ("log", 30)
    assert found[0]["data"]["before"] is None and found[4]["data"]["after"] is None
    again = book.save("repo", "git", GIT, actor="ana", now=START)
    assert again.enabled and entries()[-1]["data"]["before"] is None
    assert Keeper.objects.count() == 1


def test_what_cannot_be_used_is_refused_and_not_repeated(database_url):
    for name, kind, settings, said in (
        ("Repo", "git", GIT, "cannot be a name"),
        ("repo", "gti", GIT, "there is no kind 'gti'"),
        ("repo", "git", {"remote": "ext::sh"}, "remote: .*; folder: Field required"),
        ("repo", "git", {**GIT, "colour": "red"}, "colour: Extra inputs"),
        ("repo", "git", {**GIT, "token": "ghp_secret"}, "write env:NAME"),
    ):
        with pytest.raises(OutsideError, match=said) as caught:
            book.save(name, kind, settings, actor="ana", now=START)
        assert "ghp_secret" not in str(caught.value)
    with pytest.raises(OutsideError, match="31 days"):
        book.save("repo", "git", GIT, actor="ana", now=START, interval=10**6)
    assert entries() == []


def test_a_change_and_an_end_need_a_reason_and_somebody_who_may(database_url):
    book.save("repo", "git", GIT, actor="ana", now=START)
    for act in (
        lambda: book.save("repo", "git", GIT, actor="ana", now=START),
        lambda: book.switch("repo", False, actor="ana", now=START, reason=" "),
        lambda: book.remove("repo", actor="ana", now=START, reason=""),
    ):
        with pytest.raises(OutsideError, match="reason"):
            act()
    Person.objects.create(name="aud", role="auditor", active=True, created_at=START)
    for act in (
        lambda: book.save("other", "git", GIT, actor="aud", now=START),
        lambda: book.switch("repo", False, actor="aud", now=START, reason="x"),
    ):
        with pytest.raises(StoreError, match="may not change this"):
            act()
    with pytest.raises(Missing, match="did you mean 'repo'"):
        book.switch("rpeo", False, actor="ana", now=START, reason="x")
    assert len(entries()) == 1
