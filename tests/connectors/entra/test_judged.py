"""The connector and our fake before the description that was made from Microsoft's own CSDL of Graph.

It has no /applications and no /devices; those two met only the fake. It also takes `insiderRiskLevels: null`
for an error, which Graph answers for a policy without that condition; the fake leaves the member out.
"""

import json

import pytest

from proofwatch.connectors.base import ReadStats
from proofwatch.connectors.entra.tables import TABLES
from tests.servers import free_port, prism, prism_before, running, shared

pytestmark = pytest.mark.shared
NAME = "msgraph-v1.0.reduced.openapi3.json"
UNKNOWN = {"entra_application", "entra_device"}
JUDGED = sorted(table.name for table in TABLES if table.name not in UNKNOWN)


def description():
    return shared() / "reference" / "specs" / NAME


def every_row(connector):
    found = {}
    for shard in connector.shards(connector.scope(), JUDGED):
        for name in shard.tables:
            found[name] = list(connector.read(shard, name, ReadStats()))
    return found


def test_the_description_knows_every_other_path():
    paths = set(json.loads(description().read_text("utf-8"))["paths"])
    assert {table.path for table in TABLES if table.name not in UNKNOWN} <= paths
    assert {table.path for table in TABLES if table.name in UNKNOWN}.isdisjoint(paths)


def test_it_takes_what_we_ask_and_what_the_fake_says(entra, connected, tmp_path):
    port = free_port()
    with running(prism_before(f"{entra.url}/v1.0", description(), port), port, tmp_path) as url:
        entra.links = url
        connector = connected(graph_url=url)
        found = every_row(connector)
        # The description has no app role assignments either, so the proof stays open; its other half holds.
        proof = connector.prove_read_only()
        assert proof.read_only is None and proof.evidence["directory_roles"] == []
        assert connector.identity().details["tenant"] == "Acme Robotics"
    entra.links = ""
    plain = every_row(connected())
    assert {name: len(rows) for name, rows in found.items()} == {name: len(plain[name]) for name in plain}
    assert found["entra_conditional_access_policy"] == plain["entra_conditional_access_policy"]


def test_answers_that_it_makes_up_are_read(entra, connected, tmp_path):
    port = free_port()
    command = [*prism(description(), port), "-d", "--seed", "7"]
    with running(command, port, tmp_path) as url:
        connector = connected(graph_url=url)
        found = every_row(connector)
    assert sum(map(len, found.values())) >= len(JUDGED)
    for name, rows in found.items():
        for row in rows:
            assert row["resource"] and not row["_unread"], (name, row["_unread"])
