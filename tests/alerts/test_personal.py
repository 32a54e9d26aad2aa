"""Which entries of the log hold the names of cloud resources, which may be those of people."""

from __future__ import annotations

import json
from pathlib import Path

from proofwatch.alerts import review
from tests.alerts.world import FAIL, PASS, World
from tests.store.samples import HERE, entries

PERSON, ADDRESS = "alice.smith", "alice.smith@example.com"
WITH_RESOURCES = {"findings.changed"}
"""An entry of this kind says which resources changed, up to fifty; more go into an object, which it names.

docs/backup.md says so: what is in the log cannot be taken out of it again.
"""


def test_only_one_kind_of_entry_names_resources(database_url: str, tmp_path: Path) -> None:
    """From the first failure to the repair: sweeps, controls, an alert, its answer, its end."""
    world = World(tmp_path)
    user = (*HERE, ADDRESS)
    for _ in range(3):
        world.sweep({user: FAIL, (*HERE, "root"): PASS})
    review.acknowledge(world.alert.name, "looking into it", by="ana", now=world.now, channel="cli")
    for _ in range(3):
        world.sweep({user: PASS, (*HERE, "root"): PASS})
    found = entries()
    naming = {entry["kind"] for entry in found if PERSON in json.dumps(entry)}
    assert {"findings.changed", "alerts.changed", "alert.acknowledged", "control.status"} <= {
        entry["kind"] for entry in found
    }
    assert naming == WITH_RESOURCES


def test_many_changes_are_named_by_digest_alone(database_url: str, tmp_path: Path) -> None:
    world = World(tmp_path)
    world.sweep({(*HERE, f"user-{number}@example.com"): FAIL for number in range(60)})
    assert [entry["kind"] for entry in entries() if "@example.com" in json.dumps(entry)] in (
        [],
        ["person.changed"],
    )
    (entry,) = entries("findings.changed")
    assert b"user-7@example.com" in world.objects.get(entry["data"]["transitions"])
