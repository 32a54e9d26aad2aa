"""Signing in at Google: by the key of a service account, and by another identity provider's token."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proofwatch.connectors.base import ConnectorError
from proofwatch.connectors.google.signin import Addresses, SignIn, limited
from proofwatch.demo.fakes import google as fake_google
from proofwatch.demo.fakes.base import Asked, Said
from proofwatch.demo.fakes.google import FakeGoogle
from proofwatch.outbound.http import Answer
from proofwatch.outbound.session import Session

EMAIL = "proofwatch@demo.iam.gserviceaccount.com"
READ, WRITE = "admin.directory.user.readonly", "admin.directory.user"


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with FakeGoogle(EMAIL, ["", "ada@acme.example"], [READ]) as fake:
        assert isinstance(fake, FakeGoogle)
        yield fake


def sign_in(fake: FakeGoogle, monkeypatch: pytest.MonkeyPatch, key: str = "", **more: Any) -> SignIn:
    monkeypatch.setenv("GOOGLE_KEY", key or fake.key())
    where = Addresses(
        f"{fake.url}/token", f"{fake.url}/tokeninfo", more.pop("sts", f"{fake.url}/sts"), fake.url
    )
    return SignIn(Session([fake.url]), "env:GOOGLE_KEY", more.pop("scopes", [READ]), where, **more)


def test_a_key_gives_a_token_that_is_kept(google: FakeGoogle, monkeypatch: pytest.MonkeyPatch) -> None:
    found = sign_in(google, monkeypatch, subject="ada@acme.example")
    header = found.auth.headers()
    assert header == found.auth.headers()
    assert header["Authorization"].removeprefix("Bearer ") in google.tokens
    assert [asked.path for asked in google.asked] == ["/token"]
    assert found.email == EMAIL


@pytest.mark.parametrize("tells", [True, False])
def test_scopes_come_from_the_token_or_from_who_gave_it(
    google: FakeGoogle, monkeypatch: pytest.MonkeyPatch, tells: bool
) -> None:
    google.tells_scope = tells
    assert sign_in(google, monkeypatch).granted() == (f"https://www.googleapis.com/auth/{READ}",)
    assert ("/tokeninfo" in [asked.path for asked in google.asked]) is not tells


def test_a_scope_that_was_not_delegated_is_refused_with_the_remedy(
    google: FakeGoogle, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = sign_in(google, monkeypatch, scopes=[READ, WRITE])
    with pytest.raises(ConnectorError, match="unauthorized_client") as caught:
        found.auth.token()
    assert "Domain-wide delegation" in caught.value.remedy
    assert "unauthorized_client" in found.refused([WRITE])
    assert found.refused([READ]) == ""


def test_what_cannot_be_told_of_a_scope_is_not_taken_for_a_refusal(
    google: FakeGoogle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    google.broken["/token"] = Said({}, 503)
    with pytest.raises(ConnectorError) as caught:
        sign_in(google, monkeypatch).refused([WRITE])
    assert not caught.value.permanent
    assert len(google.asked) == 3


def test_a_key_that_google_does_not_know_is_told_in_its_words(
    google: FakeGoogle, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = json.loads(google.key())
    fake_google.key_pem.cache_clear()
    other = fake_google.key_pem()
    assert other != known["private_key"]
    found = sign_in(google, monkeypatch, json.dumps(known))
    with pytest.raises(ConnectorError, match=r"invalid_grant: Invalid JWT Signature\.") as caught:
        found.auth.token()
    assert "BEGIN" not in str(caught.value)
    assert caught.value.permanent


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("not json", "no JSON key of a service account"),
        ('{"type": "authorized_user"}', "no JSON key of a service account"),
        ('{"type": "service_account", "client_email": "x"}', "has no private_key"),
        ('{"type": "service_account", "client_email": "x", "private_key": "PEM?"}', "no RSA key in PEM"),
        ('{"type": "external_account", "audience": "x"}', "has no subject_token_type, credential_source"),
    ],
)
def test_a_wrong_credential_is_refused_in_words(
    google: FakeGoogle, monkeypatch: pytest.MonkeyPatch, key: str, words: str
) -> None:
    with pytest.raises(ConnectorError, match=words):
        sign_in(google, monkeypatch, key).auth.token()
    assert not google.asked


def test_delegation_needs_a_key(google: FakeGoogle, monkeypatch: pytest.MonkeyPatch) -> None:
    key = json.dumps({"type": "external_account", "audience": "x"})
    with pytest.raises(ConnectorError, match="no JSON key of a service account"):
        sign_in(google, monkeypatch, key, subject="ada@acme.example").auth.token()


def test_a_missing_variable_is_named(google: FakeGoogle, monkeypatch: pytest.MonkeyPatch) -> None:
    found = sign_in(google, monkeypatch)
    monkeypatch.delenv("GOOGLE_KEY")
    with pytest.raises(ConnectorError, match="variable GOOGLE_KEY is not set"):
        found.auth.headers()


def external(fake: FakeGoogle, source: dict[str, Any], impersonate: bool) -> str:
    """Return the configuration that `gcloud iam workload-identity-pools create-cred-config` writes."""
    known: dict[str, Any] = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": source,
    }
    if impersonate:
        path = f"/v1/projects/-/serviceAccounts/{EMAIL}:generateAccessToken"
        known["service_account_impersonation_url"] = f"https://iamcredentials.googleapis.com{path}"

    def exchanged(asked: Asked) -> Said:
        form = asked.form()
        if form["subject_token"] != "the-other-token" or form["audience"] != known["audience"]:
            return Said({"error": "invalid_grant", "error_description": "bad subject token"}, 400)
        return Said({"access_token": fake.grant(form["scope"]), "expires_in": 3600, "token_type": "Bearer"})

    def impersonated(asked: Asked) -> Said:
        scopes = " ".join(asked.json()["scope"])
        return Said({"accessToken": fake.grant(scopes), "expireTime": "2099-01-01T00:00:00Z"})

    fake.route("POST /sts", exchanged)
    fake.route("POST /v1/projects/-/serviceAccounts/{name}", impersonated)
    return json.dumps(known)


@pytest.fixture
def open_sts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fake_google, "OPEN", ("/token", "/tokeninfo", "/sts"))


@pytest.mark.usefixtures("open_sts")
@pytest.mark.parametrize("impersonate", [True, False])
@pytest.mark.parametrize("form", [None, {"type": "json", "subject_token_field_name": "id_token"}])
def test_another_providers_token_is_exchanged(
    google: FakeGoogle,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    impersonate: bool,
    form: dict[str, str] | None,
) -> None:
    file = tmp_path / "token"
    file.write_text(json.dumps({"id_token": "the-other-token"}) if form else "the-other-token\n")
    source = {"file": str(file), **({"format": form} if form else {})}
    found = sign_in(google, monkeypatch, external(google, source, impersonate))
    held = found.auth.token()
    assert google.tokens[held.text] == f"https://www.googleapis.com/auth/{READ}"
    assert found.granted() == (f"https://www.googleapis.com/auth/{READ}",)
    assert (found.email == EMAIL) is impersonate
    # Hosts come from the settings: the file's own were never asked.
    assert {asked.headers["host"] for asked in google.asked} == {google.url.removeprefix("http://")}


@pytest.mark.usefixtures("open_sts")
def test_a_token_that_is_not_exchanged_is_told(
    google: FakeGoogle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("another")
    key = external(google, {"file": str(tmp_path / "token")}, True)
    with pytest.raises(ConnectorError, match="invalid_grant: bad subject token"):
        sign_in(google, monkeypatch, key).auth.token()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"url": "http://169.254.169.254/token"}, "names no file"),
        ({"file": "relative"}, "names no file"),
        ({"file": "/does/not/exist"}, "No such file"),
        ({"file": "EMPTY"}, "is empty"),
        ({"file": "EMPTY", "format": {"type": "json", "subject_token_field_name": "x"}}, "no such member"),
    ],
)
def test_a_source_without_a_token_is_refused(
    google: FakeGoogle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: dict[str, Any], words: str
) -> None:
    (tmp_path / "empty").write_text("")
    if source.get("file") == "EMPTY":
        source = {**source, "file": str(tmp_path / "empty")}
    with pytest.raises(ConnectorError, match=words):
        sign_in(google, monkeypatch, external(google, source, False)).auth.token()


def test_nothing_is_sent_to_another_host(google: FakeGoogle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_KEY", google.key())
    found = SignIn(Session([google.url]), "env:GOOGLE_KEY", [READ], Addresses())
    with pytest.raises(ConnectorError, match="not the connection's"):
        found.auth.token()


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [(403, "userRateLimitExceeded", 0.0), (403, "forbidden", None), (429, "rateLimitExceeded", None)],
)
def test_a_limit_is_told_from_a_denial(status: int, reason: str, expected: float | None) -> None:
    body = {"error": {"code": status, "errors": [{"domain": "usageLimits", "reason": reason}]}}
    assert limited(Answer(status, {}, json.dumps(body).encode())) == expected
