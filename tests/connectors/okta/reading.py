"""Reading tables of a connection to Okta in tests."""

from __future__ import annotations

from typing import Any

from proofwatch.connectors.base import ReadStats, Row, Shard
from proofwatch.connectors.okta import OktaConnector
from proofwatch.demo.fakes.okta import ORG, FakeOkta

TABLES = sorted(OktaConnector.tables())


def connector(okta: FakeOkta, **more: Any) -> OktaConnector:
    """Return a connection by the app."""
    return OktaConnector(OktaConnector.parse_settings({**okta.settings(), **more}))


def by_token(url: str, **more: Any) -> OktaConnector:
    """Return a connection by an API token."""
    given = {"org_url": url, "api_token": "env:DEMO_OKTA_TOKEN", "requests_per_minute": 60_000}
    return OktaConnector(OktaConnector.parse_settings({**given, **more}))


def read(made: OktaConnector, table: str, stats: ReadStats | None = None) -> list[Row]:
    """Read a table wholly. Raises Unread."""
    shard = Shard(ORG, "global", "any", (table,))
    return list(made.read(shard, table, stats or ReadStats()))
