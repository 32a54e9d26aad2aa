"""What the checks make of what Vanta asserts: its faults, and nothing else; what grew old is no verdict."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from proofwatch.connectors.vanta import VantaConnector
from proofwatch.connectors.vanta.access import forget
from proofwatch.demo.fakes.base import Said
from proofwatch.demo.fakes.vanta import SECRET, FakeVanta
from tests.connectors.verdicts import failing, verdicts


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DEMO_VANTA_SECRET", SECRET)
    forget()
    yield
    forget()


def connector(fake: FakeVanta) -> VantaConnector:
    return VantaConnector(VantaConnector.parse_settings(fake.settings()))


def test_the_faults_are_found_and_nothing_else(tmp_path: Path) -> None:
    with FakeVanta() as fake:
        assert isinstance(fake, FakeVanta)
        found = verdicts(connector(fake), tmp_path)
    assert failing(found) == {
        "vanta.document.current": ["penetration-test"],
        "vanta.integration.connected": ["jira/jira-1"],
        "vanta.test.fresh": ["aws-inspector-enabled"],
        "vanta.test.not-deactivated": ["aws-waf-enabled"],
        "vanta.test.passing": ["aws-iam-console-users-mfa"],
        "vanta.test.within-deadline": ["aws-iam-console-users-mfa"],
        "vanta.vulnerability.within-sla": ["vulnerability-1"],
    }
    # It said OK nine days ago, and has said nothing since.
    assert found["vanta.test.passing"]["inconclusive"] == ["aws-inspector-enabled"]
    assert sorted(found["vanta.test.passing"]["not_applicable"]) == ["aws-imdsv2", "aws-waf-enabled"]
    assert found["vanta.entity.exclusion-has-reason"]["pass"] == ["aws-iam-console-users-mfa/entity-9"]


def test_a_vanta_that_stopped_passes_and_fails_nothing_any_more(tmp_path: Path) -> None:
    with FakeVanta(datetime.now(UTC) - timedelta(days=20)) as fake:
        assert isinstance(fake, FakeVanta)
        found = verdicts(connector(fake), tmp_path)
    assert set(found["vanta.test.passing"]) == {"inconclusive", "not_applicable"}
    assert set(found["vanta.test.within-deadline"]) == {"inconclusive", "not_applicable"}
    assert set(found["vanta.computer.protected"]) == {"inconclusive"}
    assert len(found["vanta.test.fresh"]["fail"]) == 10


def test_a_crawl_that_breaks_off_judges_nothing(tmp_path: Path) -> None:
    with FakeVanta() as fake:
        assert isinstance(fake, FakeVanta)
        cut = {"results": {"data": fake.tests[:2], "pageInfo": {"hasNextPage": True, "endCursor": None}}}
        fake.broken["/v1/tests"] = Said(cut)
        found = verdicts(connector(fake), tmp_path)
    assert not [name for name in found if name.startswith(("vanta.test.", "vanta.entity."))]
    assert "vanta.document.current" in found
