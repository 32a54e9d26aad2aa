"""What AWS answered, turned into why something could not be read and what mends it.

`describe` sorts a failure of botocore into one `Reason`; `unread` and `refused` phrase it as an error.
Messages keep the provider's own code and words, without anything that looks like a credential.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from proofwatch.connectors.base import ConnectorError, Unread

DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AccessDeniedFault",
        "AllAccessDisabled",
        "AuthorizationError",
        "AuthorizationErrorException",
        "ForbiddenException",
        "Forbidden",
        "403",
        "NotAuthorized",
        "InsufficientPrivilegesException",
        "UnauthorizedAccess",
        "UnauthorizedException",
        "UnauthorizedOperation",
    }
)
BAD_CREDENTIALS = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidAccessKeyIdException",
        "InvalidClientTokenId",
        "InvalidSecurity",
        "InvalidSignatureException",
        "InvalidToken",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
        "401",
    }
)
THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
        "429",
    }
)
NOT_SUBSCRIBED = frozenset(
    {"OptInRequired", "SubscriptionRequired", "SubscriptionRequiredException", "NotSignedUp"}
)
NOT_OFFERED = frozenset(
    {"InvalidAction", "UnknownOperationException", "UnsupportedOperation", "UnsupportedOperationException"}
    | {"NotImplemented", "501", "404"}
)

_ACTION = re.compile(r"not authorized to perform:?\s+(?P<action>[a-z0-9-]+:[A-Za-z0-9*]+)", re.IGNORECASE)
_POLICY_KIND = re.compile(
    r"(explicit deny in an? (?P<deny>service control|resource control|identity-based|resource-based|session"
    r"|permissions boundary|VPC endpoint)|no (?P<none>identity-based|service control|session"
    r"|permissions boundary|resource-based) policy allows|because no (?P<none2>[a-z -]+) allows)",
    re.IGNORECASE,
)
_KEY_ID = re.compile(r"\b(A[KS]IA|AROA|AIDA)[A-Z0-9]{12,}\b")
_SECRET = re.compile(r"(?<![A-Za-z0-9/+=:_.-])[A-Za-z0-9/+=]{40,}(?![A-Za-z0-9/+=:_.-])")
_ENCODED = re.compile(r"(Encoded authorization failure message:)\s*\S+")
_PAGE = re.compile(r"<!doctype html|<html", re.IGNORECASE)
_TITLE = re.compile(r"<title>([^<]{1,120})", re.IGNORECASE)
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Reason:
    """One failure, sorted.

    Attributes:
        kind: `denied`, `credentials`, `region`, `subscription`, `throttled`, `timeout`, `connection`,
            `server`, `not_offered`, `malformed`, `request` or `client`.
        code: the provider's code, or "".
        words: the provider's message, redacted and cut.
        permission: the action that AWS named as missing, or "".
        by: which policy decided, in AWS's words, or "".
        permanent: True when trying again unchanged cannot succeed.
    """

    kind: str
    code: str
    words: str
    permission: str = ""
    by: str = ""
    permanent: bool = True


def code(exc: BaseException) -> str:
    """Return the provider's error code, or "" where there was no answer at all."""
    response = getattr(exc, "response", None)
    if isinstance(response, dict):
        return str(response.get("Error", {}).get("Code", "") or "")
    return ""


