"""One botocore session per set of credentials, one client per (account, region, service), shared.

Creating a session costs far more than creating a client from it, and clients are thread-safe, so both
are kept. Answers are bounded in time: throttling is waited out, other failures are retried twice.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from proofwatch import __version__
from proofwatch.connectors import turns
from proofwatch.connectors.aws import errors, models
from proofwatch.connectors.aws.settings import AwsSettings, check_account, region_partitions
from proofwatch.connectors.base import GLOBAL, ConnectorError

GLOBAL_REGION = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""Where the services without a region are signed for, by partition."""

MAX_ATTEMPTS = 8
"""Attempts in all for a throttled call, with adaptive waiting between them."""

MAX_FAILED_ATTEMPTS = 3
"""Attempts in all for an answer of 5xx: a service that cannot answer must not hold up a sweep."""

MAX_SILENT_ATTEMPTS = 2
"""Attempts in all where there was no answer: each may last `read_timeout`."""

BURST_SECONDS = 5
"""Requests of so many seconds may go at once after a rest; EC2's own bucket for reading holds as many."""

MAX_CLIENTS = 128
"""Clients kept at once; each holds a parsed service model and a connection pool."""


class Clients:
    """Hands out botocore clients for any account and region of one connection. Thread-safe.

    Args:
        settings: validated settings. Nothing is sent before the first client is used.
    """

    def __init__(self, settings: AwsSettings) -> None:
        self.settings = settings
        self._lock = threading.RLock()
        self._sessions: dict[str, Any] = {}
        self._clients: OrderedDict[tuple[str, str, str], Any] = OrderedDict()

    @cached_property
    def home_region(self) -> str:
        """The region of STS and of regional calls about the account itself."""
        if isinstance(self.settings.regions, list):
            return self.settings.regions[0]
        configured = str(self._base_session().get_config_variable("region") or "")
        if configured in region_partitions():
            return configured
        _, _, rest = self.settings.role_arn.partition("arn:")
        return GLOBAL_REGION.get(rest.partition(":")[0], GLOBAL_REGION["aws"])

    @cached_property
    def partition(self) -> str:
        """`aws`, `aws-cn`, `aws-us-gov` …: the second part of every ARN."""
        return region_partitions()[self.home_region]

    @cached_property
    def caller(self) -> dict[str, str]:
        """STS's own answer to who we are: Account, Arn, UserId. Raises ConnectorError."""
        with self._lock:
            try:
                answer = self.client("", self.home_region, "sts").get_caller_identity()
            except errors.failures() as error:
                raise errors.refused(
                    error, "asking AWS who we are (sts:GetCallerIdentity)", "sts:GetCallerIdentity"
                ) from None
        return {key: str(answer[key]) for key in ("Account", "Arn", "UserId")}

    def client(self, account_id: str, region: str, service: str) -> Any:
        """Return the botocore client of `service` in `account_id`'s `region` (or 'global').

        An empty account means the identity's own. Another account's credentials come from its member
        role on first use, so the first *call* may raise what assuming the role raises.

        Raises:
            ConnectorError: credentials or the role cannot be found; sorted by `errors`.
        """
        place = self._signing_region(region)
        key = (account_id, place, service)
        with self._lock:
            if key in self._clients:
                self._clients.move_to_end(key)
                return self._clients[key]
            made = self._create(self._session(account_id), service, place)
            made.meta.events.register("request-created", self._pace(account_id, place, service))
            self._clients[key] = made
            if len(self._clients) > MAX_CLIENTS:
                self._clients.popitem(last=False)
            return made

    def member_role_arn(self, account_id: str) -> str:
        """Return the ARN of the role that is assumed in `account_id`."""
        check_account(account_id)
        return f"arn:{self.partition}:iam::{account_id}:role/{self.settings.member_role}"

    def enter(self, account_id: str) -> None:
        """Assume the account's role now. Raises the error of botocore or ConnectorError if it cannot."""
        credentials = self._session(account_id).get_credentials()
        if credentials is None:
            raise _no_credentials()
        credentials.get_frozen_credentials()

    def _pace(self, account_id: str, region: str, service: str) -> Callable[..., None]:
        """Return what waits for its turn before each attempt: AWS counts by account, region and service."""
        account, rate = account_id or self.settings.role_arn or self.settings.profile, self.settings
        key, gap = f"aws {account} {region} {service}", 1.0 / rate.requests_per_second
        burst = BURST_SECONDS * rate.requests_per_second

        def take_turn(**_: Any) -> None:
            turns.wait(key, gap, burst)

        return take_turn

    def _signing_region(self, region: str) -> str:
        if region == GLOBAL or not region:
            return GLOBAL_REGION.get(self.partition, self.home_region)
        return region

    def _session(self, account_id: str) -> Any:
        if not account_id:
            return self._own_session()
        with self._lock:
            if account_id not in self._sessions:
                own = account_id == self.caller["Account"]
                self._sessions[account_id] = (
                    self._own_session()
                    if own
                    else self._assumed(self._own_session(), self.member_role_arn(account_id))
                )
            return self._sessions[account_id]

    def _own_session(self) -> Any:
        with self._lock:
            if "" not in self._sessions:
                base = self._base_session()
                role = self.settings.role_arn
                self._sessions[""] = self._assumed(base, role) if role else base
            return self._sessions[""]

    def _base_session(self) -> Any:
        with self._lock:
            if "base" not in self._sessions:
                # A profile may name data files of its own.
                shared = None if self.settings.profile else models.loader()
                session = _new_session(self.settings.profile, shared)
                try:
                    # Reading the profile now turns a misspelt name into an error before any call.
                    session.get_scoped_config()
                except errors.failures() as error:
                    raise errors.refused(error, "reading the AWS configuration files") from None
                self._sessions["base"] = session
            return self._sessions["base"]

    def _assumed(self, source: Any, role_arn: str) -> Any:
        """Return a session whose credentials come from `role_arn` and renew themselves before expiry."""
        from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

        credentials = source.get_credentials()
        if credentials is None:
            raise _no_credentials()
        extra: dict[str, Any] = {"RoleSessionName": "proofwatch"}
        external_id = self.settings.resolved_external_id()
        if external_id:
            extra["ExternalId"] = external_id
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=self._sts_creator(source),
            source_credentials=credentials,
            role_arn=role_arn,
            extra_args=extra,
        )
        session = _new_session("", source.get_component("data_loader"))
        session._credentials = DeferredRefreshableCredentials(
            method="assume-role", refresh_using=fetcher.fetch_credentials
        )
        return session

    def _sts_creator(self, source: Any) -> Callable[..., Any]:
        def create(service: str, **keys: Any) -> Any:
            keys.pop("config", None)
            return self._create(source, service, self.home_region, **keys)

        return create

    def _create(self, session: Any, service: str, region: str, **keys: Any) -> Any:
        from botocore.config import Config

        config = Config(
            user_agent_extra=f"proofwatch/{__version__}",
            connect_timeout=self.settings.connect_timeout,
            read_timeout=self.settings.read_timeout,
            max_pool_connections=max(10, self.settings.max_concurrency),
            retries={"mode": "adaptive", "total_max_attempts": MAX_ATTEMPTS},
        )
        try:
            if session.get_credentials() is None:
                raise _no_credentials()
            client = session.create_client(
                service,
                region_name=region,
                endpoint_url=self.settings.endpoint_url or None,
                config=config,
                **keys,
            )
        except errors.failures() as error:
            raise errors.refused(error, f"preparing calls to {service} in {region}") from None
        client.meta.events.register_first("needs-retry.*", stop_retrying)
        if service == "s3control" and ".amazonaws.com" not in client.meta.endpoint_url:
            client.meta.events.register("before-sign.s3-control", keep_host)
        return client


