"""When a session was last in use: noted seldom, and never waited for."""

import sqlite3
import time
from datetime import UTC, datetime, timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.db import connection
from django.test.utils import CaptureQueriesContext

from proofwatch.store.models import Person
from proofwatch.web import activity
from proofwatch.web.sign_in import account_of

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def lea(site):
    client = site.as_("lea")
    UserSession.objects.all().delete()
    UserSession.objects.create(
        user=account_of(Person.objects.get(pk="lea")),
        session_key=client.session.session_key,
        ip="127.0.0.1",
        last_seen_at=LONG_AGO,
    )
    return client


def seen():
    return UserSession.objects.get().last_seen_at


def test_a_session_in_use_is_noted_once_a_minute(lea, site, monkeypatch):
    assert lea.get("/settings").status_code == 200
    first = seen()
    assert first - site.now < timedelta(minutes=1)
    with CaptureQueriesContext(connection) as asked:
        lea.get("/settings")
    assert seen() == first
    assert not [one for one in asked.captured_queries if one["sql"].startswith("UPDATE")]
    monkeypatch.setattr(activity, "EVERY", 0.0)
    lea.get("/settings")
    assert seen() > first


def test_a_page_does_not_wait_for_whoever_writes(lea, site):
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite has one writer")
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    assert lea.get("/settings").status_code == 200
    assert time.monotonic() - began < 10, "it waited for the lock"
    other.execute("ROLLBACK")
    other.close()
    assert seen() == LONG_AGO
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone()[0] == 20_000


def test_nobody_is_noted_for_a_stranger(lea, site):
    site.nobody.get("/account/login/")
    assert seen() == LONG_AGO
