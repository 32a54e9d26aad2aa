"""A credential that cannot be had leaves a table unread, with the reason and whether to try again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from proofwatch.connectors.base import ConnectorError, Unread
from proofwatch.connectors.rest.api import Api
from proofwatch.connectors.rest.auth import Fetched, Token, Unsigned
from proofwatch.outbound.session import Session


class Nowhere(Unsigned):
    """Has no token, for now or for good."""

    permanent = True

    def headers(self) -> Mapping[str, str]:
        """Raise ConnectorError."""
        problem = "the provider gives no token"
        raise ConnectorError("signing in", problem, "Renew it.", permanent=self.permanent)


class Later(Nowhere):
    """Has none for now."""

    permanent = False


@pytest.mark.parametrize("auth", [Nowhere(), Later()])
def test_a_credential_that_cannot_be_had_is_told_as_such(auth: Nowhere) -> None:
    api = Api("Provider", "http://127.0.0.1:9", Session(["http://127.0.0.1:9"]), auth)
    with pytest.raises(Unread, match="the provider gives no token") as caught:
        api.get("/things")
    found = caught.value
    assert (found.code, found.permanent, found.remedy) == ("credential", auth.permanent, "Renew it.")


def _tokens() -> Fetched:
    numbers = iter(range(1, 9))
    return Fetched(lambda: Token(f"token-{next(numbers)}", time.time() + 3600, {}))


def _elsewhere(work: Callable[[], object]) -> None:
    """Do something in another thread."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


def test_every_thread_that_was_refused_comes_again_with_the_renewed_token() -> None:
    auth = _tokens()
    assert auth.headers() == {"Authorization": "Bearer token-1"}
    _elsewhere(lambda: (auth.headers(), auth.renew()))
    assert auth.renew() is True, "another thread forgot the token already"
    assert auth.headers() == {"Authorization": "Bearer token-2"}


def test_a_token_that_another_thread_renewed_is_not_thrown_away() -> None:
    auth = _tokens()
    auth.headers()
    _elsewhere(lambda: (auth.headers(), auth.renew(), auth.headers()))
    assert auth.renew() is True
    assert auth.headers() == {"Authorization": "Bearer token-2"}


def test_the_token_that_was_refused_is_not_repeated_when_another_thread_has_a_new_one() -> None:
    auth = _tokens()
    auth.headers()
    _elsewhere(lambda: (auth.headers(), auth.renew(), auth.headers()))
    assert set(auth.secrets()) == {"token-1", "token-2"}
