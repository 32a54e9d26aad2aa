"""The form in which an AWS table is declared.

Types and column names come from botocore's service models: `VolumeId` becomes `volume_id`, a
structure becomes a STRUCT with the same naming, a list `T[]`, a map `MAP(VARCHAR, T)`, a list of
`{Key, Value}` called Tags (also TagList, TagSet) becomes `tags MAP(VARCHAR, VARCHAR)`; a recursive
shape becomes JSON with AWS's own names inside. Members that AWS marks as sensitive, and binary ones, are
left out unless `columns` names them. A member named like the key (AccountId, Region, Resource)
becomes `item_account_id`, `item_region`, `item_resource`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A second call made for every listed row (or for batches of rows).

    Attributes:
        op: operation name in botocore's spelling, e.g. `GetBucketPolicy`.
        params: request parameter → template over the raw row so far, e.g. `{"Bucket": "{Name}"}`.
            A template that is exactly one placeholder passes the value itself, not its text.
        take: dotted path into the response of the wanted value; empty takes the whole response.
        into: column that receives the value; empty merges the members of the value as columns.
        form: `shape` types the value from botocore; `map` turns `[{Key, Value}]` into a MAP;
            `json` parses text holding JSON (a policy) and stores it as JSON; `present` stores
            true when the call answered and false when it answered with an `absent` code.
        absent: error codes that mean "there is none", which is a reading and not a failure:
            the columns become NULL without an `_unread` mark (or false with form `present`).
        batch: > 0 to call once per so many rows: `params` then hold one list parameter, and
            `match` names the member of the answered items that equals the row's value, e.g.
            `("clusterArn", "clusterArn")` = (answer's member, row's member).
        service: botocore service, where it is not the table's own.
        permission: IAM action, where it is not `service:op`.
        when: name of a raw member that must be truthy, or `Member=value`, for the call to be made at all.
        region: template of the region to call, where it is not the row's own; where a member it
            names is absent, the row's own region is called.
    """

    op: str
    params: Mapping[str, Any]
    take: str = ""
    into: str = ""
    form: Literal["shape", "map", "json", "present"] = "shape"
    absent: tuple[str, ...] = ()
    batch: int = 0
    match: tuple[str, str] = ("", "")
    service: str = ""
    permission: str = ""
    when: str = ""
    region: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsTable:
    """One table.

    Attributes:
        name: `aws_<service>_<thing>`, singular.
        service: botocore service name, e.g. `ec2`.
        op: listing operation, e.g. `DescribeVolumes`; paginated by botocore's paginator when there is one.
        rows: path to the items, e.g. `Volumes[]`, `Reservations[].Instances[]`, `SummaryMap` (one row).
            Items that are plain text become a row with the one member named by `item`.
        item: member name for items that are plain text, e.g. `QueueUrl`.
        resource: template of the resource identifier over raw members plus `{partition}`,
            `{account}`, `{region}`.
        params: fixed request parameters.
        place: `global` services are read once per account, others once per region.
        parent: name of a table whose raw rows drive this one: `params` may then use templates over
            the parent's raw members, and those named in `keep` are copied into the row.
        absent: error codes of the listing call that mean "there is none": with `single`, one row
            whose own columns are NULL and whose `exists` is false; otherwise no row.
        single: the listing call returns one thing, not a list; the table gains `exists BOOLEAN`.
        calls: second calls.
        columns: extra or overriding columns, name → DuckDB type; the raw member is found by the
            snake-cased name.
        json: members stored as JSON; text holding JSON (policies) is parsed, URL-decoded if needed.
        drop: members left out.
        reader: name of a Python function in the same module that yields raw rows instead of the
            engine, `def reader(caller: Caller) -> Iterator[Raw]` (see `caller.py`); columns come from `op`
            and `rows` where `rows` is set, and from `columns`. Second calls are made as usual.
        also: further IAM actions that the reader needs.
        permission: IAM action of the listing call, where it is not `service:op`.
        about: one sentence.
    """

    name: str
    service: str
    op: str
    rows: str
    resource: str
    about: str
    item: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    place: Literal["region", "global"] = "region"
    parent: str = ""
    keep: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    single: bool = False
    calls: tuple[Call, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    json: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    reader: str = ""
    also: tuple[str, ...] = ()
    permission: str = ""
