"""What a finding failed under last, and what of a source could not be listed or read."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0003_alerts"),
    ]

    operations = [
        migrations.AddField(
            model_name="finding",
            name="rule",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
        migrations.AddField(
            model_name="shardread",
            name="lacking",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="shardread",
            name="lacking_why",
            field=models.TextField(blank=True, default=""),
        ),
        migrations.AddField(
            model_name="sweep",
            name="unknown",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AlterField(
            model_name="finding",
            name="state",
            field=models.CharField(
                choices=[
                    ("open", "Open"),
                    ("restored", "Restored"),
                    ("gone", "Gone"),
                    ("rule changed", "Rule Changed"),
                    ("no longer applies", "Not Applicable"),
                ],
                default="open",
                max_length=200,
            ),
        ),
        migrations.AlterField(
            model_name="findingevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("opened", "Opened"),
                    ("changed", "Changed"),
                    ("interrupted", "Interrupted"),
                    ("resumed", "Resumed"),
                    ("restored", "Restored"),
                    ("gone", "Gone"),
                    ("rule changed", "Rule Changed"),
                    ("no longer applies", "Not Applicable"),
                    ("regressed", "Regressed"),
                ],
                max_length=200,
            ),
        ),
    ]
