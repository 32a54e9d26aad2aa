"""Django's view of the pages: one app with the label `web`."""

from __future__ import annotations

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Sign-in, pages and the REST API."""

    name = "proofwatch.web"
    label = "web"
    verbose_name = "Proofwatch"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Seal what must stay secret before anything is stored."""
        from proofwatch.web import factors  # noqa: F401
