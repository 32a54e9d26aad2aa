"""Observation periods, and evidence that people add by hand."""

from django.db import migrations, models

from proofwatch.store import append_only


def forward(apps, schema_editor):  # type: ignore[no-untyped-def]
    """Make what people add append-only."""
    for statement in append_only.refuse(schema_editor.connection.vendor, append_only.ADDED):
        schema_editor.execute(statement, params=None)


def backward(apps, schema_editor):  # type: ignore[no-untyped-def]
    """Nothing: the triggers go with their table."""


class Migration(migrations.Migration):
    """Two tables."""

    dependencies = [("store", "0009_access")]
    operations = [
        migrations.CreateModel(
            name="Audit",
            fields=[
                ("name", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("framework", models.CharField(default="soc2", max_length=200)),
                ("first", models.DateField()),
                ("last", models.DateField()),
                ("auditor", models.CharField(blank=True, default="", max_length=200)),
                ("reason", models.TextField(blank=True, default="")),
                ("by", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="ManualEvidence",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(unique=True)),
                ("title", models.CharField(max_length=200)),
                ("control_id", models.CharField(max_length=200)),
                ("about", models.TextField()),
                ("source", models.CharField(max_length=200)),
                ("effective_from", models.DateField()),
                ("effective_to", models.DateField()),
                ("task", models.CharField(blank=True, default="", max_length=200)),
                ("filename", models.CharField(max_length=200)),
                ("media_type", models.CharField(max_length=200)),
                ("size", models.PositiveBigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("by", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["control_id", "number"], name="evidence_by_control")],
            },
        ),
        migrations.RunPython(forward, backward),
    ]
