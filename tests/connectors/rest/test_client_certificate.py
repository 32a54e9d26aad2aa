"""A session that trusts one authority alone, and says who it is by a certificate: over real TLS."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from proofwatch.demo.fakes.base import Fake, Said
from proofwatch.outbound.http import NoAnswer
from proofwatch.outbound.session import Session
from tests.connectors.rest.certificates import Authority, behind_tls


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def ask(session: Session, url: str) -> int:
    return session.request("GET", f"{url}/x", doing="asking", headers={}).status


def test_who_has_the_certificate_comes_in_and_nobody_else(authority: Authority, tmp_path: Path) -> None:
    with Fake() as fake:
        fake.route("GET /x", lambda asked: Said({}))
        url = behind_tls(fake, tmp_path, authority, clients=True)
        assert ask(Session([url], only_ca=authority.pem, cert=authority.issue("me")), url) == 200
        with pytest.raises(NoAnswer):
            ask(Session([url], only_ca=authority.pem), url)
        stranger = Authority("stranger").issue("me")
        with pytest.raises(NoAnswer):
            ask(Session([url], only_ca=authority.pem, cert=stranger), url)


def test_no_other_authority_is_trusted(authority: Authority, tmp_path: Path) -> None:
    with Fake() as fake:
        fake.route("GET /x", lambda asked: Said({}))
        url = behind_tls(fake, tmp_path, authority)
        assert ask(Session([url], only_ca=authority.pem), url) == 200
        for only in ("", Authority("other").pem):
            with pytest.raises(NoAnswer, match="certificate verify failed"):
                ask(Session([url], only_ca=only), url)
        # The public authorities are not trusted beside it.
        assert len(Session([url], only_ca=authority.pem)._pool._ssl_context.get_ca_certs()) == 1


def test_the_key_is_nowhere_when_the_session_is_made(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    Session(["https://127.0.0.1:1"], cert=authority.issue("me"))
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_pair_is_refused_in_words(authority: Authority) -> None:
    (chain, _), (_, other) = authority.issue("me"), authority.issue("you")
    for cert in ((chain, other), (chain, "no key"), ("no certificate", other), ("ü", other)):
        with pytest.raises(ValueError, match="no PEM, or not a pair") as caught:
            Session(["https://127.0.0.1:1"], cert=cert)
        assert other not in str(caught.value)
    with pytest.raises(ValueError, match="certificate authorities are no PEM"):
        Session(["https://127.0.0.1:1"], only_ca="no authority")
