"""A credential that ends is told of before it does."""

from datetime import timedelta
from pathlib import Path

import pytest

from proofwatch.alerts.rules import Rule
from proofwatch.store.models import Alert, LogEntry
from proofwatch.store.services import connections
from tests.alerts.world import PASS, A, World
from tests.store.samples import NOW

RULE = Rule(
    id="credential-ends",
    title="t",
    when="credential ends",
    minutes=14 * 1440,
    wait_minutes=0,
    recover_after=1,
)


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> World:
    return World(tmp_path, RULE)


def ends(world: World, text: str) -> None:
    owner = connections.every()[0]
    told = {"account_id": "1", "principal": "p", "details": {"credential_expires_at": text}}
    connections.identified(owner, told, actor="scheduler", now=world.now)


def moment(world: World, days: float) -> str:
    return (world.now + timedelta(days=days)).isoformat()


def test_a_credential_that_ends_soon_is_an_alert_until_it_is_renewed(world: World) -> None:
    ends(world, moment(world, 10))
    world.sweep({A: PASS})
    (alert,) = Alert.objects.filter(rule_id="credential-ends")
    assert alert.severity == "high" and "ends at" in alert.reason
    ends(world, moment(world, 100))
    world.sweep({A: PASS})
    alert.refresh_from_db()
    assert alert.state not in ("firing", "pending")


@pytest.mark.parametrize(("days", "severity"), [(1, "critical"), (-1, "critical"), (13, "high"), (15, "")])
def test_the_nearer_the_end_the_graver(world: World, days: int, severity: str) -> None:
    ends(world, moment(world, days))
    world.sweep({A: PASS})
    assert [row.severity for row in Alert.objects.filter(rule_id="credential-ends")] == [severity][
        : bool(severity)
    ]


@pytest.mark.parametrize("text", ["", "soon", "not a date"])
def test_what_the_provider_does_not_tell_is_no_alert(world: World, text: str) -> None:
    ends(world, text)
    assert connections.credential_ends(connections.every()[0]) is None
    world.sweep({A: PASS})
    assert not Alert.objects.filter(rule_id="credential-ends").exists()


def test_only_another_identity_or_end_is_an_entry(world: World) -> None:
    ends(world, moment(world, 50))
    before = LogEntry.objects.filter(kind="connection.identified").count()
    ends(world, (NOW + timedelta(days=50)).isoformat())
    assert LogEntry.objects.filter(kind="connection.identified").count() == before == 1
