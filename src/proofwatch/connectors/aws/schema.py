"""The typed tables: built from botocore's models once, kept as a data file, loaded without any SDK.

`python -m proofwatch.connectors.aws.schema` writes the file again after a table was declared or
botocore was raised; the suite compares the two.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from proofwatch.connectors.aws.declare import AwsTable, Call
from proofwatch.connectors.aws.writes import PREFIXES
from proofwatch.connectors.base import COMMON, Column, ConnectorError, Table
from proofwatch.connectors.naming import column_name

DOING = "building the AWS tables"
FILE = ("catalog", "tables", "aws.json")
EXISTS = Column("exists", "BOOLEAN", "Whether there is one at all; without one the other columns are NULL")


@lru_cache(maxsize=1)
def load_tables() -> Mapping[str, Table]:
    """Return every AWS table by name from the generated file; imports no SDK."""
    body = json.loads(files("proofwatch").joinpath(*FILE).read_text(encoding="utf-8"))
    return MappingProxyType({name: _from_json(name, table) for name, table in body.items()})


def build_tables(declarations: Iterable[AwsTable]) -> dict[str, Table]:
    """Return the typed tables of `declarations`, from the models of the installed botocore.

    Raises:
        ConnectorError: a declaration names what the model does not have.
    """
    import botocore.session

    session = botocore.session.Session()
    declared = {each.name: each for each in declarations}
    built: dict[str, Table] = {}
    for name in sorted(declared):
        try:
            built[name] = _Builder(session, declared).table(declared[name])
        except KeyError as error:
            raise ConnectorError(DOING, f"{name}: {error.args[0]}", "Correct the declaration.") from None
    return built


def label(declaration: AwsTable, call: Call) -> str:
    """Return a second call's name as `Column.call` holds it, e.g. `s3:GetBucketPolicy`."""
    return f"{_prefix(call.service or declaration.service)}:{call.op}"


def call_permission(declaration: AwsTable, call: Call) -> str:
    """Return the IAM action that a second call needs."""
    return call.permission or label(declaration, call)


def listing_permission(declaration: AwsTable) -> str:
    """Return the IAM action that the listing call needs."""
    return declaration.permission or f"{_prefix(declaration.service)}:{declaration.op}"


