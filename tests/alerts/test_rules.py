"""The form of a rule: what is refused, with the field; and what is shipped."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from proofwatch.alerts import rulebook
from proofwatch.alerts.base import AlertError
from proofwatch.alerts.rules import load_rules, matches, parse_rule
from proofwatch.store.models import AlertRuleHistory
from tests.store.samples import NOW, entries

GOOD = {"id": "mine", "title": "Mine", "when": "failing"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "My Rule"}, "id: "),
        ({"when": "sometimes"}, "when: "),
        ({"count": 0}, "count: "),
        ({"counts": 3}, "counts: "),
        ({"recover_count": 5, "count": 5}, "recover_count"),
        ({"percent": 50, "group": ["region"]}, "percent cannot be told by group"),
        ({"when": "connection", "group": ["region"]}, "belong to `when: failing`"),
        ({"severities": ["huge"]}, "severities.0: "),
    ],
)
def test_a_wrong_rule_is_refused_by_field(change: dict[str, object], said: str) -> None:
    with pytest.raises(AlertError) as caught:
        parse_rule({**GOOD, **change}, "reading rules.yaml")
    assert said in caught.value.problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules: 3", "it has no list `rules`"),
        ("rules: [", "reading"),
        ("rules: [{id: a, title: A, when: failing}, {id: a, title: A, when: failing}]", "a stands twice"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    with pytest.raises(AlertError) as caught:
        load_rules(path)
    assert said in str(caught.value)


def test_times_follow_from_the_severity_unless_they_are_given() -> None:
    rule = parse_rule(GOOD, "")
    assert rule.policy("critical").wait == timedelta(0)
    assert rule.policy("high").wait == timedelta(minutes=30)
    assert rule.policy("medium").sla == timedelta(days=30)
    assert parse_rule({**GOOD, "sla_days": 2}, "").policy("low").sla == timedelta(days=2)


def test_names_match_whole() -> None:
    assert matches("AC-01", ("AC-*",)) and not matches("XAC-01", ("AC-*",))
    assert not matches("AC-01", ())


def test_the_default_rules_are_installed_once(database_url: str) -> None:
    made = rulebook.install(actor="owner", now=NOW)
    assert {row.id for row in made} == {rule.id for rule in load_rules()}
    assert rulebook.install(actor="owner", now=NOW) == []
    assert AlertRuleHistory.objects.count() == len(made) == len(entries("rule.changed"))


def test_a_file_is_applied_whole_and_the_same_again_changes_nothing(database_url: str) -> None:
    rules = load_rules()
    assert len(rulebook.save(rules, actor="owner", now=NOW, reason="ours")) == len(rules)
    assert rulebook.save(rules, actor="owner", now=NOW, reason="ours") == []
    with pytest.raises(AlertError, match="a decision needs a reason"):
        rulebook.switch(rules[0].id, False, actor="owner", now=NOW, reason=" ")