def failures() -> tuple[type[BaseException], ...]:
    """Return everything that a call to AWS can raise, for an `except` clause.

    ValueError stands for documents inside of answers (a policy) that are not what they should be, KeyError
    for what botocore's parser raises where the answer of another call comes back.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    return (BotoCoreError, ClientError, ResponseParserError, ConnectorError, ValueError, KeyError)


def redact(text: str) -> str:
    """Return `text` without key ids, secrets and encoded messages, on one line, cut to a readable length."""
    if _PAGE.search(text):
        title = _TITLE.search(text)
        return (
            f"a web page instead of an answer of AWS's protocol ({title[1].strip() if title else 'no title'})"
        )
    text = _ENCODED.sub(r"\1 (left out)", " ".join(text.split()))
    text = _SECRET.sub("(left out)", _KEY_ID.sub(r"\1…", text))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def describe(exc: BaseException) -> Reason:
    """Sort any exception that botocore or its transport raises."""
    if code(exc):
        return _answered(exc)
    return _unanswered(exc)


def unread(exc: BaseException, doing: str, permission: str = "") -> Unread:
    """Phrase a failed call as `Unread`.

    Args:
        exc: what botocore raised; an `Unread` is handed back as it is.
        doing: the call in progress, e.g. "calling ec2:DescribeVolumes in 111111111111/eu-west-1".
        permission: IAM action of the call, named in the remedy where AWS names none itself.
    """
    if isinstance(exc, Unread):
        return exc
    if isinstance(exc, ConnectorError):
        return Unread(doing, exc.problem, exc.remedy, permanent=exc.permanent)
    reason = describe(exc)
    missing = (reason.permission or permission) if reason.kind == "denied" else ""
    return Unread(
        doing,
        _problem(reason),
        _remedy(reason, missing),
        permanent=reason.permanent,
        permission=missing,
        code=reason.code,
    )


def refused(exc: BaseException, doing: str, permission: str = "") -> ConnectorError:
    """Phrase a failed call outside of any table as `ConnectorError`."""
    if isinstance(exc, ConnectorError):
        return exc
    found = unread(exc, doing, permission)
    return ConnectorError(found.doing, found.problem, found.remedy, permanent=found.permanent)


def _answered(exc: BaseException) -> Reason:
    name = code(exc)
    response: dict[str, Any] = getattr(exc, "response", {})
    message = str(response.get("Error", {}).get("Message", "") or "")
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) or 0)
    words = redact(message)
    kind = _kind(name, status, message)
    action = _ACTION.search(message) if kind == "denied" else None
    return Reason(
        kind,
        name,
        words,
        permission=action["action"] if action else "",
        by=_decided_by(message) if kind == "denied" else "",
        permanent=kind not in ("throttled", "server"),
    )


def _kind(name: str, status: int, message: str) -> str:
    bare = name.rpartition(".")[2].removeprefix("Client.")
    if bare in NOT_SUBSCRIBED:
        return "region" if "region" in message.lower() and bare == "OptInRequired" else "subscription"
    if bare in DENIED:
        # AWS answers a service that was never signed up for with a plain denial and these words.
        return (
            "subscription" if "not subscribed" in message or "needs a subscription" in message else "denied"
        )
    if bare in BAD_CREDENTIALS:
        return "credentials"
    if bare in THROTTLED:
        return "throttled"
    if bare in NOT_OFFERED:
        return "not_offered"
    if status >= 500:
        return "server"
    return "denied" if status == 403 else "request"


def _decided_by(message: str) -> str:
    found = _POLICY_KIND.search(message)
    if not found:
        return ""
    if found["deny"]:
        return f"explicit deny in a {found['deny'].lower()} policy"
    return f"no {(found['none'] or found['none2']).lower().removesuffix(' policy')} policy allows it"


def _unanswered(exc: BaseException) -> Reason:
    from botocore import exceptions as aws

    words = redact(str(exc))
    sorts: tuple[tuple[tuple[type[BaseException], ...], str, bool], ...] = (
        (
            (aws.NoCredentialsError, aws.PartialCredentialsError, aws.CredentialRetrievalError),
            "credentials",
            True,
        ),
        ((aws.ProfileNotFound, aws.ConfigParseError, aws.ConfigNotFound), "credentials", True),
        (
            (aws.TokenRetrievalError, aws.SSOTokenLoadError, aws.UnauthorizedSSOTokenError),
            "credentials",
            True,
        ),
        ((aws.ConnectTimeoutError, aws.ReadTimeoutError), "timeout", False),
        ((aws.EndpointConnectionError, aws.ConnectionError, aws.HTTPClientError), "connection", False),
        ((aws.EndpointProviderError, aws.UnknownEndpointError, aws.NoRegionError), "region", True),
        ((aws.IncompleteReadError, aws.ResponseStreamingError), "malformed", False),
    )
    for kinds, kind, permanent in sorts:
        if isinstance(exc, kinds):
            return Reason(kind, "", words, permanent=permanent)
    # Parser errors stand outside of botocore.exceptions; the answer was cut or is not AWS's.
    if type(exc).__name__ == "ResponseParserError" or isinstance(exc, (ValueError, KeyError)):
        return Reason("malformed", "", words, permanent=False)
    return Reason("client", "", f"{type(exc).__name__}: {words}")


_SAID: dict[str, str] = {
    "denied": "AWS refused",
    "credentials": "the credentials are not usable",
    "region": "the region is not enabled for this account, or the service does not exist there",
    "subscription": "the account has not subscribed to this service",
    "throttled": "AWS throttled the call, also after retries",
    "timeout": "no answer in time",
    "connection": "no connection",
    "server": "AWS failed on its side",
    "not_offered": "the endpoint does not offer this call",
    "malformed": "the answer broke off or is not what AWS documents",
    "request": "AWS rejected the call",
    "client": "the call could not be made",
}


def _problem(reason: Reason) -> str:
    said = _SAID[reason.kind]
    if reason.by:
        said = f"{said} ({reason.by})"
    own = ": ".join(part for part in (reason.code, reason.words) if part)
    return f"{said}: {own}" if own else said


def _remedy(reason: Reason, permission: str) -> str:
    if reason.kind == "denied":
        return _remedy_denied(reason, permission)
    return {
        "credentials": "Renew or correct the credentials, then run `proofwatch doctor`.",
        "region": "Enable the region for the account, or exclude it with a reason.",
        "subscription": "Turn the service on in the account, or leave its tables out.",
        "throttled": "Try again later, or lower max_concurrency.",
        "timeout": "Try again; if it stays so, check the network and proxy, or raise read_timeout.",
        "connection": "Check the network, proxy, name resolution and endpoint_url.",
        "server": "Try again later.",
        "not_offered": "Leave the table out for this endpoint, or use one that offers the call.",
        "malformed": "Try again; if it stays so, check the proxy or endpoint_url between here and AWS.",
        "request": "",
        "client": "Run `proofwatch doctor`.",
    }[reason.kind]


def _remedy_denied(reason: Reason, permission: str) -> str:
    if reason.by.startswith("explicit deny"):
        target = f" {permission}" if permission else " the call"
        return f"Change the policy that denies{target}; a further allow does not help."
    if reason.by.startswith("no service control"):
        return f"Allow {permission or 'the call'} in the organization's service control policies."
    return f"Allow {permission} for this identity." if permission else "Allow this call for this identity."
