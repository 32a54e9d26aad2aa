"""Checkpoints are given when they say something new, once, and one keeper's failure is its own."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from proofwatch.evidence.entry import named_objects
from proofwatch.evidence.merkle import verify_consistency
from proofwatch.evidence.timestamp import verify_token
from proofwatch.outside import book, comparing, giving
from proofwatch.outside.base import Answer, OutsideError
from proofwatch.store import django, log
from proofwatch.store.models import Checkpoint, Keeper, KeptCheckpoint, LogEntry
from tests.outside.authority import Authority, serving
from tests.outside.state import KEY, START, Clock, giver, note, scripted


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def give(database_url, tmp_path, clock):
    """Do what a worker does at a look; return how many were tried."""
    made = giver(tmp_path, clock)

    def look():
        done = giving.keep_due(made.client, made.objects, made.vkey, made.organization, clock=clock)
        log.sign_checkpoint(KEY, clock())
        return done

    look.giver = made
    return look


def entries(*kinds):
    rows = LogEntry.objects.filter(kind__in=kinds).order_by("index")
    return [json.loads(bytes(row.entry)) for row in rows]


def add(name, clock):
    return book.save(name, "script", {"script": name}, actor="ana", now=clock())


def test_a_checkpoint_is_given_and_recorded_with_its_objects(give, clock, monkeypatch):
    scripted(monkeypatch, a=[Answer("ref-1", b"proof", {"fact": 1}, {"certificates": b"pem"})])
    add("a", clock)
    note(1, clock)
    assert give() == 1
    row = KeptCheckpoint.objects.get()
    (entry,) = entries("checkpoint.kept")
    data = entry["data"]
    signed = Checkpoint.objects.get(size=row.size, root=row.root)
    assert (row.state, row.reference, row.size) == ("accepted", "ref-1", 2)
    assert (data["size"], data["root"], data["reference"], data["facts"]) == (
        2,
        row.root,
        "ref-1",
        {"fact": 1},
    )
    objects = give.giver.objects
    assert objects.get(data["checkpoint"]["sha256"]) == signed.note.encode()
    assert objects.get(row.proof) == b"proof"
    assert [objects.get(item["sha256"]) for item in data["also"]] == [b"pem"]
    assert len(list(named_objects(data))) == 3
    assert entry["actor"] == "system"


def test_keeping_is_no_reason_to_keep_again(give, clock, monkeypatch):
    script = scripted(monkeypatch)
    for name in ("a", "b"):
        add(name, clock)
    note(1, clock)
    assert give() == 2
    for _ in range(5):
        clock.later(hours=2)
        assert give() == 0
    size = log.DjangoLog().size()
    clock.later(hours=2)
    note(2, clock)
    assert give() == 2
    assert script.given == [("a", 3), ("b", 3), ("a", size + 1), ("b", size + 1)]
    assert len(entries("checkpoint.kept")) == 4


def test_a_keeper_is_left_alone_until_its_time(give, clock, monkeypatch):
    script = scripted(monkeypatch)
    add("a", clock)
    note(1, clock)
    give()
    note(2, clock)
    clock.later(minutes=59)
    assert give() == 0
    clock.later(minutes=1)
    assert give() == 1
    assert len(script.given) == 2


def test_what_grew_while_it_was_looked_at_is_given_soon(give, clock, monkeypatch):
    scripted(monkeypatch)
    add("a", clock)
    note(1, clock)
    give()
    clock.later(minutes=60)
    assert give() == 0
    note(2, clock)
    clock.later(seconds=61)
    assert give() == 1


def test_a_failure_is_recorded_waited_for_and_nobody_elses(give, clock, monkeypatch):
    broken = OutsideError("giving", "no room", "Make room.", permanent=False)
    script = scripted(monkeypatch, a=[broken, ZeroDivisionError("secret"), broken])
    add("a", clock)
    add("b", clock)
    note(1, clock)
    assert give() == 2
    assert [(row.keeper, row.state) for row in giving.history()] == [("b", "accepted"), ("a", "failed")]
    (first,) = entries("checkpoint.refused")
    assert first["data"]["reason"] == "no room → Make room."
    assert first["data"]["again_at"] == "2026-11-28T09:01:00Z"
    clock.later(seconds=59)
    assert give() == 0
    clock.later(seconds=1)
    assert give() == 1
    clock.later(seconds=119)
    assert give() == 0
    clock.later(seconds=1)
    assert give() == 1
    clock.later(minutes=4)
    assert give() == 1
    assert [row.state for row in giving.history("a")] == ["accepted", "failed", "failed", "failed"]
    assert giving.history("a")[1:3][1].error == "our own fault: ZeroDivisionError"
    assert [name for name, _ in script.given].count("b") == 1


def test_the_rest_after_failures_doubles_up_to_six_hours():
    rests = [giving.delay(number) for number in (1, 2, 3, 9, 10, 99)]
    minutes = [1, 2, 4, 256, 360, 360]
    assert rests == [timedelta(minutes=number) for number in minutes]


def test_facts_that_no_entry_can_hold_are_a_failure_of_that_keeper(give, clock, monkeypatch):
    scripted(monkeypatch, a=[Answer("x", facts={"long": "x" * 40_000})], b=[Answer("x", facts={"n": 2**60})])
    for name in ("a", "b", "c"):
        add(name, clock)
    note(1, clock)
    assert give() == 3
    states = {row.keeper: row.state for row in giving.history()}
    assert states == {"a": "failed", "b": "failed", "c": "accepted"}


def test_a_proof_that_cannot_be_stored_is_a_failure(give, clock, monkeypatch, tmp_path):
    scripted(monkeypatch, a=[Answer("x", b"proof")])
    add("a", clock)
    note(1, clock)
    (tmp_path / "objects").write_text("in the way", "utf-8")
    assert give() == 1
    row = KeptCheckpoint.objects.get()
    assert row.state == "failed" and row.error.startswith("storing object")


def test_nothing_is_given_while_paused_removed_or_unsigned(give, clock, monkeypatch):
    script = scripted(monkeypatch)
    add("a", clock)
    assert give() == 0  # Nothing is signed yet; looking signs.
    book.switch("a", False, actor="ana", now=clock(), reason="x")
    note(1, clock)
    clock.later(hours=2)
    assert give() == 0
    book.switch("a", True, actor="ana", now=clock(), reason="x")
    log.sign_checkpoint(KEY, clock())
    assert give() == 1
    book.remove("a", actor="ana", now=clock(), reason="x")
    note(2, clock)
    clock.later(hours=2)
    assert give() == 0
    assert len(script.given) == 1


def test_another_place_is_given_the_same_checkpoint(give, clock, monkeypatch):
    script = scripted(monkeypatch)
    add("a", clock)
    note(1, clock)
    give()
    clock.later(minutes=1)
    book.save("a", "script", {"script": "a2"}, actor="ana", now=clock(), reason="other bucket")
    assert give() == 1
    assert [name for name, _ in script.given] == ["a", "a2"]


def test_what_was_changed_while_it_was_given_stays_due(give, clock, monkeypatch):
    def change(given):
        clock.later(seconds=1)
        book.save("a", "script", {"script": "a2"}, actor="ana", now=clock(), reason="meanwhile")
        return Answer("to the old place")

    script = scripted(monkeypatch, a=[change])
    add("a", clock)
    note(1, clock)
    give()
    assert Keeper.objects.get().next_due_at == clock()
    clock.later(seconds=1)
    assert give() == 1
    assert [name for name, _ in script.given] == ["a", "a2"]


def test_many_workers_give_once(database_url, tmp_path, clock, monkeypatch):
    script = scripted(monkeypatch)
    for name in "abcd":
        add(name, clock)
    note(1, clock)
    made = giver(tmp_path, clock)

    def work(_):
        try:
            return giving.keep_due(made.client, made.objects, made.vkey, clock=clock)
        finally:
            django.disconnect()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(work, range(12))) == 4
    assert sorted(name for name, _ in script.given) == ["a", "b", "c", "d"]
    assert KeptCheckpoint.objects.count() == 4


def test_a_worker_that_died_is_followed_after_its_lease(give, clock, monkeypatch):
    class Killed(BaseException):
        pass

    script = scripted(monkeypatch, a=[Killed()])
    add("a", clock)
    note(1, clock)
    with pytest.raises(Killed):
        give()
    assert KeptCheckpoint.objects.count() == 0
    clock.later(minutes=9)
    assert give() == 0
    clock.later(minutes=1)
    assert give() == 1
    assert len(script.given) == 2


def test_what_was_given_is_never_changed(give, clock, monkeypatch):
    scripted(monkeypatch)
    add("a", clock)
    note(1, clock)
    give()
    with pytest.raises(Exception, match="append-only"), django.write("tampering"):
        KeptCheckpoint.objects.update(reference="other")


def test_a_keeper_can_ask_for_the_proof_from_what_it_has(give, clock, monkeypatch):
    seen = []

    def prove(given):
        old = Checkpoint.objects.order_by("size").first()
        verify_consistency(old.size, given.size, bytes.fromhex(old.root), given.root, given.prove(old.size))
        seen.append((old.size, given.size))
        return Answer("proven")

    scripted(monkeypatch, a=[prove])
    note(0, clock)
    add("a", clock)
    for number in range(5):
        note(number, clock)
    give()
    assert seen == [(1, 7)]
    assert KeptCheckpoint.objects.get().state == "accepted"


def test_giving_by_hand(give, clock, monkeypatch):
    script = scripted(monkeypatch)
    made = give.giver
    with pytest.raises(OutsideError, match="none is signed yet"):
        giving.keep_now(made, actor="ana")
    add("a", clock)
    add("b", clock)
    note(1, clock)
    assert [row.keeper for row in giving.keep_now(made, "a", actor="ana")] == ["a"]
    assert [row.keeper for row in giving.keep_now(made, actor="ana")] == ["b"]
    assert giving.keep_now(made, actor="ana") == []
    assert [row.keeper for row in giving.keep_now(made, "a", actor="ana", again=True)] == ["a"]
    book.switch("a", False, actor="ana", now=clock(), reason="x")
    with pytest.raises(OutsideError, match="a is paused"):
        giving.keep_now(made, "a", actor="ana")
    assert giving.keep_now(made, "a", actor="ana", again=True)
    assert {item["actor"] for item in entries("checkpoint.kept")} == {"ana"}
    assert len(script.given) == 4


def test_two_authorities_stamp_for_real(give, clock, tmp_path):
    one, two = Authority(tmp_path / "one", "One"), Authority(tmp_path / "two", "Two")
    with serving(one) as first, serving(two) as second:
        for name, authority, url in (("one", one, first), ("two", two, second)):
            settings = {"url": url, "roots": str(authority.roots)}
            book.save(name, "timestamp", settings, actor="ana", now=clock())
        note(1, clock)
        assert give() == 2
    rows = {row.keeper: row for row in giving.history()}
    assert {row.state for row in rows.values()} == {"accepted"}
    for name, authority in (("one", one), ("two", two)):
        data = Checkpoint.objects.get(size=rows[name].size).note.encode()
        stamp = verify_token(give.giver.objects.get(rows[name].proof), data, [authority.root])
        assert stamp.authority == f"CN={name.title()}"
    found = comparing.gather(give.giver.client, give.giver.objects)
    report, revealed = comparing.compare(log.DjangoLog(), [KEY.vkey], found)
    assert not revealed and report.wrong == []
    assert sum("stamped by CN=" in text for text in report.proven) == 2


def test_doctor_says_who_keeps_nothing(give, clock, monkeypatch):
    def said():
        return [f"{level}: {text}" for level, text, _ in comparing.problems()]

    assert said() == [
        "warning: nobody keeps checkpoints outside: a log that is rewritten as a whole would look whole"
    ]
    scripted(
        monkeypatch,
        b=[OutsideError("x", "no room")],
        c=[OutsideError("x", "checkpoints/3.txt holds other bytes")],
    )
    for name in ("a", "b", "c"):
        add(name, clock)
    assert "warning: a was never given a checkpoint" in said()
    note(1, clock)
    give()
    book.switch("a", False, actor="ana", now=clock(), reason="x")
    assert said() == [
        "warning: no time-stamp authority: with two, none has to be believed alone",
        "warning: a is paused",
        "warning: b did not take the last: no room",
        "wrong: c did not take the last: checkpoints/3.txt holds other bytes",
    ]


def test_the_times_are_those_of_the_clock(give, clock, monkeypatch):
    scripted(monkeypatch)
    add("a", clock)
    note(1, clock)
    give()
    assert KeptCheckpoint.objects.get().at == START
    assert Keeper.objects.get().next_due_at == START + timedelta(hours=1)
