"""Secrets in answers: whatever a provider calls them, evidence does not hold them."""

from __future__ import annotations

import pytest

from proofwatch.connectors.rest.scrub import LEFT_OUT, without_secrets

SECRET = ("client_secret", "clientSecret", "webhook_secret", "sharedSecret", "secret", "temporaryPassword")


@pytest.mark.parametrize("name", SECRET)
def test_a_secret_is_left_out_wherever_it_stands(name: str) -> None:
    item = {"credentials": {"client": [{"client_id": "0oa1", name: "s3cret"}]}}
    found = without_secrets(item)
    assert found == {"credentials": {"client": [{"client_id": "0oa1", name: LEFT_OUT}]}}


@pytest.mark.parametrize(
    "item",
    [
        {"secret_scanning": {"status": "enabled"}}, {"has_secret": True}, {"client_secret": None},
        {"password_policy": "strong"}, {"secretCount": 2}, {"changePasswordAtNextLogin": "no"},
    ],
)  # fmt: skip
def test_what_only_speaks_of_secrets_stays(item: dict[str, object]) -> None:
    assert without_secrets(item) == item


def test_a_name_of_any_length_is_looked_at() -> None:
    name = f"{'x' * 5000}_password"
    assert without_secrets({name: "s3cret", f"{name}s": "no"}) == {name: LEFT_OUT, f"{name}s": "no"}


def test_members_are_dropped_at_the_first_level_only() -> None:
    item = {"etag": 1, "inner": {"etag": 2}, "list": ({"etag": 3}, None, "text")}
    assert without_secrets(item, ("etag",)) == {
        "inner": {"etag": 2}, "list": [{"etag": 3}, None, "text"]
    }  # fmt: skip


def test_what_was_looked_at_is_not_changed() -> None:
    item = {"token": "s3cret", "rows": [{"api_key": "s3cret"}]}
    without_secrets(item)
    assert item == {"token": "s3cret", "rows": [{"api_key": "s3cret"}]}
