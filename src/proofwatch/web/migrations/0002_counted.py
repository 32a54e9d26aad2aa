"""What the sign-in counts, for all servers together."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """One table."""

    dependencies = [
        ("web", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Counted",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("value", models.JSONField()),
                ("until", models.DateTimeField(db_index=True)),
            ],
        ),
    ]
