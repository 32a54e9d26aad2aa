"""Tags are read from the tables that hold them, of the resources and tags asked about, and of no others."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from proofwatch.connectors.registry import connector_class
from proofwatch.snapshots.tags import has_tags, tags_of

HERE = ("111111111111", "eu-west-1")
A, B, C, D = ((*HERE, f"vol-{name}") for name in "abcd")


@pytest.fixture
def volumes(tmp_path: Path) -> Path:
    path = tmp_path / "volumes.parquet"
    duckdb.connect().sql(
        "SELECT '111111111111' AS account_id, 'eu-west-1' AS region, * FROM (VALUES"
        " ('vol-a', MAP {'env': 'prod', 'it''s': 'x=y'}, NULL), ('vol-b', MAP {'env': 'PROD'}, NULL),"
        " ('vol-c', NULL, MAP {'tags': 'denied'}), ('vol-d', NULL, NULL),"
        " ('vol-z', MAP {'env': 'prod'}, NULL)) AS t(resource, tags, _unread)"
    ).write_parquet(str(path))
    return path


def test_each_resource_has_the_tags_asked_about(volumes: Path) -> None:
    found = tags_of([volumes], [A, B, C, D], ["env=prod", "it's=x=y", "team=a"])
    assert found == {A: {"env=prod", "it's=x=y"}, B: frozenset(), D: frozenset()}


def test_what_was_not_read_is_missing_and_not_untagged(volumes: Path) -> None:
    assert C not in tags_of([volumes], [C], ["env=prod"])


def test_the_same_name_in_another_account_is_another_resource(volumes: Path) -> None:
    assert tags_of([volumes], [("222222222222", "eu-west-1", "vol-a")], ["env=prod"]) == {}


def test_the_tables_with_tags_are_those_of_the_connector() -> None:
    tables = connector_class("aws").tables()
    assert has_tags(tables["aws_ec2_volume"]) and not has_tags(tables["aws_iam_account_summary"])
