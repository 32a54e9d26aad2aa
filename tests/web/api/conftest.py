"""A site with an alert, and callers that send tokens."""

import json
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.test import Client

from proofwatch.controls.load import builtin_controls, load_controls
from proofwatch.store.models import Person
from proofwatch.store.services import connections, controls
from proofwatch.web import tokens
from proofwatch.web.api import guard
from proofwatch.web.api.limits import Window
from tests.alerts.world import FAIL, PASS, A, B
from tests.web.pages.company import founded


@dataclass
class Caller:
    """A program with a token; every answer comes with its body as `said`."""

    client: Client
    secret: str

    def get(self, path, **headers):
        return self._send("get", path, None, headers)

    def post(self, path, body=None, **headers):
        return self._send("post", path, body or {}, headers)

    def put(self, path, body, **headers):
        return self._send("put", path, body, headers)

    def _send(self, method, path, body, headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named["authorization"] = f"Bearer {self.secret}"
        given = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        answer = getattr(self.client, method)(f"/api/v1/{path}", headers=named, **given)
        answer.said = json.loads(answer.content) if answer.content else None
        return answer


@pytest.fixture(autouse=True)
def unhurried(monkeypatch):
    monkeypatch.setattr(guard, "window", Window(100_000))


@pytest.fixture
def caller(site):
    def make(name, scope="read", title="a program"):
        person = Person.objects.get(pk=name)
        end = site.now + timedelta(days=30)
        _, secret = tokens.make(person, title, scope, end, actor=name, now=site.now)
        return Caller(Client(headers={"host": "localhost"}), secret)

    return make


@pytest.fixture
def world(site, tmp_path):
    """An alert AL-1 about resource A, a connection, and the control list."""
    known = load_controls(builtin_controls(), checks=site.app.catalog.checks, criteria=site.app.criteria)
    controls.import_list(known, actor="olga", now=site.now)
    made = founded(site, tmp_path / "world")
    made.sweep({A: FAIL, B: PASS})
    row = connections.get("prod")
    connections.record_test(row, actor="olga", now=site.now, state="connected")
    site.app.sign()
    return made
