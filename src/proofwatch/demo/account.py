"""An account of the simulated company as its administrator sees it: boto3 clients, made and counted here."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

HOME = "eu-west-1"
SECOND = "eu-central-1"
AMERICA = "us-east-1"
REGIONS = (HOME, SECOND, AMERICA)
"""The regions that the company says it uses; these are connected."""

FORGOTTEN = "ap-southeast-2"
"""A region in use that nobody connected: a gap that must show."""

IMAGE = "ami-0ac3e000000000001"
"""The one image that the server offers (amis.json)."""

ACCOUNT_DIGITS = 12

_MAKING = re.compile(
    r"(Create(?!NetworkAclEntry|Deployment)|Run|Allocate|Register|Request)[A-Z]"
    r"|Put(MetricAlarm|MetricFilter|Parameter|ConfigRule|ConfigurationRecorder)$"
)


@dataclass(frozen=True, slots=True)
class Login:
    """Credentials for one account at one endpoint. The secret half stays out of `repr`."""

    endpoint: str
    key: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


@dataclass(slots=True)
class Account:
    """One account and the way in.

    Attributes:
        id: twelve digits.
        name: as the organization calls it.
        login: what the clients sign with.
        kept: whether it is well kept: with the faults of `seeds.kept` only.
        made: successful calls that made something, by operation ("CreateBucket": 9).
        calls: every successful call.
    """

    id: str
    name: str
    login: Login
    kept: bool = False
    made: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)

    def client(self, service: str, region: str = HOME) -> Any:
        """Return the boto3 client of `service` in `region`; boto3 has no types for it."""
        key = (service, region)
        if key not in self._clients:
            client = make_client(self.login, service, region)
            client.meta.events.register("after-call", self._count)
            self._clients[key] = client
        return self._clients[key]

    def enter(self, account_id: str, name: str, role: str) -> Account:
        """Return another account, entered through `role` as any administrator would."""
        answer = self.client("sts").assume_role(
            RoleArn=f"arn:aws:iam::{account_id}:role/{role}", RoleSessionName="acme-admin"
        )["Credentials"]
        login = Login(
            self.login.endpoint,
            answer["AccessKeyId"],
            answer["SecretAccessKey"],
            answer["SessionToken"],
        )
        return Account(account_id, name, login)

    def _count(self, http_response: Any, parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
        if http_response.status_code >= 300:
            return
        self.calls += 1
        if _MAKING.match(model.name):
            self.made[model.name] += len(parsed.get("Instances", ())) or 1


def make_client(login: Login, service: str, region: str) -> Any:
    """Return a client that talks to `login`'s endpoint only, whatever the machine's AWS settings say."""
    from botocore.config import Config

    client = _session().client(
        service,
        region_name=region,
        endpoint_url=login.endpoint,
        aws_access_key_id=login.key,
        aws_secret_access_key=login.secret,
        aws_session_token=login.token or None,
        config=Config(
            connect_timeout=5,
            read_timeout=60,
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
            proxies={},
        ),
    )
    if service == "s3control":
        client.meta.events.register("before-sign", _without_account_in_host)
    return client


def _without_account_in_host(request: Any, **_: Any) -> None:
    """Take the account id out of the host name, where no name server knows `123456789012.127.0.0.1`.

    The account is in the header x-amz-account-id, too, and the server reads it from the signature.
    """
    scheme, _sep, rest = request.url.partition("://")
    first, _dot, others = rest.partition(".")
    if first.isdigit() and len(first) == ACCOUNT_DIGITS:
        request.url = f"{scheme}://{others}"


@lru_cache(maxsize=1)
def _session() -> Any:
    """Return one session for all clients: its cache of service models saves most of their cost."""
    import boto3
    from botocore.configprovider import ConstantProvider
    from botocore.session import Session

    session = Session()
    # The person's own profile must neither be read nor matter, even when AWS_PROFILE names one that is gone.
    session.get_component("config_store").set_config_provider("profile", ConstantProvider(None))
    session.set_config_variable("config_file", os.devnull)
    session.set_config_variable("credentials_file", os.devnull)
    return boto3.Session(botocore_session=session)