def stop_retrying(
    response: tuple[Any, dict[str, Any]] | None = None,
    attempts: int = 1,
    caught_exception: Any = None,
    **_: Any,
) -> bool | None:
    """Tell botocore not to try again (False), or leave the decision to it (None).

    Its limit of attempts is one for all failures; ours is long for throttling, which waiting mends, and
    short for what waiting seldom mends. An endpoint that says it does not implement a call is believed.
    """
    if caught_exception is not None:
        return False if attempts >= MAX_SILENT_ATTEMPTS else None
    if response is None:
        return None
    http, parsed = response
    error = parsed.get("Error", {}) if isinstance(parsed, dict) else {}
    if http.status_code < 500 or error.get("Code") in errors.THROTTLED:
        return None
    if http.status_code == 501 or error.get("Code") == "NotImplemented" or _is_html(http):
        return False
    return False if attempts >= MAX_FAILED_ATTEMPTS else None


def keep_host(request: Any, **_: Any) -> None:
    """Take the account id out of the host name again; S3 Control also sends it as a header.

    AWS resolves such names, another endpoint seldom does (a simulator at 127.0.0.1 cannot).
    """
    account = request.headers.get("x-amz-account-id", "")
    request.url = request.url.replace(f"://{account}.", "://", 1)


def parse_timestamp(value: Any) -> datetime:
    """Return a UTC time; botocore's own parser costs half of the time of a large listing."""
    if isinstance(value, str) and value[4:5] == "-":
        try:
            parsed = datetime.fromisoformat(value)
        except ValueError:
            parsed = None
        if parsed is not None:
            return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    from botocore.utils import parse_timestamp as slow

    found: datetime = slow(value)
    return found.astimezone(UTC)


def _is_html(http: Any) -> bool:
    # AWS answers 5xx in the protocol of the call; a web page comes from a proxy or a simulator.
    return bool(http.content[:15].lstrip().lower().startswith((b"<!doctype", b"<html")))


def _new_session(profile: str, loader: Any) -> Any:
    import botocore.session

    session = botocore.session.Session(profile=profile or None)
    # The global endpoint's tokens are refused in opt-in regions.
    session.set_config_variable("sts_regional_endpoints", "regional")
    if loader is not None:
        session.register_component("data_loader", loader)
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=parse_timestamp)
    return session


def _no_credentials() -> ConnectorError:
    return ConnectorError(
        "looking for AWS credentials",
        "there are none: no profile was chosen and the environment holds none",
        "Name a profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use an instance role.",
    )
