"""Connect to the simulated cluster, and read a table there."""

from __future__ import annotations

from typing import Any

from proofwatch.connectors.base import ReadStats, Row, Shard
from proofwatch.connectors.kubernetes import KubernetesConnector
from proofwatch.demo.fakes.kubernetes import CONTEXT, FakeKubernetes

TABLES = sorted(KubernetesConnector.tables())


def connector(fake: FakeKubernetes, **more: Any) -> KubernetesConnector:
    return KubernetesConnector(KubernetesConnector.parse_settings({**fake.settings(), **more}))


def read(made: KubernetesConnector, table: str, stats: ReadStats | None = None) -> list[Row]:
    return list(made.read(Shard(CONTEXT, "global", "any", (table,)), table, stats or ReadStats()))
