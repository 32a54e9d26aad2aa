"""A state with rows in every table, and in every column a value that a careless copy would spoil."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import models, transaction

from proofwatch.evidence.note import Signer
from proofwatch.store import copying, log

NOW = datetime(2026, 11, 1, 12, 30, 15, 123456, tzinfo=UTC)
KEY = Signer("test.example/log", b"k" * 32)
EVIDENCE = ("store_logentry", "store_logtile", "store_loghead", "store_checkpoint")
TEXTS = ("Ünïcode ✓ 𝔘 \"quoted\" 'too' %s {x}\n\ttab", "a", "B", "ä", "_", "é")
JSON = {
    "z": [1, 2.5, 0.1, 1e22, -1e-7, 2**53, None, True, {"b": 1, "a": {"ü": "✓ \u2028"}}],
    "a": "e+ %s",
    "": {},
}


def fill(entries: int = 600, rows: int = 3) -> None:
    """Write rows into every table of the database in use, by its models, and a log with signed heads."""
    for start in range(0, entries, 150):
        with transaction.atomic():
            numbers = range(start, min(entries, start + 150))
            log.append_all([("log.noted", "Ünï", {"number": number}, NOW) for number in numbers])
        log.sign_checkpoint(KEY, NOW)
    made: dict[str, list[Any]] = {}
    for table in copying.tables():
        if table.name in EVIDENCE or table.name in copying.MADE:
            continue
        for number in range(rows):
            row = table.model(
                **{
                    field.attname: _value(field, number, made)
                    for field in table.model._meta.local_concrete_fields
                    if not field.generated
                }
            )
            made.setdefault(table.name, []).append(row)
        table.model._base_manager.bulk_create(made[table.name])
        for row in made[table.name]:
            fixed = dict.fromkeys(_set_by_saving(table.model), NOW)
            if fixed:
                table.model._base_manager.filter(pk=row.pk).update(**fixed)
        made[table.name] = list(table.model._base_manager.order_by("pk"))


def snapshot() -> dict[str, list[dict[str, Any]]]:
    """Return every row of the database in use, as the models see it, the computed columns, too."""
    found: dict[str, list[dict[str, Any]]] = {}
    for model in apps.get_models(include_auto_created=True):
        rows = [{key: _plain(value) for key, value in row.items()} for row in model._base_manager.values()]
        found[model._meta.db_table] = sorted(rows, key=lambda row: str(row[model._meta.pk.attname]))
    return found


def _set_by_saving(model: type[models.Model]) -> list[str]:
    fields = model._meta.local_concrete_fields
    return [f.name for f in fields if getattr(f, "auto_now", False) or getattr(f, "auto_now_add", False)]


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def _value(field: Any, number: int, made: dict[str, list[Any]]) -> Any:
    if isinstance(field, models.ForeignKey):
        related = field.related_model
        there = made.get(related._meta.db_table) or list(related._base_manager.order_by("pk")[:3])
        return there[number % len(there)].pk if there else None
    if field.null and number == 1 and not field.primary_key:
        return None
    if isinstance(field, models.AutoField | models.BigAutoField):
        return 7 + number * 1000
    kinds: list[tuple[Any, Any]] = [
        (models.UUIDField, UUID(int=2**127 + number * 3)),
        (models.BooleanField, number % 2 == 0),
        (models.DateTimeField, NOW - timedelta(days=400 * number, microseconds=number)),
        (models.DateField, date(2024, 2, 29) + timedelta(days=number)),
        (models.BinaryField, bytes(range(256))[number:]),
        (models.JSONField, [JSON, {}, [] if field.model._meta.app_label == "store" else {}][number % 3]),
        (models.FloatField, [0.1, 1e22, -2.5e-9][number % 3]),
        (models.PositiveSmallIntegerField, 32767 - number),
        (models.PositiveIntegerField, 99_000_000 + number),
        (models.PositiveBigIntegerField, 9223372036854775807 - number),
        (models.IntegerField, number),
        (models.GenericIPAddressField, ["2001:db8::1", "192.0.2.1", "127.0.0.1"][number % 3]),
    ]
    for kind, value in kinds:
        if isinstance(field, kind):
            return value
    assert isinstance(field, models.CharField | models.TextField), field
    text = f"{TEXTS[number % len(TEXTS)]}{number}"
    return text if field.max_length is None or len(text) <= field.max_length else text[: field.max_length]
