"""The tags of what fails follow every sweep, on both databases, for the tags that somebody named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from proofwatch.alerts import people, rulebook
from proofwatch.alerts.base import AlertError
from proofwatch.alerts.rules import Rule, parse_rule
from proofwatch.remediation import acceptances, clock
from proofwatch.store import reconcile, tags
from proofwatch.store.models import Alert, Finding, FindingTag
from proofwatch.store.outcome import Key
from tests.alerts.world import FAIL, A, B, World
from tests.store.samples import CHECK, NOW, begun, outcome

PROD, TEST = frozenset({"env=prod"}), frozenset({"env=test"})
RULE = Rule(id="prod", title="Production", when="failing", tags=("env=prod",), wait_minutes=0)


class Tagged(World):
    def sweep_tagged(self, held: Mapping[tuple[str, str, str], frozenset[str]]) -> None:
        def look(keys, names):
            return {Key(*key): tags & set(names) for key, tags in held.items() if key in keys}

        self.minutes += 15
        self.run = begun(self.owner, self.minutes)
        found = replace(outcome({CHECK: {A: FAIL, B: FAIL}}), tagged=look)
        reconcile.apply(self.run, found, self.objects, now=self.run.observed_at, also=clock.observe)


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Tagged:
    made = Tagged(tmp_path, RULE)
    people.add("bob", role="owner", actor="owner", now=NOW)
    return made


def test_a_rule_counts_what_has_its_tag(world: Tagged) -> None:
    world.sweep_tagged({A: PROD, B: TEST})
    assert (world.alert.count, world.alert.state) == (1, "open")
    assert set(FindingTag.objects.values_list("finding__resource", "tag")) == {("vol-a", "env=prod")}
    world.sweep_tagged({A: PROD, B: PROD})
    assert world.alert.count == 2
    assert set(world.alert.resources.values_list("finding__resource", flat=True)) == {"vol-a", "vol-b"}


def test_findings_are_brought_up_to_date_page_by_page(world: Tagged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tags, "PAGE", 1)
    asked: list[int] = []
    world.sweep_tagged({A: PROD, B: PROD})
    assert FindingTag.objects.count() == 2

    def look(keys, names):
        asked.append(len(keys))
        return {key: frozenset() if key == Key(*A) else PROD for key in keys}

    assert tags.refresh(world.owner, look) == 1
    assert asked == [1, 1]
    assert set(FindingTag.objects.values_list("finding__resource", flat=True)) == {"vol-b"}


def test_many_alerts_at_once_know_the_tags_too(world: Tagged) -> None:
    rules = [replace_id(f"prod-{number}") for number in range(25)]
    rulebook.save([RULE, *rules], actor="owner", now=NOW, reason="many")
    world.sweep_tagged({A: PROD, B: TEST})
    inside = Alert.objects.values_list("resources__finding__resource", flat=True)
    assert len(inside) == 26 and set(inside) == {"vol-a"}


def replace_id(name: str) -> Rule:
    return RULE.model_copy(update={"id": name})


def test_losing_the_tag_restores_nothing(world: Tagged) -> None:
    world.sweep_tagged({A: PROD})
    world.sweep_tagged({A: TEST})
    world.sweep_tagged({A: TEST})
    assert world.alert.state == "open"
    assert "no longer among what the rule counts" in world.alert.interruption


def test_tags_that_cannot_be_read_stay_as_they_were(world: Tagged) -> None:
    world.sweep_tagged({A: PROD})
    world.sweep_tagged({})
    assert (world.alert.count, world.alert.interruption) == (1, "")


def test_tags_that_nobody_names_are_not_kept(world: Tagged) -> None:
    world.sweep_tagged({A: PROD | {"owner=ana"}})
    assert set(FindingTag.objects.values_list("tag", flat=True)) == {"env=prod"}
    assert tags.wanted() == ["env=prod"]


def test_an_acceptance_covers_a_tag(world: Tagged) -> None:
    world.sweep_tagged({A: TEST, B: PROD})
    scope, until = {"tag": "env=test"}, world.now + timedelta(days=30)
    with pytest.raises(AlertError, match="nothing in this scope fails"):
        acceptances.request(scope, "a sandbox", until, by="ana", now=world.now)
    tags.refresh(world.owner, lambda keys, names: {Key(*A): TEST}, scope.values())
    acceptances.request(scope, "a sandbox", until, by="ana", now=world.now)
    world.sweep_tagged({A: TEST, B: PROD})
    acceptances.decide("RA-1", True, "agreed", by="bob", now=world.now)
    assert dict(Finding.objects.values_list("resource", "acceptance")) == {"vol-a": "RA-1", "vol-b": ""}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"when": "failing", "tags": ["env"]}, "tags.0"),
        ({"when": "failing", "tags": ["env=prod"], "percent": 5}, "by tag"),
        ({"when": "coverage", "tags": ["env=prod"]}, "belong to `when: failing`"),
    ],
)
def test_a_wrong_tag_is_refused(body: dict, said: str) -> None:
    with pytest.raises(AlertError, match=said):
        parse_rule({"id": "x", "title": "X", **body}, "reading a rule")
