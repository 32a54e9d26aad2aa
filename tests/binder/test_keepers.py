"""Who keeps checkpoints outside, in a binder: under whatever names they were known."""

from datetime import timedelta

import pytest

from proofwatch.evidence.cosignature import Cosigner
from proofwatch.evidence.policy import parse_policy
from proofwatch.outside import book
from tests.binder.conftest import read, verified
from tests.binder.inside import BinderWorld
from tests.outside import authority as authorities
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
