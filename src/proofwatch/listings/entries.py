"""The entries of the evidence log, and those of them that are decisions: the change history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import F, Func, Max, QuerySet, TextField

from proofwatch.evidence.entry import named_objects, parse
from proofwatch.evidence.kinds import KINDS
from proofwatch.listings.base import Column, Filter, Listing, Row, one_of
from proofwatch.listings.sources import Stored
from proofwatch.listings.spans import span
from proofwatch.store.models import Checkpoint, LogEntry

DECIDING = (
    "check.", "rule.", "channel.", "team.", "tracker.", "hook.", "person.", "connection.", "controls.",
    "acceptance.", "config.", "token.", "period.", "key.", "access.changed",
)  # fmt: skip
CHANGES = tuple(kind for kind in KINDS if kind.startswith(DECIDING))
SHORT = 160
SUBJECTS = (
    "check",
    "rule",
    "channel",
    "team",
    "tracker",
    "hook",
    "person",
    "connection",
    "acceptance",
    "name",
    "task",
    "alert",
)


def body(row: LogEntry) -> Row:
    """Return what one entry says."""
    entry = parse(bytes(row.entry))
    data = dict(entry.data)
    return {
        "index": row.index,
        "at": row.at,
        "kind": row.kind,
        "meaning": KINDS.get(row.kind, ""),
        "actor": entry.actor,
        "what": _brief(data),
        "subject": next((str(data[name]) for name in SUBJECTS if isinstance(data.get(name), str)), ""),
        "before": _part(data.get("before")),
        "after": _part(data.get("after", data.get("changes"))),
        "reason": str(data.get("reason") or data.get("note") or ""),
        "objects": sorted(set(named_objects(data))),
        "url": f"/evidence/entries/{row.index}",
    }


def _brief(data: dict[str, Any]) -> str:
    parts = [f"{key} {value}" for key, value in data.items() if isinstance(value, str | int) and value != ""]
    text = ", ".join(parts)
    return text if len(text) <= SHORT else f"{text[:SHORT]}…"


def _part(value: Any) -> str:
    if value in (None, "", {}, []):
        return ""
    if isinstance(value, dict):
        return ", ".join(f"{key} = {item}" for key, item in value.items())
    return str(value)


class Words(Func):
    """An entry's bytes as text."""

    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        """Read the bytes as text."""
        return self.as_sql(compiler, connection, template="CAST(%(expressions)s AS TEXT)", **more)

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        """Read the bytes as UTF-8."""
        return self.as_sql(compiler, connection, template="convert_from(%(expressions)s, 'UTF8')", **more)


def _said(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Choose the entries that hold a text or a digest, as it stands in them."""
    return chosen.annotate(words=Words("entry")).filter(words__contains=text)


def _kind(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    return chosen.filter(kind=one_of("entries", "kind", KINDS, text))


def bodies(rows: Sequence[LogEntry]) -> Iterable[Row]:
    """Return what entries say, and whether a checkpoint that was signed is over each."""
    size = Checkpoint.objects.aggregate(most=Max("size"))["most"] or 0
    return [{**body(row), "proof": "signed" if row.index < size else "not signed yet"} for row in rows]


ENTRIES = Stored(lambda: LogEntry.objects.all(), None, {"index": F("index")}, bodies)
DECISIONS = Stored(lambda: LogEntry.objects.filter(kind__in=CHANGES), None, {"index": F("index")}, bodies)
SPAN = (Filter("q", "Text or digest", _said), *span("entries", "at"))

LISTING = Listing(
    name="entries",
    title="Evidence log",
    question="Everything that happened, in the order in which it was written.",
    columns=(
        Column("index", "Entry", "number"),
        Column("at", "At", "moment"),
        Column("kind", "Kind", "code"),
        Column("actor", "By"),
        Column("what", "What"),
        Column(
            "proof", "Proof", "status", "Whether a checkpoint that was signed is over it; its page proves it."
        ),
        Column("meaning", "Meaning", shown=False),
        Column("objects", "Objects", "names", "SHA-256 of the objects that it names.", shown=False),
    ),
    source=ENTRIES,
    sorts=("index",),
    sort="-index",
    filters=(Filter("kind", "Kind", _kind, lambda: [(kind, kind) for kind in sorted(KINDS)]), *SPAN),
)
HISTORY = Listing(
    name="changes",
    title="Change history",
    question="Who decided what, when and why, with what stood before.",
    columns=(
        Column("at", "At", "moment"),
        Column("actor", "By"),
        Column("kind", "Kind", "code"),
        Column("subject", "What"),
        Column("before", "Before"),
        Column("after", "After"),
        Column("reason", "Reason"),
        Column("index", "Entry", "number"),
        Column("proof", "Proof", "status", shown=False),
    ),
    source=DECISIONS,
    sorts=("index",),
    sort="-index",
    filters=(Filter("kind", "Kind", _kind, lambda: [(kind, kind) for kind in CHANGES]), *SPAN),
)
