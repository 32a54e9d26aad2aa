"""A small installation with people of every role, and clients that are signed in as them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.test import Client

from proofwatch.alerts import people, rulebook
from proofwatch.app import App
from proofwatch.config import load_settings
from proofwatch.evidence.keys import create_key
from proofwatch.store.models import Person
from proofwatch.web import context
from proofwatch.web.sign_in import account_of

ROLES = {"olga": "owner", "lea": "lead", "rob": "responder", "aud": "auditor"}
PASSWORD = "correct horse battery"


class Site:
    """The installation `app`; `as_("lea")` is a client signed in as that person, `nobody` one that is not."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.now = datetime.now(UTC)
        for name, role in ROLES.items():
            people.add(name, role=role, email=f"{name}@example.com", actor="setup", now=self.now)
            user = account_of(Person.objects.get(pk=name))
            user.set_unusable_password()
            user.save()
        rulebook.install(actor="setup", now=self.now)
        self.nobody = Client(headers={"host": "localhost"})

    def as_(self, name: str) -> Client:
        client = Client(headers={"host": "localhost"})
        user = account_of(Person.objects.get(pk=name))
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client


@pytest.fixture
def site(database_url: str, warm_home: Path) -> Iterator[Site]:
    home = warm_home
    settings = load_settings({"PROOFWATCH_HOME": str(home), "DATABASE_URL": database_url})
    settings = replace(settings, objects=str(home / "objects"))
    settings.key_file.parent.mkdir(parents=True)
    create_key(settings.key_file, "proofwatch.local/test")
    app = App(settings)
    app._ready = True
    context.serve(app)
    yield Site(app)
