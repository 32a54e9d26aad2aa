"""Every address of the pages, opened and sent to by nobody and by each role: what it needs holds."""

import pytest
from django.urls import URLPattern, get_resolver

from proofwatch.store.models import LogEntry
from proofwatch.web.access import ALLOWED
from proofwatch.web.urls import PLACES
from tests.alerts.world import FAIL, A
from tests.web.pages.company import founded
from tests.web.site import ROLES

SAMPLES = {
    "<str:control>": "AC-02", "<str:check>": "aws.iam.user-mfa", "<str:name>": "AL-1", "<int:number>": "0",
    "<str:digest>": "0" * 64, "<int:size>": "1", "<str:kind>": "aws", "<uuid:sweep>": "0" * 32,
    "<str:token>": "x",
}  # fmt: skip
OPEN = ("/healthz", "/readyz", "/start", "/account", "/api", "/static", "/hooks", "/metrics")
GUARDS = [url for place in PLACES for url in place.URLS]


def address(pattern):
    route = str(pattern.pattern)
    for sample, value in SAMPLES.items():
        route = route.replace(sample, value)
    while "<" in route:
        start, end = route.index("<"), route.index(">")
        route = route[:start] + "x" + route[end + 1 :]
    return f"/{route}"


def test_no_address_is_without_a_guard():
    for pattern in get_resolver().url_patterns:
        if isinstance(pattern, URLPattern) and not f"/{pattern.pattern}".startswith(OPEN):
            assert hasattr(pattern.callback, "needs"), pattern
    assert len(GUARDS) > 40


def test_strangers_are_sent_to_the_sign_in(site):
    for pattern in GUARDS:
        for method in ("get", "post"):
            answer = getattr(site.nobody, method)(address(pattern))
            assert answer.status_code == 302, (method, pattern, answer.status_code)
            assert answer["Location"].startswith("/account/login/"), pattern


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", ROLES)
def test_each_role_opens_and_changes_what_it_may(site, tmp_path, name):
    founded(site, tmp_path / "world").sweep({A: FAIL})
    client, role = site.as_(name), ROLES[name]
    for pattern in GUARDS:
        read, write = pattern.callback.needs
        got = client.get(address(pattern)).status_code
        assert (got == 403) == (read not in ALLOWED[role]), (name, pattern, got)
        assert got in (200, 302, 400, 403, 404), (pattern, got)
        before = LogEntry.objects.exclude(kind__startswith="access.").count()
        sent = client.post(address(pattern), {"do": "nonsense"}).status_code
        if write is None:
            assert sent == 405, (pattern, sent)
        else:
            assert (sent == 403) == (write not in ALLOWED[role]), (name, pattern, sent)
            assert sent in (200, 302, 400, 403, 404, 409), (pattern, sent)
        if sent == 403:
            assert LogEntry.objects.exclude(kind__startswith="access.").count() == before, pattern
