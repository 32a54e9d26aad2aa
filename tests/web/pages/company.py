"""A company whose alerts are real: swept, told and judged, with people who are signed in to the pages."""

from __future__ import annotations

import re
from contextlib import contextmanager

from django.db import connection
from django.test.utils import CaptureQueriesContext

from proofwatch.alerts import rulebook
from proofwatch.store.models import ChannelConfig
from tests.remediation.test_tasks import RULE, Company
from tests.store.samples import MINUTE, NOW

MOST_QUERIES = 25


def founded(site, folder, *, rule=RULE) -> Company:
    """Return a company without sweeps whose clock is an hour behind ours, told by one rule on one channel."""
    folder.mkdir()
    for row in rulebook.every():
        rulebook.switch(row.id, False, actor="olga", now=site.now, reason="one rule is enough")
    ChannelConfig.objects.create(
        name="ops", kind="slack-webhook", settings={}, by="olga", at=site.now
    )  # fmt: skip
    made = Company(folder, rule)
    made.minutes = int((site.now - NOW) / MINUTE) - 60
    return made


def said(answer, status=200) -> str:
    """Return the page as text with single spaces."""
    assert answer.status_code == status, (answer.status_code, answer.content[-1500:])
    return " ".join(answer.content.decode().split())


def plain(page: str) -> str:
    """Return a page's words without its elements."""
    words = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    return re.sub(r" ([:,;.)])", r"\1", words)


def seen(page: str) -> str:
    """Return what a form says about how much had happened when it was made."""
    found = re.search(r'name="seen" value="(\d+)"', page)
    assert found, page[-3000:]
    return found[1]


@contextmanager
def few_queries():
    """Fail if what is inside asks the database more often than a page may. Sign in before it."""
    with CaptureQueriesContext(connection) as asked:
        yield
    assert len(asked) <= MOST_QUERIES, "\n".join(
        f"{number} {item['sql'][:160]}" for number, item in enumerate(asked.captured_queries, 1)
    )
