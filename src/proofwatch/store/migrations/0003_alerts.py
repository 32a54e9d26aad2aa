"""Steps 4 to 6: rules, alerts, reviews, the outbox, people, tasks and accepted risks."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

from proofwatch.store import append_only


def forward(apps, schema_editor):  # type: ignore[no-untyped-def]
    """Let nobody change what was recorded."""
    for statement in append_only.refuse(schema_editor.connection.vendor, append_only.ALERTING):
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0002_append_only"),
    ]

    operations = [
        migrations.CreateModel(
            name="AlertRule",
            fields=[
                ("version", models.PositiveIntegerField(default=1)),
                ("body", models.JSONField(blank=True, default=dict)),
                ("sha256", models.CharField(blank=True, default="", max_length=64)),
                ("enabled", models.BooleanField(default=True)),
                ("reason", models.TextField(blank=True, default="")),
                ("by", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
                ("id", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("removed_at", models.DateTimeField(default=None, null=True)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ChannelConfig",
            fields=[
                ("name", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=200)),
                ("settings", models.JSONField(blank=True, default=dict)),
                ("enabled", models.BooleanField(default=True)),
                ("reason", models.TextField(blank=True, default="")),
                ("by", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
                ("tested_at", models.DateTimeField(default=None, null=True)),
                ("tested", models.TextField(blank=True, default="")),
                ("removed_at", models.DateTimeField(default=None, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Drill",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("control_id", models.CharField(max_length=200)),
                ("state", models.CharField(default="started", max_length=200)),
                ("reason", models.TextField(blank=True, default="")),
                ("by", models.CharField(max_length=200)),
                ("started_at", models.DateTimeField()),
                ("deadline_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(default=None, null=True)),
                ("acknowledged_at", models.DateTimeField(default=None, null=True)),
                ("acknowledged_by", models.CharField(blank=True, default="", max_length=200)),
                ("ended_at", models.DateTimeField(default=None, null=True)),
                ("object", models.CharField(blank=True, default="", max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="Person",
            fields=[
                ("name", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("full_name", models.CharField(blank=True, default="", max_length=200)),
                ("email", models.CharField(blank=True, default="", max_length=200)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("owner", "Owner"),
                            ("lead", "Lead"),
                            ("responder", "Responder"),
                            ("auditor", "Auditor"),
                        ],
                        default="responder",
                        max_length=200,
                    ),
                ),
                ("zone", models.CharField(default="UTC", max_length=200)),
                ("handles", models.JSONField(blank=True, default=dict)),
                ("active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="RiskAcceptance",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("number", models.PositiveIntegerField(unique=True)),
                ("state", models.CharField(default="requested", max_length=200)),
                ("scope", models.JSONField(blank=True, default=dict)),
                ("reason", models.TextField()),
                ("requested_by", models.CharField(max_length=200)),
                ("requested_at", models.DateTimeField()),
                ("decided_by", models.CharField(blank=True, default="", max_length=200)),
                ("decided_at", models.DateTimeField(default=None, null=True)),
                ("decision_note", models.TextField(blank=True, default="")),
                ("expires_at", models.DateTimeField()),
                ("remind_at", models.DateTimeField(default=None, null=True)),
                ("reminded_at", models.DateTimeField(default=None, null=True)),
                ("ended_at", models.DateTimeField(default=None, null=True)),
                ("ended_because", models.TextField(blank=True, default="")),
                ("count", models.PositiveBigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Silence",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("matcher", models.JSONField(blank=True, default=dict)),
                ("reason", models.TextField()),
                ("by", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("until_worse", models.BooleanField(default=False)),
                ("count", models.PositiveBigIntegerField(default=0)),
                ("ended_at", models.DateTimeField(default=None, null=True)),
                ("ended_by", models.CharField(blank=True, default="", max_length=200)),
                ("ended_because", models.TextField(blank=True, default="")),
            ],
        ),
        migrations.CreateModel(
            name="Team",
            fields=[
                ("name", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("members", models.JSONField(blank=True, default=list)),
                ("zone", models.CharField(default="UTC", max_length=200)),
                ("rotation_days", models.PositiveSmallIntegerField(default=0)),
                ("rotates_from", models.DateTimeField(default=None, null=True)),
                ("quiet", models.JSONField(blank=True, default=dict)),
                ("digest_at", models.CharField(default="09:00", max_length=200)),
            ],
        ),
        migrations.CreateModel(
            name="TrackerConfig",
            fields=[
                ("name", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=200)),
                ("settings", models.JSONField(blank=True, default=dict)),
                ("enabled", models.BooleanField(default=True)),
                ("by", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
                ("polled_at", models.DateTimeField(default=None, null=True)),
                ("problem", models.TextField(blank=True, default="")),
                ("removed_at", models.DateTimeField(default=None, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Alert",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("number", models.PositiveIntegerField(default=None, null=True, unique=True)),
                ("key", models.CharField(blank=True, default="", max_length=64)),
                ("current", models.BooleanField(default=True)),
                ("rule_id", models.CharField(max_length=200)),
                ("rule_version", models.PositiveIntegerField()),
                ("control_id", models.CharField(blank=True, default="", max_length=200)),
                ("group", models.TextField(blank=True, default="")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("open", "Open"),
                            ("acknowledged", "Acknowledged"),
                            ("in remediation", "Remediation"),
                            ("fix claimed", "Claimed"),
                            ("accepted", "Accepted"),
                            ("verified restored", "Restored"),
                            ("verified: resource gone", "Gone"),
                            ("closed: did not last", "Did Not Last"),
                            ("closed: false positive", "False Positive"),
                            ("closed: check changed", "Check Changed"),
                        ],
                        default="pending",
                        max_length=200,
                    ),
                ),
                ("severity", models.CharField(max_length=200)),
                ("headline", models.TextField()),
                ("reason", models.TextField(blank=True, default="")),
                ("count", models.PositiveBigIntegerField(default=0)),
                ("population", models.PositiveBigIntegerField(default=0)),
                ("drill", models.UUIDField(default=None, null=True)),
                ("pending_since", models.DateTimeField()),
                ("first_failed_at", models.DateTimeField()),
                ("last_failed_at", models.DateTimeField()),
                ("observed_at", models.DateTimeField()),
                ("opened_at", models.DateTimeField(default=None, null=True)),
                ("acknowledged_at", models.DateTimeField(default=None, null=True)),
                ("acknowledged_by", models.CharField(blank=True, default="", max_length=200)),
                ("reviewed_at", models.DateTimeField(default=None, null=True)),
                ("viewed_at", models.DateTimeField(default=None, null=True)),
                ("claimed_at", models.DateTimeField(default=None, null=True)),
                ("claimed_by", models.CharField(blank=True, default="", max_length=200)),
                ("passes", models.PositiveIntegerField(default=0)),
                ("ended_at", models.DateTimeField(default=None, null=True)),
                ("regressed", models.PositiveIntegerField(default=0)),
                ("transitions", models.JSONField(blank=True, default=list)),
                ("interrupted_since", models.DateTimeField(default=None, null=True)),
                ("interruption", models.TextField(blank=True, default="")),
                ("flapping_since", models.DateTimeField(default=None, null=True)),
                ("inhibited_since", models.DateTimeField(default=None, null=True)),
                ("escalated", models.PositiveSmallIntegerField(default=0)),
                ("escalate_at", models.DateTimeField(default=None, null=True)),
                ("repeat_at", models.DateTimeField(default=None, null=True)),
                ("ack_until", models.DateTimeField(default=None, null=True)),
                ("due_at", models.DateTimeField(default=None, null=True)),
                ("breached_at", models.DateTimeField(default=None, null=True)),
                ("accepted_until", models.DateTimeField(default=None, null=True)),
                ("accepted_count", models.PositiveBigIntegerField(default=0)),
                ("dismissed_until", models.DateTimeField(default=None, null=True)),
                ("evidence_before", models.CharField(blank=True, default="", max_length=64)),
                ("evidence_after", models.CharField(blank=True, default="", max_length=64)),
                ("rule_digests", models.JSONField(blank=True, default=dict)),
                (
                    "connection",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="alerts",
                        to="store.connection",
                    ),
                ),
                (
                    "previous",
                    models.ForeignKey(
                        db_index=False,
                        default=None,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="store.alert",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AlertEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=200)),
                ("before", models.CharField(blank=True, default="", max_length=200)),
                ("after", models.CharField(blank=True, default="", max_length=200)),
                ("at", models.DateTimeField()),
                ("actor", models.CharField(max_length=200)),
                ("role", models.CharField(blank=True, default="", max_length=200)),
                ("reason", models.TextField(blank=True, default="")),
                ("data", models.JSONField(blank=True, default=dict)),
                ("sweep", models.UUIDField(default=None, null=True)),
                (
                    "alert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="events", to="store.alert"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AlertResource",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("since", models.DateTimeField()),
                ("ended_at", models.DateTimeField(default=None, null=True)),
                ("ended_as", models.CharField(blank=True, default="", max_length=200)),
                (
                    "alert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="resources",
                        to="store.alert",
                    ),
                ),
                (
                    "finding",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="store.finding"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AlertRuleHistory",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1)),
                ("body", models.JSONField(blank=True, default=dict)),
                ("sha256", models.CharField(blank=True, default="", max_length=64)),
                ("enabled", models.BooleanField(default=True)),
                ("reason", models.TextField(blank=True, default="")),
                ("by", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
                ("rule_id", models.CharField(max_length=200)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("rule_id", "version"), name="one_row_per_rule_version")
                ],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("key", models.CharField(max_length=200, unique=True)),
                ("channel", models.CharField(max_length=200)),
                ("thread", models.CharField(db_index=True, max_length=200)),
                ("happened", models.CharField(max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("retrying", "Retrying"),
                            ("accepted", "Accepted"),
                            ("failed", "Failed"),
                            ("not sent", "Not Sent"),
                        ],
                        default="queued",
                        max_length=200,
                    ),
                ),
                ("reason", models.TextField(blank=True, default="")),
                ("message", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("lease_owner", models.CharField(blank=True, default="", max_length=200)),
                ("leased_until", models.DateTimeField(default=None, null=True)),
                ("sent_at", models.DateTimeField(default=None, null=True)),
                ("receipt", models.JSONField(blank=True, default=dict)),
                ("perhaps_twice", models.BooleanField(default=False)),
                (
                    "alert",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="store.alert",
                    ),
                ),
                (
                    "into",
                    models.ForeignKey(
                        default=None,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holds",
                        to="store.delivery",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DeliveryAttempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("at", models.DateTimeField()),
                ("seconds", models.FloatField()),
                ("outcome", models.CharField(max_length=200)),
                ("answer", models.TextField(blank=True, default="")),
                ("retry_after", models.FloatField(default=None, null=True)),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="tries", to="store.delivery"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Review",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reviewer", models.CharField(max_length=200)),
                ("role", models.CharField(max_length=200)),
                ("opened_at", models.DateTimeField(null=True)),
                ("viewed_at", models.DateTimeField(null=True)),
                ("decided_at", models.DateTimeField()),
                ("decision", models.CharField(max_length=200)),
                ("note", models.TextField()),
                ("evidence_seen", models.CharField(blank=True, default="", max_length=64)),
                ("channel", models.CharField(max_length=200)),
                ("bulk", models.UUIDField(default=None, null=True)),
                ("bulk_size", models.PositiveIntegerField(default=1)),
                (
                    "alert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="reviews", to="store.alert"
                    ),
                ),
                (
                    "corrects",
                    models.ForeignKey(
                        default=None,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="store.review",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Task",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("number", models.PositiveIntegerField(unique=True)),
                ("control_id", models.CharField(blank=True, default="", max_length=200)),
                ("title", models.TextField()),
                ("body", models.TextField(blank=True, default="")),
                ("severity", models.CharField(max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("in progress", "In Progress"),
                            ("fix claimed", "Claimed"),
                            ("verified restored", "Restored"),
                            ("verified: resource gone", "Gone"),
                            ("ended", "Ended"),
                        ],
                        default="open",
                        max_length=200,
                    ),
                ),
                ("reason", models.TextField(blank=True, default="")),
                ("owner", models.CharField(blank=True, default="", max_length=200)),
                ("due_at", models.DateTimeField()),
                ("breached_at", models.DateTimeField(default=None, null=True)),
                ("claimed_at", models.DateTimeField(default=None, null=True)),
                ("claimed_by", models.CharField(blank=True, default="", max_length=200)),
                ("made_by", models.CharField(max_length=200)),
                ("made_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(default=None, null=True)),
                ("evidence_before", models.CharField(blank=True, default="", max_length=64)),
                ("evidence_after", models.CharField(blank=True, default="", max_length=64)),
                (
                    "alert",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tasks",
                        to="store.alert",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TaskEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
                ("actor", models.CharField(max_length=200)),
                ("role", models.CharField(blank=True, default="", max_length=200)),
                ("text", models.TextField(blank=True, default="")),
                ("before", models.CharField(blank=True, default="", max_length=200)),
                ("after", models.CharField(blank=True, default="", max_length=200)),
                ("object", models.CharField(blank=True, default="", max_length=64)),
                (
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="events", to="store.task"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Ticket",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("tracker", models.CharField(max_length=200)),
                ("external_id", models.CharField(blank=True, default="", max_length=200)),
                ("url", models.TextField(blank=True, default="")),
                ("state", models.CharField(blank=True, default="", max_length=200)),
                ("state_name", models.CharField(blank=True, default="", max_length=200)),
                ("assignee", models.CharField(blank=True, default="", max_length=200)),
                ("read_at", models.DateTimeField(default=None, null=True)),
                (
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="tickets", to="store.task"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TicketStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=200)),
                ("body", models.JSONField(blank=True, default=dict)),
                ("state", models.CharField(default="queued", max_length=200)),
                ("created_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("lease_owner", models.CharField(blank=True, default="", max_length=200)),
                ("leased_until", models.DateTimeField(default=None, null=True)),
                ("answer", models.TextField(blank=True, default="")),
                ("done_at", models.DateTimeField(default=None, null=True)),
                ("perhaps_twice", models.BooleanField(default=False)),
                (
                    "ticket",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="steps", to="store.ticket"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(max_length=200)),
                ("delivery", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("source", "delivery"), name="one_row_per_webhook")
                ],
            },
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(fields=["connection", "state"], name="alert_by_connection"),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(fields=["state", "severity"], name="alert_by_state"),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(fields=["rule_id", "state"], name="alert_by_rule"),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(fields=["key"], name="alert_by_key"),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.UniqueConstraint(
                condition=models.Q(("current", True)), fields=("key",), name="one_current_alert"
            ),
        ),
        migrations.AddConstraint(
            model_name="alertresource",
            constraint=models.UniqueConstraint(fields=("alert", "finding"), name="one_row_per_resource"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["state", "due_at"], name="delivery_by_due"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["channel", "thread", "sent_at"], name="delivery_by_thread"),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(fields=["state", "due_at"], name="task_by_due"),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(fields=["owner", "state"], name="task_by_owner"),
        ),
        migrations.AddConstraint(
            model_name="ticket",
            constraint=models.UniqueConstraint(fields=("task", "tracker"), name="one_ticket_per_tracker"),
        ),
        migrations.AddIndex(
            model_name="ticketstep",
            index=models.Index(fields=["state", "due_at"], name="ticketstep_by_due"),
        ),
        migrations.RunPython(forward, migrations.RunPython.noop),
    ]
