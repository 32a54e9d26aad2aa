"""Who keeps checkpoints outside, in a binder: whatever they were called, and after its last day, too."""

import json
from datetime import timedelta

import pytest

from proofwatch.evidence.cosignature import Cosigner
from proofwatch.evidence.policy import parse_policy
from proofwatch.outside import book
from proofwatch.outside.giving import Giver
from proofwatch.store import log
from proofwatch.store.models import Checkpoint
from tests.binder.conftest import read, verified
from tests.binder.inside import KEY, BinderWorld
from tests.outside import authority as authorities
from tests.outside.samples import LOCAL
from tests.reports.verifying import CHROMIUM, Browser, by_python, same
from tests.reports.world import volume
from tests.store.samples import NOW

WHO = {"actor": "olga", "now": NOW}
WITNESS = Cosigner("witness.example/w1", b"w" * 32)


@pytest.fixture
def world(database_url, tmp_path):
    made = BinderWorld(tmp_path / "world")
    made.sweep([volume("vol-1")])
    return made


def test_a_witness_and_authorities_that_had_other_names_before_stop_no_binder(world, tmp_path):
    stamping = authorities.Authority(tmp_path / "authority")
    settings = {"url": "https://w.example/", "vkey": WITNESS.vkey}
    book.save("old", "witness", settings, **WHO)
    book.remove("old", **WHO, reason="it is called otherwise now")
    book.save("new", "witness", settings, **WHO)
    for name in ("stamps", "stamps-"):
        given = {"url": "http://127.0.0.1/", "roots": str(stamping.roots)}
        book.save(name, "timestamp", given, **WHO)
    world.binder(world.day(), tmp_path / "b.zip", NOW + timedelta(hours=1))
    contents = read(tmp_path / "b.zip")
    policy = parse_policy(contents["log/policy.txt"])
    assert [item.verifier.text for item in policy.witnesses] == [WITNESS.vkey]
    assert {name for name in contents if name.startswith("log/authorities/")} == {
        "log/authorities/stamps.pem", "log/authorities/stamps-.pem",
    }  # fmt: skip
    assert verified(tmp_path / "b.zip").wrong == []


def test_what_was_stamped_after_the_last_day_vouches_for_it_and_is_in_the_binder(world, tmp_path):
    stamping, later = authorities.Authority(tmp_path / "authority"), NOW + timedelta(days=2)
    with authorities.serving(stamping) as url:
        row = book.save("stamps", "timestamp", {"url": url, "roots": str(stamping.roots)}, **WHO)
        head = log.sign_checkpoint(KEY, later)
        giver = Giver(LOCAL, world.objects, KEY.vkey, clock=lambda: later)
        assert giver.give(row, Checkpoint.objects.get(note=head)).state == "accepted"
    path = tmp_path / "b.zip"
    world.binder(world.day(), path, NOW + timedelta(days=20))
    contents = read(path)
    (kept,) = json.loads(contents["log/kept.json"])
    assert contents[kept["file"]] and contents[f"log/checkpoints/{kept['size']}.txt"] == head.encode()
    assert kept["size"] > json.loads(contents["binder.json"])["entries"]["last"]
    report = verified(path, authorities=[stamping.root])
    assert report.wrong == [] and any("stamped by" in text for text in report.proven)
    assert by_python(path).wrong == []
    if CHROMIUM:
        browser = Browser()
        same(by_python(path), browser.verify(path))
        browser.close()
