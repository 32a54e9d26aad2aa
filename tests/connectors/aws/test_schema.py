from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from typing import Any

import botocore.session
import duckdb
import pytest

from proofwatch.connectors.aws import schema, shapes
from proofwatch.connectors.aws.caller import paging
from proofwatch.connectors.aws.declare import AwsTable, Call
from proofwatch.connectors.aws.tables import declaration, declarations, reader
from proofwatch.connectors.base import COMMON, ConnectorError


def volume(**more: Any) -> AwsTable:
    given = {
        "name": "aws_ec2_volume",
        "service": "ec2",
        "op": "DescribeVolumes",
        "rows": "Volumes[]",
        "resource": "{VolumeId}",
        "about": "Volumes.",
    }
    return AwsTable(**{**given, **more})


def test_the_data_file_is_what_the_installed_botocore_gives() -> None:
    """Run `python -m proofwatch.connectors.aws.schema` after declaring a table or raising botocore."""
    stored = files("proofwatch").joinpath(*schema.FILE).read_text(encoding="utf-8")
    built = schema.build_tables(declarations().values())
    assert schema.to_json(built) == stored
    assert dict(schema.load_tables()) == built


def test_loading_imports_no_sdk() -> None:
    script = (
        "import sys; from proofwatch.connectors.aws.schema import load_tables; assert load_tables();"
        "assert not {'botocore', 'boto3'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_duckdb_takes_every_type_of_every_table() -> None:
    with duckdb.connect() as session:
        for name, table in schema.load_tables().items():
            columns = ", ".join(f'"{column.name}" {column.type}' for column in table.columns)
            session.execute(f"CREATE TABLE {name} ({columns})")
            described = session.execute(f"DESCRIBE {name}").fetchall()
            assert [row[0] for row in described] == [column.name for column in table.columns]


def test_every_table_begins_with_the_common_columns_and_names_itself_as_the_convention_says() -> None:
    for name, table in schema.load_tables().items():
        assert table.columns[: len(COMMON)] == COMMON
        assert name.startswith("aws_")
        assert table.about.endswith(".")
        assert table.permissions and all(":" in each for each in table.permissions)
        assert len({column.name for column in table.columns}) == len(table.columns)
        assert len(table.columns) > len(COMMON)


@pytest.mark.parametrize("name", sorted(declarations()))
def test_a_declaration_asks_for_what_the_service_model_knows(name: str) -> None:
    declared = declarations()[name]
    session = botocore.session.Session()
    for service, op, params in [
        (declared.service, declared.op, {} if declared.reader else declared.params),
        *((call.service or declared.service, call.op, call.params) for call in declared.calls),
    ]:
        asked = session.get_service_model(service).operation_model(op).input_shape
        assert set(params) <= set(asked.members if asked else ())
    if declared.reader:
        assert callable(reader(declared))
    if declared.parent:
        assert declarations()[declared.parent].place == declared.place


@pytest.mark.parametrize("name", sorted(declarations()))
def test_no_listing_ends_after_one_page_that_names_a_next_one(name: str) -> None:
    declared = declarations()[name]
    model = botocore.session.Session().get_service_model(declared.service).operation_model(declared.op)
    told = [
        member
        for member in model.output_shape.members
        if member.lower() in ("nexttoken", "nextmarker", "marker")
    ]
    if told and not declared.single and not declared.reader:
        assert paging(declared.service, declared.op).pairs


def test_an_unknown_table_is_refused_by_name() -> None:
    with pytest.raises(ConnectorError, match="no table 'aws_ec2_cloud'"):
        declaration("aws_ec2_cloud")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"op": "DescribeVolumez"}, "DescribeVolumez"),
        ({"service": "ec3"}, "ec3"),
        ({"rows": "Volumez[]"}, "has no member Volumez"),
        ({"rows": "Volumes[].Attachments[].Device"}, "`item` must name them"),
        ({"parent": "aws_x", "keep": ("A",)}, "no parent table 'aws_x'"),
        (
            {"calls": (Call(op="DescribeSnapshotAttribute", params={}, take="Nothing", into="x"),)},
            "no member Nothing",
        ),
    ],
)
def test_a_wrong_declaration_is_refused_with_its_name(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ConnectorError) as caught:
        schema.build_tables([volume(**wrong)])
    assert "aws_ec2_volume" in str(caught.value)
    assert said in str(caught.value)


def test_second_calls_add_columns_with_the_call_that_fills_them() -> None:
    built = schema.build_tables(
        [
            volume(
                single=True,
                drop=("Iops",),
                columns={"size": "DOUBLE", "extra": "VARCHAR"},
                calls=(
                    Call(op="DescribeVolumeAttribute", params={}, take="AutoEnableIO", into="auto"),
                    Call(
                        op="DescribeVolumeStatus",
                        params={},
                        take="VolumeStatuses[].Actions[]",
                        into="actions",
                    ),
                    Call(
                        op="GetRolePolicy",
                        service="iam",
                        params={},
                        take="PolicyDocument",
                        into="p",
                        form="json",
                    ),
                    Call(
                        op="GetUser",
                        service="iam",
                        params={},
                        into="there",
                        form="present",
                        permission="iam:X",
                    ),
                ),
            )
        ]
    )["aws_ec2_volume"]
    assert built.columns[len(COMMON)].name == "exists"
    assert built.column("iops") is None
    assert built.column("size").type == "DOUBLE"  # type: ignore[union-attr]
    assert built.column("extra").type == "VARCHAR"  # type: ignore[union-attr]
    calls = {column.name: (column.type, column.call) for column in built.columns if column.call}
    assert calls["auto"] == ("STRUCT(value BOOLEAN)", "ec2:DescribeVolumeAttribute")
    assert calls["actions"][0].endswith(")[]")
    assert calls["p"] == ("JSON", "iam:GetRolePolicy")
    assert calls["there"] == ("BOOLEAN", "iam:GetUser")
    assert built.permissions == (
        "ec2:DescribeVolumes",
        "ec2:DescribeVolumeAttribute",
        "ec2:DescribeVolumeStatus",
        "iam:GetRolePolicy",
        "iam:X",
    )


def test_a_column_is_described_in_at_most_one_short_sentence() -> None:
    for table in schema.load_tables().values():
        assert all(len(column.about) <= shapes.LONGEST_ABOUT for column in table.columns)
