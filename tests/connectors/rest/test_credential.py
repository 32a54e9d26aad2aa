"""A credential that cannot be had leaves a table unread, with the reason and whether to try again."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from proofwatch.connectors.base import ConnectorError, Unread
from proofwatch.connectors.rest.api import Api
from proofwatch.connectors.rest.auth import Unsigned
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
