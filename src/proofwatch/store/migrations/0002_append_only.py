"""The database itself refuses to change what is evidence.

A later migration that rebuilds one of these tables (SQLite does so for most changes) must run
`forward` again; tests/store/test_triggers.py fails until it does.
"""

from django.db import migrations

from proofwatch.store import append_only


def forward(apps, schema_editor):  # type: ignore[no-untyped-def]
    """Create the triggers and the log's one head."""
    apps.get_model("store", "LogHead").objects.get_or_create(pk=1)
    for statement in append_only.create(schema_editor.connection.vendor, append_only.FIRST):
        schema_editor.execute(statement, params=None)


def backward(apps, schema_editor):  # type: ignore[no-untyped-def]
    """Drop the triggers."""
    for statement in append_only.drop(schema_editor.connection.vendor):
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    """Triggers on every append-only table, for SQLite and PostgreSQL."""

    dependencies = [("store", "0001_initial")]
    operations = [migrations.RunPython(forward, backward)]
