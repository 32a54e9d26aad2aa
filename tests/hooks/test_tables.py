"""What an event names must exist: a table that no connector has would make the event say nothing."""

import pytest

from proofwatch.connectors.registry import CONNECTORS, connector_class
from proofwatch.hooks import azure, github, google, okta
from proofwatch.hooks.rules import words

KNOWN = {name for kind in CONNECTORS for name in connector_class(kind).tables()}
RULES = [*google.SERVICES.items(), *azure.PROVIDERS.items(), ("okta", okta.EVENTS)]


@pytest.mark.parametrize(("name", "rules"), RULES, ids=[name for name, _ in RULES])
def test_every_table_of_a_rule_is_one_of_a_connector(name, rules):
    named = {*rules.every, *(table for _, tables in rules.compiled for table in tables)}
    assert named and named <= KNOWN


@pytest.mark.parametrize(("event", "tables"), github.EVENTS.items())
def test_every_table_of_an_event_of_github_is_one_of_its_connector(event, tables):
    assert set(words(tables, "github_")) <= KNOWN
