"""Keepers of checkpoints, binders, pictures of pages, and verdicts of third parties."""

import django.db.models.deletion
from django.db import migrations, models

from proofwatch.store import append_only


def forward(apps, schema_editor):  # type: ignore[no-untyped-def]
    """Make what is evidence append-only."""
    for statement in append_only.refuse(schema_editor.connection.vendor, append_only.AUDITING):
        schema_editor.execute(statement, params=None)


def backward(apps, schema_editor):  # type: ignore[no-untyped-def]
    """Nothing: the triggers go with their tables."""


class Migration(migrations.Migration):
    """Six tables."""

    dependencies = [
        ("store", "0012_runs_by_time"),
    ]

    operations = [
        migrations.CreateModel(
            name="Import",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(unique=True)),
                ("format", models.CharField(max_length=200)),
                ("product", models.CharField(max_length=200)),
                ("object", models.CharField(blank=True, default="", max_length=64)),
                ("count", models.PositiveBigIntegerField()),
                ("by", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Keeper",
            fields=[
                ("name", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=200)),
                ("settings", models.JSONField(blank=True, default=dict)),
                ("interval_minutes", models.PositiveIntegerField()),
                ("next_due_at", models.DateTimeField()),
                ("enabled", models.BooleanField(default=True)),
                ("by", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
                ("removed_at", models.DateTimeField(default=None, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Export",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(unique=True)),
                (
                    "kind",
                    models.CharField(choices=[("binder", "binder"), ("bundle", "bundle")], max_length=200),
                ),
                ("audit", models.CharField(blank=True, default="", max_length=200)),
                ("first", models.DateField()),
                ("last", models.DateField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("writing", "writing"),
                            ("done", "done"),
                            ("failed", "failed"),
                        ],
                        default="waiting",
                        max_length=200,
                    ),
                ),
                ("stage", models.CharField(blank=True, default="", max_length=200)),
                ("done", models.PositiveBigIntegerField(default=0)),
                ("total", models.PositiveBigIntegerField(default=0)),
                ("file", models.CharField(blank=True, default="", max_length=200)),
                ("size", models.PositiveBigIntegerField(default=0)),
                ("sha256", models.CharField(blank=True, default="", max_length=64)),
                ("log_size", models.PositiveBigIntegerField(default=0)),
                ("error", models.TextField(blank=True, default="")),
                ("by", models.CharField(max_length=200)),
                ("role", models.CharField(blank=True, default="", max_length=200)),
                ("at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(default=None, null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "bundle")),
                        fields=("first", "last"),
                        name="one_bundle_per_month",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="KeptCheckpoint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("keeper", models.CharField(max_length=200)),
                ("kind", models.CharField(max_length=200)),
                ("size", models.PositiveBigIntegerField()),
                ("root", models.CharField(blank=True, default="", max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[("accepted", "accepted"), ("failed", "failed")], max_length=200
                    ),
                ),
                ("reference", models.TextField(blank=True, default="")),
                ("proof", models.CharField(blank=True, default="", max_length=64)),
                ("error", models.TextField(blank=True, default="")),
                ("at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["keeper", "at"], name="kept_by_keeper"),
                    models.Index(fields=["size"], name="kept_by_size"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Screenshot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(unique=True)),
                ("page", models.CharField(max_length=200)),
                ("url", models.TextField()),
                ("media_type", models.CharField(max_length=200)),
                ("object", models.CharField(blank=True, default="", max_length=64)),
                ("sidecar", models.CharField(blank=True, default="", max_length=64)),
                ("cause", models.CharField(max_length=200)),
                ("by", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["at"], name="screenshot_by_time")],
            },
        ),
        migrations.CreateModel(
            name="Assertion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("place", models.PositiveBigIntegerField()),
                ("product", models.CharField(max_length=200)),
                ("check_id", models.TextField()),
                ("title", models.TextField(blank=True, default="")),
                ("resource", models.TextField(blank=True, default="")),
                ("account_id", models.CharField(blank=True, default="", max_length=200)),
                ("region", models.CharField(blank=True, default="", max_length=200)),
                ("status", models.CharField(max_length=200)),
                ("raw_status", models.TextField(blank=True, default="")),
                ("severity", models.CharField(blank=True, default="", max_length=200)),
                ("asserted_at", models.DateTimeField(default=None, null=True)),
                ("raw", models.JSONField(blank=True, default=dict)),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assertions",
                        to="store.import",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["check_id"], name="assertion_by_check")],
                "constraints": [
                    models.UniqueConstraint(fields=("source", "place"), name="one_assertion_per_place")
                ],
            },
        ),
        migrations.RunPython(forward, backward),
    ]
