"""What the checks make of what Drata asserts: its faults, and nothing else; what grew old is no verdict."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from proofwatch.connectors.drata import DrataConnector
from proofwatch.demo.fakes.base import Said
from proofwatch.demo.fakes.drata import KEY, FakeDrata
from tests.connectors.verdicts import failing, verdicts


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_DRATA_KEY", KEY)


def connector(fake: FakeDrata) -> DrataConnector:
    return DrataConnector(DrataConnector.parse_settings({**fake.settings(), "workspaces": "1"}))


def test_the_faults_are_found_and_nothing_else(tmp_path: Path) -> None:
    with FakeDrata() as fake:
        assert isinstance(fake, FakeDrata)
        found = verdicts(connector(fake), tmp_path)
    assert failing(found) == {
        "drata.connection.active": ["4"],
        "drata.device.compliant": ["6"],
        "drata.evidence.current": ["2"],
        "drata.exclusion.has-reason": ["88/6"],
        "drata.test.not-disabled": ["92"],
        "drata.test.passing": ["88"],
    }
    assert not [name for name, status in found.items() if "inconclusive" in status]
    # It runs weekly, so its verdict of four days ago counts.
    assert "93" in found["drata.test.passing"]["pass"]


def test_a_drata_that_stopped_passes_and_fails_nothing_any_more(tmp_path: Path) -> None:
    with FakeDrata(datetime.now(UTC) - timedelta(days=20)) as fake:
        assert isinstance(fake, FakeDrata)
        found = verdicts(connector(fake), tmp_path)
    assert set(found["drata.test.passing"]) == {"inconclusive", "not_applicable"}
    assert set(found["drata.device.compliant"]) == {"inconclusive"}
    assert len(found["drata.test.fresh"]["fail"]) == 4


def test_a_crawl_that_breaks_off_judges_nothing(tmp_path: Path) -> None:
    with FakeDrata() as fake:
        assert isinstance(fake, FakeDrata)
        fake.broken["/public/v2/workspaces/1/monitoring-tests"] = Said({"message": "no"}, 403)
        found = verdicts(connector(fake), tmp_path)
    assert not [name for name in found if name.startswith(("drata.test.", "drata.exclusion."))]
    assert "drata.device.compliant" in found
