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
        for function in ("refuse", "tile_grows", "head_grows"):
            yield f"DROP FUNCTION IF EXISTS proofwatch_{function}() CASCADE"
        return
    for table in (*TABLES, "store_logtile", "store_loghead"):
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