def to_json(tables: Mapping[str, Table]) -> str:
    """Return the data file: one line a column, sorted by table."""
    blocks = []
    for name in sorted(tables):
        table = tables[name]
        head = {
            "about": table.about,
            "service": table.service,
            "place": table.place,
            "source": table.source,
            "permissions": list(table.permissions),
        }
        lines = [f"    {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
        own = table.columns[len(COMMON) :]
        rows = [
            "      " + json.dumps([c.name, c.type, c.about, c.call], ensure_ascii=False).replace(', ""]', "]")
            for c in own
        ]
        lines.append('    "columns": [\n' + ",\n".join(rows) + "\n    ]")
        blocks.append(f"  {json.dumps(name)}: {{\n" + "\n".join(lines) + "\n  }")
    return "{\n" + ",\n".join(blocks) + "\n}\n"


def _from_json(name: str, body: Mapping[str, Any]) -> Table:
    return Table(
        name,
        body["about"],
        body["service"],
        body["place"],
        COMMON + tuple(Column(*column) for column in body["columns"]),
        tuple(body["permissions"]),
        body["source"],
    )


def _prefix(service: str) -> str:
    return PREFIXES.get(service, service)


class _Builder:
    """Types one declaration; knows the others, because a row may carry members of its parent."""

    def __init__(self, session: Any, declared: Mapping[str, AwsTable]) -> None:
        self.session = session
        self.declared = declared

    def table(self, declaration: AwsTable) -> Table:
        columns = {column.name: column for column in self._listed(declaration)}
        if declaration.single:
            columns = {EXISTS.name: EXISTS, **columns}
        for call in declaration.calls:
            for column in self._called(declaration, call):
                columns.setdefault(column.name, column)
        for name, kind in declaration.columns.items():
            known = columns.get(name)
            columns[name] = Column(name, kind, *((known.about, known.call) if known else ()))
        return Table(
            declaration.name,
            declaration.about,
            declaration.service,
            declaration.place,
            COMMON + tuple(columns.values()),
            tuple(dict.fromkeys(self._permissions(declaration))),
            f"{_prefix(declaration.service)}:{declaration.op}",
        )

    def _listed(self, declaration: AwsTable) -> list[Column]:
        from proofwatch.connectors.aws import shapes

        found = [self._kept(declaration, member) for member in declaration.keep]
        if declaration.item:
            return [*found, Column(column_name(declaration.item), "VARCHAR", "")]
        if declaration.reader and not declaration.rows:
            return found
        shape = shapes.at(self._output(declaration.service, declaration.op), declaration.rows)
        if shape.type_name not in ("structure", "map"):
            raise KeyError(f"items at {declaration.rows} are {shape.type_name}, so `item` must name them")
        for each in shapes.members(shape):
            if each.member not in declaration.drop:
                kind = "JSON" if each.member in declaration.json else each.type
                found.append(Column(each.column, kind, each.about))
        return found

    def _kept(self, declaration: AwsTable, member: str) -> Column:
        from proofwatch.connectors.aws import shapes

        parent = self.declared.get(declaration.parent)
        if parent is None:
            raise KeyError(f"there is no parent table {declaration.parent!r}")
        if member == parent.item:
            return Column(column_name(member), "VARCHAR", "")
        if parent.rows and not parent.item:
            shape = shapes.at(self._output(parent.service, parent.op), parent.rows)
            if member in shape.members:
                inner = shape.members[member]
                return Column(
                    column_name(member), shapes.type_of(inner, member), shapes.about(inner.documentation)
                )
        if column_name(member) in parent.columns:
            return Column(column_name(member), parent.columns[column_name(member)])
        if parent.parent and member in parent.keep:
            return self._kept(parent, member)
        raise KeyError(f"{parent.name} has no member {member} to keep")

    def _called(self, declaration: AwsTable, call: Call) -> list[Column]:
        from proofwatch.connectors.aws import shapes

        name = label(declaration, call)
        if call.form == "present":
            return [Column(call.into, "BOOLEAN", call.about, name)]
        if call.form == "map":
            return [Column(call.into, "MAP(VARCHAR, VARCHAR)", call.about, name)]
        if call.form == "json":
            return [Column(call.into, "JSON", call.about, name)]
        path = f"{call.take}[]" if call.batch and not call.take.endswith("[]") else call.take
        shape = shapes.at(self._output(call.service or declaration.service, call.op), path)
        if not call.into:
            return [
                Column(
                    each.column, "JSON" if each.member in declaration.json else each.type, each.about, name
                )
                for each in shapes.members(shape)
                if each.member not in declaration.drop
            ]
        kind = shapes.type_of(shape, call.take.rpartition(".")[2])
        # A path through a list gives a list of what it ends at.
        kind = f"{kind}[]" if "[]" in call.take and not call.batch else kind
        return [Column(call.into, kind, call.about or shapes.about(shape.documentation), name)]

    def _permissions(self, declaration: AwsTable) -> list[str]:
        found = [listing_permission(declaration)]
        found += [call_permission(declaration, call) for call in declaration.calls]
        found += declaration.also
        if declaration.parent:
            parent = self.declared[declaration.parent]
            found += [listing_permission(parent), *parent.also]
            if parent.parent:
                found += self._permissions(parent)
        return found

    def _output(self, service: str, operation: str) -> Any:
        from botocore.exceptions import UnknownServiceError
        from botocore.model import OperationNotFoundError

        try:
            shape = self.session.get_service_model(service).operation_model(operation).output_shape
        except (UnknownServiceError, OperationNotFoundError) as error:
            raise KeyError(str(error)) from None
        if shape is None:
            raise KeyError(f"{operation} answers nothing")
        return shape


def _main() -> None:
    from proofwatch.connectors.aws.tables import declarations

    path = Path(__file__).parents[2].joinpath(*FILE)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_json(build_tables(declarations().values())), encoding="utf-8")


if __name__ == "__main__":
    _main()
