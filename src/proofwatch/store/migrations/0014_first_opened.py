"""When an alert opened for the first time, so that one that reopens stays in the periods before."""

from django.db import migrations, models
from django.db.models import F, Min, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce


def forward(apps, schema_editor):  # type: ignore[no-untyped-def]
    """Take it from what happened to each alert: the first event after which it was no longer pending."""
    alert, event = apps.get_model("store", "Alert"), apps.get_model("store", "AlertEvent")
    ends = Q(after="pending") | Q(after="") | Q(after="closed: did not last")
    first = event.objects.filter(alert=OuterRef("pk")).exclude(ends).order_by().values("alert")
    opened = Subquery(first.annotate(first=Min("at")).values("first"))
    alert.objects.filter(number__isnull=False).update(first_opened_at=Coalesce(opened, F("opened_at")))


def backward(apps, schema_editor):  # type: ignore[no-untyped-def]
    """Nothing: the column goes."""


class Migration(migrations.Migration):
    """One column."""

    dependencies = [
        ("store", "0013_auditing"),
    ]

    operations = [
        migrations.AddField(
            model_name="alert",
            name="first_opened_at",
            field=models.DateTimeField(default=None, null=True),
        ),
        migrations.RunPython(forward, backward),
    ]
