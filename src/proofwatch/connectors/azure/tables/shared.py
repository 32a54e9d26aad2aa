"""What the tables of Azure have in common."""

from __future__ import annotations

from collections.abc import Sequence

from proofwatch.connectors.azure.graph import PATH, READ, listed, of_type
from proofwatch.connectors.rest.declare import Call, Col, RestTable

BASIC = (
    Col("id"),
    Col("name"),
    Col("location"),
    Col("resource_group", path="resourceGroup"),
    Col("tags", "MAP(VARCHAR, VARCHAR)"),
)


def resources(
    name: str, about: str, kind: str, columns: Sequence[Col], service: str, calls: tuple[Call, ...] = ()
) -> RestTable:
    """Declare a table of one kind of resource, listed by Resource Graph."""
    return RestTable(
        name=name,
        about=about,
        path=PATH,
        resource="{parent_key}",
        service=service,
        reader=listed(of_type(kind)),
        permission=READ,
        columns=(*BASIC, *columns),
        calls=calls,
        source=f"Resource Graph: resources of type {kind}",
    )


def ask(path: str, api_version: str, permission: str, *columns: Col, pages: bool = False) -> Call:
    """Declare a second call to Resource Manager for each resource."""
    return Call(
        path=f"{{+id}}/{path}",
        params={"api-version": api_version},
        columns=columns,
        pages=pages,
        rows="value" if pages else "",
        permission=permission,
    )
