"""The triggers that refuse to change evidence, in the words of both databases.

They stop a mistaken or hurried UPDATE, not a determined administrator, who can drop them; that
is what signed checkpoints kept elsewhere are for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

FIRST = {
    "store_logentry": '"index"',
    "store_checkpoint": "id",
    "store_findingevent": "id",
    "store_controllist": "id",
    "store_controlapproval": "id",
    "store_controlstatushistory": "id",
    "store_checksettinghistory": "id",
}
ALERTING = {
    "store_alertrulehistory": "id",
    "store_alertevent": "id",
    "store_review": "id",
    "store_deliveryattempt": "id",
    "store_taskevent": "id",
}
ADDED = {"store_manualevidence": "id"}
AUDITING = {
    "store_keptcheckpoint": "id",
    "store_screenshot": "id",
    "store_import": "id",
    "store_assertion": "id",
}
TABLES = FIRST | ALERTING | ADDED | AUDITING
"""Append-only table → its primary key; in parts, as the migrations made them."""

REFUSAL = "is append-only: evidence is never changed or deleted"

LEAVING, PARTITION = "store_findingevent", "store_historypartition"
"""The one table whose rows may leave, and where it stands that they are elsewhere."""
FACTS = (
    "table", "month", "part", "digest", "size", "rows", "content", "columns", "first_id", "last_id", "entry",
    "archived_at",
)  # fmt: skip
"""Columns of a partition that never change."""


def create(vendor: str, tables: Mapping[str, str] = TABLES) -> Iterator[str]:
    """Yield the statements that create the log's own triggers and those of `tables`.

    Args:
        vendor: sqlite or postgresql.
        tables: append-only table → its primary key; they must exist.
    """
    if vendor == "postgresql":
        yield from _postgres_create()
    else:
        yield from _sqlite_create()
    yield from refuse(vendor, tables)
    if tables is TABLES:
        yield from let_leave(vendor)


def refuse(vendor: str, tables: Mapping[str, str]) -> Iterator[str]:
    """Yield the statements that make `tables` append-only; `create` must have run before."""
    for table, key in tables.items():
        if vendor == "postgresql":
            yield from _trigger(table, "refuse", "UPDATE OR DELETE OR TRUNCATE", "STATEMENT", "refuse")
            continue
        yield from _sqlite_refuse(table, "UPDATE")
        yield from _sqlite_refuse(table, "DELETE")
        # INSERT OR REPLACE deletes without firing DELETE triggers, so the insert must refuse it.
        exists = f"EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})"  # noqa: S608 – our own names
        yield _sqlite(table, "replace", "INSERT", exists, f"{table} {REFUSAL}")


def let_leave(vendor: str) -> Iterator[str]:
    """Yield the statements that let archived events of findings leave, and nothing else.

    A row may be deleted only while a partition of its month, whose range of ids holds it, is `leaving`, and
    the log has the entry that names the object with the rows. So neither a DELETE by mistake nor one of
    another month passes, nor any once the rows have left. What a partition says of its object never changes.

    `refuse` must have run before. SQLite looks the tables up when the trigger fires: a step that rebuilds
    one of the three has to drop the trigger first and make it again.
    """
    if vendor == "postgresql":
        yield from _postgres_leave()
        return
    yield f"DROP TRIGGER {LEAVING}_delete"
    gone = _gone("substr(OLD.at, 1, 7)")
    yield _sqlite(LEAVING, "delete", "DELETE", f"NOT {gone}", f"{LEAVING} {REFUSAL}")
    changed = " OR ".join(f'NEW."{name}" <> OLD."{name}"' for name in ("id", *FACTS))
    yield _sqlite(PARTITION, "update", "UPDATE", changed, f"{PARTITION} {REFUSAL}")
    yield from _sqlite_refuse(PARTITION, "DELETE")


def _postgres_leave() -> Iterator[str]:
    gone = _gone("to_char(OLD.at AT TIME ZONE 'UTC', 'YYYY-MM')")
    refuse = f"RAISE EXCEPTION '% {REFUSAL}', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';"
    yield f"DROP TRIGGER {LEAVING}_refuse ON {LEAVING}"
    yield from _trigger(LEAVING, "refuse", "UPDATE OR TRUNCATE", "STATEMENT", "refuse")
    yield _function("leaves", f"IF NOT {gone} THEN {refuse} END IF; RETURN OLD;")
    yield from _trigger(LEAVING, "leave", "DELETE", "ROW", "leaves")
    changed = " OR ".join(f'NEW."{name}" IS DISTINCT FROM OLD."{name}"' for name in ("id", *FACTS))
    yield _function("partition_stays", f"IF {changed} THEN {refuse} END IF; RETURN NEW;")
    yield from _trigger(PARTITION, "facts", "UPDATE", "ROW", "partition_stays")
    yield from _trigger(PARTITION, "refuse", "DELETE OR TRUNCATE", "STATEMENT", "refuse")


def _gone(month: str) -> str:
    """Return the condition that a row stands in an archived partition, given its month in SQL."""
    return (
        f'EXISTS (SELECT 1 FROM {PARTITION} p JOIN store_logentry e ON e."index" = p.entry '  # noqa: S608
        "WHERE p.\"table\" = 'finding_event' AND p.state = 'leaving' AND e.kind = 'history.archived' "
        f"AND p.month = {month} AND OLD.id BETWEEN p.first_id AND p.last_id)"
    )


def _sqlite_create() -> Iterator[str]:
    # The length apart: SQLite's substr of an empty blob is NULL, which would compare as nothing.
    shrunk = "length(NEW.hashes) < length(OLD.hashes) OR NEW.level <> OLD.level"
    grown = f"{shrunk} OR substr(NEW.hashes, 1, length(OLD.hashes)) <> OLD.hashes"
    yield _sqlite(
        "store_logtile", "grow", "UPDATE", f'{grown} OR NEW."index" <> OLD."index"', "a tile only grows"
    )
    yield from _sqlite_refuse("store_logtile", "DELETE")
    yield _sqlite("store_loghead", "grow", "UPDATE", "NEW.size < OLD.size", "the log only grows")
    yield from _sqlite_refuse("store_loghead", "DELETE")


def drop(vendor: str) -> Iterator[str]:
    """Yield the statements that drop every trigger."""
    if vendor == "postgresql":
        for function in ("refuse", "tile_grows", "head_grows", "leaves", "partition_stays"):
            yield f"DROP FUNCTION IF EXISTS proofwatch_{function}() CASCADE"
        return
    for table in (*TABLES, "store_logtile", "store_loghead", PARTITION):
        for suffix in ("update", "delete", "replace", "grow"):
            yield f"DROP TRIGGER IF EXISTS {table}_{suffix}"


def _sqlite_refuse(table: str, verb: str) -> Iterator[str]:
    yield _sqlite(table, verb.lower(), verb, "1", f"{table} {REFUSAL}")


def _sqlite(table: str, suffix: str, verb: str, when: str, message: str) -> str:
    return (
        f"CREATE TRIGGER {table}_{suffix} BEFORE {verb} ON {table} "
        f"WHEN {when} BEGIN SELECT RAISE(ABORT, '{message}'); END"
    )


def _postgres_create() -> Iterator[str]:
    raise_ = "RAISE EXCEPTION '% {}', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';"
    yield _function("refuse", raise_.format(REFUSAL))
    grown = (
        'IF NEW.level <> OLD.level OR NEW."index" <> OLD."index" '
        "OR substr(NEW.hashes, 1, length(OLD.hashes)) <> OLD.hashes THEN "
    )
    yield _function("tile_grows", f"{grown}{raise_.format('only grows')} END IF; RETURN NEW;")
    shrunk = "IF NEW.size < OLD.size THEN "
    yield _function("head_grows", f"{shrunk}{raise_.format('only grows')} END IF; RETURN NEW;")
    for table, function in (("store_logtile", "tile_grows"), ("store_loghead", "head_grows")):
        yield from _trigger(table, "refuse", "DELETE OR TRUNCATE", "STATEMENT", "refuse")
        yield from _trigger(table, "grow", "UPDATE", "ROW", function)


def _function(name: str, body: str) -> str:
    return (
        f"CREATE FUNCTION proofwatch_{name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$body$ BEGIN {body} END $body$"
    )


def _trigger(table: str, suffix: str, verbs: str, level: str, function: str) -> Iterator[str]:
    yield (
        f"CREATE TRIGGER {table}_{suffix} BEFORE {verbs} ON {table} "
        f"FOR EACH {level} EXECUTE FUNCTION proofwatch_{function}()"
    )
    # ALWAYS: they also fire for a session that calls itself a replica.
    yield f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_{suffix}"
