"""Forms: what a token is asked for with, and that the answer never repeats it."""

from __future__ import annotations

import pytest

from proofwatch.connectors.base import Unread
from proofwatch.connectors.rest.api import Api
from proofwatch.connectors.rest.auth import Unsigned
from proofwatch.connectors.rest.paging import Request
from proofwatch.demo.fakes.base import Asked, Fake, Said
from proofwatch.outbound.session import Session

GIVEN = {"grant_type": "client_credentials", "client_secret": "s~e+c r&t=ö"}


def api(fake: Fake, auth: Unsigned) -> Api:
    return Api("Somebody", fake.url, Session([fake.url]), auth)


def test_a_form_arrives_as_it_was_given_and_without_any_other_credential() -> None:
    fake = Fake()
    fake.route("POST /token", lambda asked: Said({"got": asked.form()}))
    with fake:
        answer = api(fake, Unsigned()).send(Request("/token", form=GIVEN)).body
    assert answer == {"got": GIVEN}
    headers = fake.asked[0].headers
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert "authorization" not in headers


def test_what_a_form_holds_is_not_repeated_when_it_is_refused() -> None:
    def refuse(asked: Asked) -> Said:
        return Said({"error": "invalid_client", "error_description": f"no {asked.form()}"}, 401)

    fake = Fake()
    fake.route("POST /token", refuse)
    with fake, pytest.raises(Unread) as raised:
        api(fake, Unsigned((GIVEN["client_secret"],))).send(Request("/token", form=GIVEN))
    assert raised.value.code == "401"
    assert GIVEN["client_secret"] not in raised.value.problem
    assert "client_credentials" in raised.value.problem


def test_a_form_is_not_sent_on_where_a_redirect_leads() -> None:
    fake = Fake()
    fake.route("POST /token", lambda asked: Said({}, 307, {"Location": "/elsewhere"}))
    with fake, pytest.raises(Unread, match="307"):
        api(fake, Unsigned()).send(Request("/token", form=GIVEN))
    assert [asked.path for asked in fake.asked] == ["/token"]
