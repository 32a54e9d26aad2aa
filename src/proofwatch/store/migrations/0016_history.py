"""Partitions of history tables, and the way out for events of findings that are in one.

A later step that rebuilds one of the tables of `append_only.let_leave` on SQLite must drop its trigger before.
"""

from django.db import migrations, models

from proofwatch.store import append_only

BACK = ("store_findingevent_delete", "store_historypartition_update", "store_historypartition_delete")


def forward(apps, schema_editor):  # type: ignore[no-untyped-def]
    """Let archived rows leave."""
    for statement in append_only.let_leave(schema_editor.connection.vendor):
        schema_editor.execute(statement, params=None)


def backward(apps, schema_editor):  # type: ignore[no-untyped-def]
    """Refuse every deletion again."""
    vendor = schema_editor.connection.vendor
    if vendor == "postgresql":
        back = [f"DROP FUNCTION proofwatch_{name}() CASCADE" for name in ("leaves", "partition_stays")]
        back += ["DROP TRIGGER store_findingevent_refuse ON store_findingevent"]
        again = append_only.refuse(vendor, {append_only.LEAVING: "id"})
    else:
        back = [
            f"DROP TRIGGER {name}"
            for name in (*BACK, *(f"{append_only.LEAVING}_{v}" for v in ("update", "replace")))
        ]
        again = append_only.refuse(vendor, {append_only.LEAVING: "id"})
    for statement in (*back, *again):
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("store", "0015_how_far_a_sweep_came")]

    operations = [
        migrations.CreateModel(
            name="HistoryPartition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("table", models.CharField(max_length=200)),
                ("month", models.CharField(max_length=200)),
                ("part", models.PositiveIntegerField()),
                ("digest", models.CharField(blank=True, default="", max_length=64)),
                ("size", models.PositiveBigIntegerField()),
                ("rows", models.PositiveBigIntegerField()),
                ("content", models.CharField(blank=True, default="", max_length=64)),
                ("columns", models.JSONField(blank=True, default=list)),
                ("first_id", models.PositiveBigIntegerField()),
                ("last_id", models.PositiveBigIntegerField()),
                ("entry", models.PositiveBigIntegerField()),
                ("archived_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("leaving", "Leaving"),
                            ("away", "Away"),
                            ("coming", "Coming"),
                            ("brought", "Brought"),
                        ],
                        default="leaving",
                        max_length=200,
                    ),
                ),
                ("brought_until", models.DateTimeField(default=None, null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("table", "month", "part"), name="one_partition_per_part")
                ],
            },
        ),
        migrations.RunPython(forward, backward),
    ]
