"""Django's view of the store: one app with the label `store`."""

from __future__ import annotations

from django.apps import AppConfig


class StoreConfig(AppConfig):
    """The state of Proofwatch, by step of the process."""

    name = "proofwatch.store"
    label = "store"
    verbose_name = "Proofwatch"
    default_auto_field = "django.db.models.BigAutoField"
