"""Hostile input into every form and every address: answered in words, never a fault, never run."""

from html.parser import HTMLParser

import pytest

from tests.alerts.world import FAIL, A
from tests.web.pages.company import founded
from tests.web.test_walk import GUARDS, address

EVIL = "<img src=x onerror=alert(1)>"
HOSTILE = (
    EVIL, "'; DROP TABLE store_finding;--", "\u202e\u0000x", "{{7*7}}{% debug %}", "../../etc/passwd", "-1",
    "9" * 60, "1e999", "NaN", "[]", "on",
    '{"a": [1]}', "!!python/object/apply:os.system [ls]", "=cmd|' /C calc'!A0",
    "0001-01-01", "9999-12-31T23:59:59Z", "99999d", "ⅷ", "𝟙", "\ud7ff\U0010ffff", "a" * 70_000, " ", "%s%n",
)  # fmt: skip
FINE = (200, 302, 400, 403, 404, 409, 413)
MORE = (
    "/rules/of/now", "/rules/channels/ops", "/connections/prod", "/connections/new?kind=aws", "/tasks/TSK-1",
    "/rules/channels/new?kind=email", "/rules/channels/new?kind=slack", "/rules/channels/new?kind=webhook",
    "/rules/channels/new?kind=apprise", "/rules/trackers/new?kind=jira", "/rules/trackers/new?kind=github",
    "/checks/aws.ec2.ebs-volume-encrypted", "/checks/aws.ec2.ebs-volume-encrypted/edit",
)  # fmt: skip
AWAY = ("/account/logout/", "/settings/people")
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Forms(HTMLParser):
    """Reads the forms of a page: where each is sent, and its fields with their values."""

    def __init__(self):
        super().__init__()
        self.forms, self.loose = [], []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "form":
            self.forms.append((given.get("method", "get"), given.get("action", ""), given.get("id"), []))
        elif tag in ("input", "textarea", "select", "button") and given.get("name"):
            field = (given["name"], given.get("value") or "", given.get("type") or tag)
            if given.get("form"):
                self.loose.append((given["form"], field))
            elif self.forms:
                self.forms[-1][3].append(field)


def forms_of(page):
    found = Forms()
    found.feed(page)
    for owner, field in found.loose:
        for form in found.forms:
            if form[2] == owner:
                form[3].append(field)
    return found.forms


def filled(fields, value, step):
    """Return a form with a hostile value wherever a person types or picks; what the page says stays."""
    kept = {name: held for name, held, kind in fields if kind == "hidden"}
    typed = {name: value for name, _, kind in fields if kind not in ("hidden", "button", "submit")}
    return {**kept, **typed, **step}


@pytest.fixture
def hostile_site(site, tmp_path):
    founded(site, tmp_path / "world").sweep({A: ("fail", EVIL), (*A[:2], EVIL): FAIL})
    return site


def test_every_form_of_every_page(hostile_site):
    client = hostile_site.as_("olga")
    sent, kinds = 0, set()
    for place in [*(address(pattern) for pattern in GUARDS), *MORE]:
        answer = client.get(place)
        if answer.status_code != 200 or "text/html" not in answer["Content-Type"]:
            continue
        for method, action, _, fields in forms_of(answer.content.decode()):
            target = action or place
            if method != "post" or target in AWAY:
                continue
            steps = [{name: held} for name, held, kind in fields if kind == "button"] or [{}]
            for step in steps:
                key = (target, tuple(sorted(step.items())), tuple(sorted({name for name, _, _ in fields})))
                if key in kinds:
                    continue
                kinds.add(key)
                for value in HOSTILE:
                    got = client.post(target, filled(fields, value, step))
                    sent += 1
                    assert got.status_code in FINE, (target, step, value[:40], got.status_code)
                    assert EVIL not in got.content.decode("utf-8", "replace"), (target, step)
    assert len(kinds) > 40 and sent > 800, (len(kinds), sent)


def test_every_parameter_of_every_page(hostile_site):
    client = hostile_site.as_("olga")
    names = (
        "q",
        "sort",
        "size",
        "after",
        "before",
        "state",
        "severity",
        "control",
        "kind",
        "audit",
        "from",
        "to",
    )
    for place in [address(pattern) for pattern in GUARDS]:
        for value in HOSTILE:
            if len(value) > 1000:
                continue
            got = client.get(place, dict.fromkeys(names, value))
            assert got.status_code in (*FINE, 405), (place, value, got.status_code)
            if "text/html" in got.get("Content-Type", ""):
                assert EVIL not in got.content.decode("utf-8", "replace"), (place, value)


def test_addresses_themselves(hostile_site):
    client = hostile_site.as_("olga")
    for value in (
        "%00",
        "..%2f..%2fetc",
        "%ff%fe",
        "%3Cscript%3E",
        "a" * 3000,
        "%F0%9F%92%A3",
        "AL-99999999999",
    ):
        for place in (
            "controls",
            "checks",
            "alerts",
            "findings",
            "sweeps",
            "tasks",
            "connections",
            "rules/of",
        ):
            got = client.get(f"/{place}/{value}")
            assert got.status_code in (302, 400, 404), (place, value, got.status_code)
