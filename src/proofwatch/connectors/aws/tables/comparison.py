"""The tables in which verdicts of AWS Config and Security Hub stand beside ours; see `store.beside`."""

from __future__ import annotations

from collections.abc import Mapping

from proofwatch.connectors.base import Table
from proofwatch.connectors.rest.comparison import comparison

_MADE = tuple(
    comparison(kind, title, own=True).typed()
    for kind, title in (("aws_config", "AWS Config"), ("aws_securityhub", "Security Hub"))
)


def compared(tables: Mapping[str, Table]) -> Mapping[str, Table]:
    """Return the tables that are read, and those that are made of them."""
    return {**tables, **{table.name: table for table in _MADE}}
