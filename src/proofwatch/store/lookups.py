"""Asking for thousands of rows by id with one parameter: an `IN` of as many is slow to write and to read."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import Lookup, UUIDField


@UUIDField.register_lookup
class Among(Lookup):
    """`id__among=[…]`: the rows whose id is one of these."""

    lookup_name = "among"
    prepare_rhs = False

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """Return `id = ANY(…)` with an array."""
        lhs, params = self.process_lhs(compiler, connection)
        return f"{lhs} = ANY(%s)", [*params, list(self.rhs)]

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """Return `id IN (…)` with JSON; ids are stored as 32 hexadecimal digits."""
        lhs, params = self.process_lhs(compiler, connection)
        keys = json.dumps([key.hex for key in self.rhs])
        return f"{lhs} IN (SELECT value FROM json_each(%s))", [*params, keys]  # noqa: S608 – a column of ours
