"""One account and region: calls and whole listings in it, counted, with their failures put into words."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from typing import Any, Protocol

from proofwatch.connectors.aws import errors, models
from proofwatch.connectors.aws.writes import PREFIXES
from proofwatch.connectors.base import ReadStats, Unread
from proofwatch.connectors.naming import dig
from proofwatch.connectors.rounds import Rounds

Raw = dict[str, Any]
"""One item as botocore parsed it. A reader may add `_unread`: column → reason."""

_TOKENS = (
    ("NextToken", "NextToken"),
    ("nextToken", "nextToken"),
    ("NextMarker", "NextMarker"),
    ("NextMarker", "Marker"),
    ("Marker", "Marker"),
)
"""(member of the answer, member of the request) where botocore has no paginator for an operation."""


class ClientSource(Protocol):
    """What hands out botocore's clients (`clients.Clients`)."""

    @property
    def partition(self) -> str:
        """The second part of every ARN: `aws`, `aws-cn` and others."""
        ...

    def client(self, account_id: str, region: str, service: str) -> Any:
        """Return a client. Raises ConnectorError."""
        ...


class Caller:
    """One (account, region). Thread-safe; every call counts into `stats`."""

    def __init__(self, clients: ClientSource, account: str, region: str, stats: ReadStats) -> None:
        self.clients = clients
        self.account = account
        self.region = region
        self.stats = stats
        self._lock = threading.Lock()

    @cached_property
    def names(self) -> dict[str, str]:
        """What templates may name besides members of the answer."""
        return {"account": self.account, "region": self.region, "partition": self.clients.partition}

    def doing(self, action: str) -> str:
        """Return the action in progress as errors begin with."""
        return f"calling {action} in {self.account}/{self.region}"

    def call(
        self, service: str, op: str, params: Mapping[str, Any], *, region: str = "", permission: str = ""
    ) -> Raw:
        """Return one answer. Raises what botocore raises, as `Unread`.

        Args:
            service: botocore's name of it.
            op: operation in botocore's spelling.
            params: request parameters.
            region: where to call, if not in this place's region.
            permission: IAM action, if not `service:op`.
        """
        from botocore import xform_name

        action = f"{PREFIXES.get(service, service)}:{op}"
        with self._lock:
            self.stats.calls += 1
        try:
            client = self.clients.client(self.account, region or self.region, service)
            answer: Raw = getattr(client, xform_name(op))(**params)
        except errors.failures() as error:
            if errors.describe(error).kind == "throttled":
                with self._lock:
                    self.stats.throttled += 1
            raise errors.unread(error, self.doing(action), permission or action) from error
        except (AttributeError, TypeError, LookupError) as error:
            # botocore's parsers trip over an answer of another form than the service model's.
            raise _malformed(self.doing(action)) from error
        _refuse_nonsense(answer, client, self.doing(action))
        return answer

    def pages(
        self,
        service: str,
        op: str,
        params: Mapping[str, Any],
        *,
        region: str = "",
        permission: str = "",
        listing: bool = True,
    ) -> Iterator[Raw]:
        """Yield every page of a listing; its end is AWS's word that there is no more.

        `listing` False leaves the pages out of `stats`, which counts those of a table's own listing.

        Raises:
            Unread: a page fails, a continuation is repeated (it would never end), or one is missing
                though AWS says that there is more.
        """
        config = paging(service, op)
        request = dict(params)
        rounds = Rounds()
        while True:
            page = self.call(service, op, request, region=region, permission=permission)
            if listing:
                with self._lock:
                    self.stats.pages += 1
            yield page
            following = config.following(page)
            if following is None:
                return
            problem = ""
            if not following:
                problem = "AWS says that there is more, and gives no continuation"
            elif rounds.again(repr(following)):
                problem = "AWS gave the same continuation twice, so the list would never end"
            if problem:
                raise Unread(self.doing(f"{service}:{op}"), problem, "Try again later.", permanent=False)
            request.update(following)

    def attempt(
        self, service: str, op: str, params: Mapping[str, Any], *, region: str = "", permission: str = ""
    ) -> tuple[Raw | None, str]:
        """Return one answer and "", or None and the reason as a row's `_unread` holds it."""
        try:
            return self.call(service, op, params, region=region, permission=permission), ""
        except Unread as error:
            return None, reason(error)


def reason(error: Unread) -> str:
    """Return why a column is unread: "AccessDenied, needs s3:GetBucketPolicy", or AWS's words."""
    if error.permission:
        return f"{error.code or 'denied'}, needs {error.permission}"
    return " ".join(error.problem.split())


class Paging:
    """How one operation continues: what to take from a page, and where to put it in the next request."""

    def __init__(self, pairs: tuple[tuple[str, str], ...], more: str = "") -> None:
        self.pairs = pairs
        self.more = more

    def following(self, page: Mapping[str, Any]) -> Raw | None:
        """Return the parameters of the next page; None at the end; {} where they are missing."""
        if self.more and not dig(page, self.more):
            return None
        found = {into: _first(page, path) for path, into in self.pairs}
        found = {key: value for key, value in found.items() if value not in (None, "")}
        if not found and not self.more:
            return None
        return found


def _first(page: Mapping[str, Any], path: str) -> Any:
    # botocore writes alternatives as "NextMarker || Contents[-1].Key"; the first one is the token.
    return dig(page, path.partition("||")[0].strip())


@cache
def paging(service: str, op: str) -> Paging:
    """Return how an operation is continued, from botocore's own data, or from its members' names."""
    config = models.paginators(service).get(op)
    if config:
        outputs, inputs = _many(config["output_token"]), _many(config["input_token"])
        return Paging(tuple(zip(outputs, inputs, strict=True)), config.get("more_results", ""))
    model = models.operation(service, op)
    answered = model.output_shape.members if model.output_shape else {}
    asked = model.input_shape.members if model.input_shape else {}
    return Paging(tuple((a, b) for a, b in _TOKENS if a in answered and b in asked)[:1])


def _many(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _refuse_nonsense(answer: Mapping[str, Any], client: Any, doing: str) -> None:
    """Raise Unread for an answer that botocore parsed to nothing though its body holds something.

    In the JSON protocols botocore takes what is not JSON for an empty answer, and an empty answer for
    an empty list.
    """
    if len(answer) != 1 or "json" not in client.meta.service_model.metadata.get("protocol", ""):
        return
    metadata = answer.get("ResponseMetadata", {})
    length = metadata.get("HTTPHeaders", {}).get("content-length", "")
    if length.isdigit() and int(length) > len("{ }\r\n"):
        raise _malformed(doing)


def _malformed(doing: str) -> Unread:
    problem = "the answer broke off or is not what AWS documents"
    return Unread(doing, problem, "Try again; if it stays so, check the proxy.", permanent=False)
