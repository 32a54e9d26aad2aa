"""Every object that an entry of the period names, itself or through another object."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from proofwatch.binder.archive import Archive
from proofwatch.binder.base import Order
from proofwatch.evidence.bundle import object_name
from proofwatch.evidence.entry import parse
from proofwatch.evidence.named import MOST_JSON, Named, named_in

PACKED = (b"PAR1", b"\x1f\x8b", b"\x89PNG", b"PK\x03\x04")
"""Beginnings of what is compressed already."""
PAGE = 256


def write(order: Order, archive: Archive) -> None:
    """Write `objects/`, each proven on its way; memory does not grow with their number."""
    first, last = order.entries
    number = size = 0
    with closing(sqlite3.connect("", isolation_level=None)) as scratch:
        named = Named(scratch)
        for index, data in enumerate(order.log.entries(first, last + 1), start=first):
            named.add(parse(data).objects(), index)
            if index % PAGE == 0:
                order.progress("entries", index - first, last - first + 1)
        for digest, entry in named.walk():
            path = order.tools.objects.path(digest)
            length = path.stat().st_size
            with path.open("rb") as file:
                begins = file.read(8)
            if begins[:1] in (b"{", b"[") and length <= MOST_JSON:
                named.add(named_in(path.read_bytes()), entry)
            archive.add_file(object_name(digest), path, packed=not begins.startswith(PACKED))
            number, size = number + 1, size + length
            order.progress("objects", number, named.count())
    order.facts["objects"] = {"number": number, "bytes": size}
