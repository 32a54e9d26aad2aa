"""One furnished company for all tests of this folder: furnishing takes most of their time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("moto", reason="the demo extra is not installed")

from proofwatch.demo.company import Company, environment, seed
from proofwatch.demo.server import Server, start


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with start() as running:
        yield running


@pytest.fixture(scope="session")
def steps() -> list[tuple[str, int, int]]:
    return []


@pytest.fixture(scope="session")
def company(server: Server, steps: list[tuple[str, int, int]]) -> Company:
    return seed(server.url, lambda *step: steps.append(step))


@pytest.fixture
def plain(company: Company, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Make clients as any script would: plain boto3 and the environment, then one role per account."""
    import boto3

    for name in os.environ:
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in environment(company).items():
        monkeypatch.setenv(name, value)

    def client(account: str, service: str, region: str = "eu-west-1") -> Any:
        if account == "management":
            return boto3.Session().client(service, region_name=region)
        role = f"arn:aws:iam::{company.accounts[account]}:role/{company.member_role}"
        found = boto3.Session().client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        session = boto3.Session(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
        return session.client(service, region_name=region)

    return client
