"""From an AWS event, in whichever envelope it comes, to the tables of the AWS connector that it touches.

Understood are EventBridge's events (CloudTrail's calls and the services' own), CloudTrail's records, AWS
Config's notices, S3's event notifications and CloudWatch's alarms. Sources: docs.aws.amazon.com,
"CloudTrail record contents", "Events from AWS services", "Example notifications" of AWS Config.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from proofwatch.connectors.base import GLOBAL, Table
from proofwatch.connectors.registry import connector_class
from proofwatch.hooks.aws_rules import CONFIG_SERVICES, RULES, SOURCES
from proofwatch.hooks.base import Hint, HookError
from proofwatch.hooks.reading import items, mapping, moment, text
from proofwatch.hooks.rules import Rules

DOING = "reading an AWS event"
PREFIX = "aws_"
MOST = 1000
"""Records in one message."""
_READS = re.compile(
    r"^(Get|List|Describe|BatchGet|BatchDescribe|BatchCheck|Head|Search|Lookup|Query|Scan|Select|Simulate"
    r"|Check|Validate|Preview|Estimate|Download|Discover|View|Receive"
    r"|Test(?!Failover|Migration))(?=[A-Z]|$)"
)
_REFUSED = re.compile(r"AccessDenied|Unauthorized|DryRun|Throttl|RequestLimitExceeded|ExpiredToken")
_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z]{2,6}(-[a-z]+)+-[0-9]{1,2}")
_SILENT = ("s3ObjectKey", "Event")
"""Parts of messages that only say that a log file was delivered, or that a test was made."""


@cache
def _tables() -> Mapping[str, Table]:
    return connector_class("aws").tables()


@cache
def _rules(source: str) -> Rules | None:
    if source not in RULES:
        return None
    services, lines = RULES[source]
    wanted = services.split()
    return Rules(tuple(t.name for t in _tables().values() if t.service in wanted), lines, PREFIX)


def tables_of(source: str, name: str, *, reads: bool = False) -> tuple[str, ...]:
    """Return the tables that an event may have changed.

    Args:
        source: CloudTrail's `eventSource` (`ec2.amazonaws.com`) or EventBridge's `source` (`aws.ec2`).
        name: CloudTrail's `eventName` or EventBridge's `detail-type`.
        reads: whether AWS says that it only reads (`readOnly`); then only a known name counts.

    Returns:
        () for what only reads and for an unknown service; all tables of the service for an unknown name.
    """
    rules = _rules(_source(source))
    if rules is None:
        return ()
    plain = re.sub(r"[^A-Za-z0-9]", "", name)
    if _READS.search(plain):
        return ()
    # AWS Config writes AWS::EC2::VPC and EC2 writes CreateVpc.
    known = rules.known(plain.replace("VPC", "Vpc").replace("VPN", "Vpn"))
    if known is None:
        return () if reads else rules.every
    return known


def _source(source: str) -> str:
    lower = source.lower()
    if lower.startswith("aws."):
        return SOURCES.get(lower, f"{lower.removeprefix('aws.')}.amazonaws.com")
    return lower.removesuffix(".cn") if lower.endswith(".amazonaws.com.cn") else lower


def hints_of(event: Mapping[str, Any], doing: str = DOING) -> tuple[Hint, ...]:
    """Return what an event touches; () where that is nothing that is read.

    Raises:
        HookError: it has none of the forms that AWS documents.
    """
    return tuple(dict.fromkeys(hint for part in _parts(event, doing) for hint in part))


def _parts(event: Mapping[str, Any], doing: str) -> Iterator[tuple[Hint, ...]]:
    if "detail-type" in event and "source" in event:
        yield _eventbridge(event)
    elif "eventSource" in event and "eventName" in event:
        yield _record(event, {})
    elif isinstance(event.get("Records"), list):
        if len(event["Records"]) > MOST:
            raise HookError(doing, f"it holds more than {MOST} records")
        for record in event["Records"]:
            yield _record(mapping(record), {})
    elif "messageType" in event:
        yield _config(event, {})
    elif "AlarmName" in event and "AlarmArn" in event:
        yield _alarm(event)
    elif not any(name in event for name in _SILENT):
        remedy = "Send events of EventBridge, CloudTrail, AWS Config, S3 or CloudWatch as they are."
        raise HookError(doing, "it is none of the events that AWS documents", remedy)


def _eventbridge(event: Mapping[str, Any]) -> tuple[Hint, ...]:
    detail = mapping(event.get("detail"))
    if "eventSource" in detail and "eventName" in detail:
        return _record(detail, event)
    if event.get("source") == "aws.config" and "messageType" in detail:
        return _config(detail, event)
    name = text(event.get("detail-type"))
    resource = text(next(iter(items(event.get("resources"))), ""))
    return _hints(tables_of(text(event.get("source")), name), event, event, resource, name)


def _record(record: Mapping[str, Any], event: Mapping[str, Any]) -> tuple[Hint, ...]:
    source, name = text(record.get("eventSource")), text(record.get("eventName"))
    if source == "aws:s3":
        source = "aws.s3"
    if _REFUSED.search(text(record.get("errorCode"))):
        return ()
    tables = tables_of(source, name, reads=record.get("readOnly") is True)
    return _hints(tables, record, event, _resource(record), name)


def _config(item: Mapping[str, Any], event: Mapping[str, Any]) -> tuple[Hint, ...]:
    kind = text(item.get("messageType"))
    found = mapping(item.get("configurationItem")) or mapping(item.get("configurationItemSummary"))
    if not found:
        resource = text(item.get("configRuleName")) or text(item.get("resourceId"))
        return _hints(tables_of("config.amazonaws.com", kind), item, event, resource, kind)
    _, service, noun = ([*text(found.get("resourceType")).split("::"), "", "", ""])[:3]
    word = CONFIG_SERVICES.get(service.lower(), service.lower())
    resource = text(found.get("ARN")) or text(found.get("resourceId"))
    tables = tables_of(f"{word}.amazonaws.com", f"Update{noun}")
    return _hints(tables, found, event, resource, text(found.get("resourceType")))


def _alarm(event: Mapping[str, Any]) -> tuple[Hint, ...]:
    arn = text(event.get("AlarmArn"))
    said = {**event, "awsRegion": ([*arn.split(":"), *[""] * 4])[3]}
    return _hints(tables_of("aws.cloudwatch", "CloudWatch Alarm"), said, {}, arn, "CloudWatch Alarm")


def _hints(
    tables: tuple[str, ...], inner: Mapping[str, Any], outer: Mapping[str, Any], resource: str, name: str
) -> tuple[Hint, ...]:
    """Return one hint for the tables of the event's region, and one for those that have none."""
    accounts = (
        inner.get("recipientAccountId"),
        inner.get("awsAccountId"),
        outer.get("account"),
        inner.get("AWSAccountId"),
        mapping(inner.get("userIdentity")).get("accountId"),
    )
    account = next((text(one) for one in accounts if _ACCOUNT.fullmatch(text(one))), "")
    regions = (text(inner.get("awsRegion")), text(outer.get("region")))
    region = next((one for one in regions if _REGION.fullmatch(one)), "")
    at = _time(inner) or _time(outer)
    split: dict[str, list[str]] = {}
    for table in tables:
        split.setdefault(GLOBAL if _tables()[table].place == GLOBAL else region, []).append(table)
    return tuple(Hint(tuple(found), account, place, resource, name, at) for place, found in split.items())


def _time(said: Mapping[str, Any]) -> datetime | None:
    names = ("eventTime", "time", "configurationItemCaptureTime", "notificationCreationTime")
    return next((at for at in (moment(said.get(name)) for name in names) if at), None)


def _resource(record: Mapping[str, Any]) -> str:
    """Return the resource that a CloudTrail record names, as well as it names it."""
    for item in items(record.get("resources")):
        arn = text(mapping(item).get("ARN")) or text(mapping(item).get("arn"))
        if arn:
            return arn
    bucket = text(mapping(mapping(record.get("s3")).get("bucket")).get("name"))
    if bucket:
        return bucket
    given = mapping(record.get("requestParameters"))
    return next((text(v) for k, v in given.items() if re.search(r"(Name|Id|Arn|ARN)$", k) and text(v)), "")
