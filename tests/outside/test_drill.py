"""The drill: a log rewritten with its own key looks whole, and what others keep shows that it is not."""

import boto3
import pytest

from proofwatch.evidence.keys import create_key
from proofwatch.evidence.verify import verify_log
from proofwatch.outside import book, comparing, drill, giving
from proofwatch.store import django, log
from proofwatch.store.models import Checkpoint, KeptCheckpoint, LogEntry
from tests.outside.authority import Authority, serving
from tests.outside.state import KEY, Clock, giver, note
from tests.outside.test_git import do


@pytest.fixture
def clock():
    return Clock()


def grow(clock, count=8):
    """Append entries over more than one tile, and sign on the way."""
    with django.write("testing"):
        log.append_all([("log.noted", "me", {"number": number}, clock()) for number in range(300)])
    for number in range(count):
        note(number, clock)


def drilled(made):
    found = comparing.gather(made.client, made.objects)
    return drill.run(log.DjangoLog(), KEY, [KEY.vkey], found)


def everything():
    entries = [bytes(row.entry) for row in LogEntry.objects.order_by("index")]
    return entries, log.DjangoLog().checkpoint(), Checkpoint.objects.count(), KeptCheckpoint.objects.count()


def untouched(act):
    """Do something, and prove that the state is just as it was."""
    before = everything()
    made = act()
    assert everything() == before
    return made


def revealed_by(went, words):
    assert went.alone.wrong == [] and went.alone.signed
    assert went.before.wrong == []
    assert went.revealed
    assert any(words in text for text in went.held.wrong), went.held.wrong


def test_with_nobody_outside_a_repository_stands_in(database_url, tmp_path, clock):
    grow(clock)
    went = untouched(lambda: drilled(giver(tmp_path, clock)))
    assert went.stand_in and went.index == 154
    revealed_by(went, "those that the repository made for this drill keeps")


def test_a_git_repository_reveals_it(database_url, tmp_path, clock):
    remote = tmp_path / "remote.git"
    remote.mkdir()
    do(remote, "init", "--quiet", "--bare", ".")
    settings = {"remote": str(remote), "folder": str(tmp_path / "clone")}
    book.save("repo", "git", settings, actor="ana", now=clock())
    grow(clock)
    made = giver(tmp_path, clock)
    giving.keep_now(made, actor="ana")
    went = untouched(lambda: drilled(made))
    assert not went.stand_in
    revealed_by(went, f"{remote} checkpoints:checkpoints/309.txt keeps")
    assert len(do(remote, "log", "--format=%H", "checkpoints").split()) == 1


def test_a_bucket_reveals_it(database_url, tmp_path, clock, s3_endpoint, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    s3 = boto3.Session().client("s3", endpoint_url=s3_endpoint, region_name="us-east-1")
    bucket = f"drill-{'sqlite' if 'sqlite' in database_url else 'postgres'}"
    s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    book.save("s3", "s3", {"bucket": bucket, "endpoint": s3_endpoint}, actor="ana", now=clock())
    grow(clock)
    made = giver(tmp_path, clock)
    giving.keep_now(made, actor="ana")
    revealed_by(untouched(lambda: drilled(made)), f"s3://{bucket}/checkpoints/309.txt")


def test_a_time_stamp_reveals_it(database_url, tmp_path, clock):
    authority = Authority(tmp_path / "tsa")
    grow(clock)
    made = giver(tmp_path, clock)
    with serving(authority) as url:
        settings = {"url": url, "roots": str(authority.roots)}
        book.save("tsa", "timestamp", settings, actor="ana", now=clock())
        log.sign_checkpoint(KEY, clock())
        giving.keep_now(made, actor="ana")
    revealed_by(untouched(lambda: drilled(made)), "are not those that CN=Stamps stamped at")


def test_a_log_that_does_not_fit_already_is_no_drill(database_url, tmp_path, clock):
    """The repository keeps a checkpoint by the same key over other entries: somebody did it for real."""
    grow(clock)
    made = giver(tmp_path, clock)
    found = comparing.gather(made.client, made.objects)
    other = drill.Rewritten(log.DjangoLog(), 5, KEY)
    found.items.append(comparing.Kept("repo", "git", other.checkpoint().encode(), where="the repository"))
    went = drill.run(log.DjangoLog(), KEY, [KEY.vkey], found)
    assert not went.revealed
    assert "the log was rewritten: its first 308 entries" in went.before.wrong[0]


def test_what_is_kept_of_something_older_than_the_change_reveals_nothing(database_url, tmp_path, clock):
    grow(clock)
    other = create_key(tmp_path / "other.skey", "elsewhere.example/log")
    rewritten = drill.Rewritten(log.DjangoLog(), 200, KEY)
    assert verify_log(rewritten, [KEY.vkey]).wrong == []
    first = Checkpoint.objects.order_by("size").first()
    found = comparing.Outside([comparing.Kept("repo", "git", first.note.encode(), where="the repository")])
    report, revealed = comparing.compare(rewritten, [KEY.vkey], found)
    assert revealed  # Over 301 entries.
    late = drill.Rewritten(log.DjangoLog(), 305, KEY)
    report, revealed = comparing.compare(late, [KEY.vkey], found)
    assert not revealed and report.wrong == []
    assert any("nothing before entry 301 was changed" in text for text in report.proven)
    assert verify_log(late, [other.vkey]).wrong  # And only its own key signs it.
