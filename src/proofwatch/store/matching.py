"""Which resource of ours another source means: by ARN, by the ids that AWS gives, or as a whole account."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from proofwatch.checks.outcome import Evaluation
from proofwatch.checks.read import results
from proofwatch.connectors.base import GLOBAL
from proofwatch.snapshots.base import Objects
from proofwatch.snapshots.engine import connect, identifier, lock, quote
from proofwatch.snapshots.rebuild import materialise
from proofwatch.store.comparison import WHOLE, of_all
from proofwatch.store.judgement import Judged

Place = tuple[str, str]

IDS = {
    "AWS::IAM::User": ("aws_iam_user", "user_id"),
    "AWS::IAM::Group": ("aws_iam_group", "group_id"),
    "AWS::IAM::Role": ("aws_iam_role", "role_id"),
    "AWS::IAM::Policy": ("aws_iam_policy", "policy_id"),
    "AWS::IAM::ServerCertificate": ("aws_iam_server_certificate", "server_certificate_id"),
    "AWS::RDS::DBInstance": ("aws_rds_db_instance", "dbi_resource_id"),
    "AWS::RDS::DBCluster": ("aws_rds_db_cluster", "db_cluster_resource_id"),
    "AWS::RDS::DBSnapshot": ("aws_rds_db_snapshot", "db_snapshot_identifier"),
    "AWS::RDS::DBClusterSnapshot": ("aws_rds_db_cluster_snapshot", "db_cluster_snapshot_identifier"),
}
"""Types that AWS Config names by an id that no ARN has, or two of them: table and column of the id."""

_ACCOUNT = re.compile(r"(?:AWS::::Account:)?\d{12}")
_LISTENER = re.compile(r"(arn:[^|]+):listener/((?:app|net|gwy)/[^/]+/[^/]+)/[^/]+")
_QUEUE = re.compile(r"arn:[^:]+:sqs:[^:]+:(\d{12}):([^:]+)")
_GIVEN_ID = re.compile(r"[a-z]+-[0-9a-f]{8,17}")
_CUTS = re.compile(r"[/:]")


@dataclass(frozen=True, slots=True)
class Same:
    """What we found of the resource that another source means.

    Attributes:
        item: our name of it, or the place and `WHOLE` where the source judges an account at once.
        status: our verdict; "" where several were judged, and it cannot be told of all.
    """

    item: str
    status: str


@dataclass(slots=True)
class _Names:
    """How the resources of a table in a place may be called. What two could be called names neither."""

    one: dict[str, str] = field(default_factory=dict)
    parts: dict[str, set[str]] = field(default_factory=dict)

    def add(self, resource: str) -> None:
        for alias in _endings(resource):
            known = self.one.setdefault(alias, resource)
            if known != resource:
                self.one[alias] = ""
        whole = _whole_of(resource)
        if whole:
            self.parts.setdefault(whole, set()).add(resource)


@dataclass(slots=True)
class Ours:
    """What some of our checks found, by check, place and resource."""

    tables: dict[str, str] = field(default_factory=dict)
    found: dict[str, dict[Place, dict[str, str]]] = field(default_factory=dict)
    names: dict[str, dict[Place, _Names]] = field(default_factory=dict)
    left: dict[str, set[Place]] = field(default_factory=dict)

    def same(self, check: str, item: str, account: str, region: str, arn: str = "") -> Same | None:
        """Return what a check found of the resource that another source names; None if there is no such.

        Args:
            check: our check.
            item: the resource as the source names it.
            account: where it is.
            region: where it is; what we read once for an account is looked for there, too.
            arn: its ARN, where its id alone does not tell it.
        """
        for place in ((account, region), (account, GLOBAL)):
            found = self.found.get(check, {}).get(place)
            if found:
                same = self._at(check, place, found, [arn] if arn else list(_forms(item, account)))
                if same is not None:
                    return same
        return None

    def _at(self, check: str, place: Place, found: Mapping[str, str], forms: list[str]) -> Same | None:
        names = self.names[self.tables[check]][place]
        for form in forms:
            resource = form if form in found else names.one.get(form, "")
            if resource in found:
                return Same(resource, found[resource])
            if form in names.parts:
                return _several(form, {name: found[name] for name in names.parts[form] if name in found})
        if any(_ACCOUNT.fullmatch(form) for form in forms):
            return _several(f"{place[0]} {place[1]} {WHOLE}", found)
        return None

    def of_parts(self, check: str) -> bool:
        """Tell whether a check judges parts of what others judge: a thing without parts is none of ours."""
        return any(names.parts for names in self.names.get(self.tables.get(check, ""), {}).values())

    def unread(self, check: str, account: str, region: str) -> str:
        """Return the table that we could not read there for a check; "" if we could."""
        table = self.tables.get(check, "")
        left = self.left.get(table, set())
        return table if (account, region) in left or (account, GLOBAL) in left else ""


def gather(evaluation: Evaluation) -> Ours:
    """Return the verdicts of an evaluation so that they can be found by what others call a resource."""
    ours = Ours(
        tables={name: item.check.table for name, item in evaluation.checks.items()},
        left={
            name: {(place.account_id, place.region) for place in item.unread}
            for name, item in evaluation.tables.items()
        },
    )
    for result in results(evaluation):
        if result.resource:
            place = (result.account_id, result.region)
            ours.found.setdefault(result.check, {}).setdefault(place, {})[result.resource] = result.status
            names = ours.names.setdefault(ours.tables[result.check], {}).setdefault(place, _Names())
            names.add(result.resource)
    return ours


def translate(
    types: Iterable[str | None], read: Judged, objects: Objects, cache: Path
) -> dict[tuple[str, str], str]:
    """Return (type, account and id) → ARN, of types that are named by an id that their ARN does not have.

    Args:
        types: those that are named.
        read: what this sweep read.
        objects: where snapshots are.
        cache: folder of rebuilt tables.
    """
    arns: dict[tuple[str, str], str] = {}
    for name in sorted(item for item in set(types) if item in IDS):
        table, column = IDS[name]
        if table not in read.manifests:
            continue
        path = materialise(read.manifests[table], objects, cache).resolve()
        with connect(threads=1) as session:
            lock(session, [path])
            file = f"read_parquet({quote(str(path))})"
            sql = f"SELECT account_id, region, {identifier(column)}, resource FROM {file}"  # noqa: S608
            for account, region, given, resource in session.execute(sql).fetchall():
                if given:
                    arns[(name, f"{account}/{region}/{given}")] = resource
    return arns


def _several(item: str, found: Mapping[str, str]) -> Same | None:
    if not found:
        return None
    if len(found) == 1:
        return Same(*next(iter(found.items())))
    alike = set(found.values())
    return Same(item, alike.pop() if len(alike) == 1 else of_all(found.values()))


def _endings(resource: str) -> Iterator[str]:
    """Yield a name and what stands behind each of its separators."""
    yield resource
    for cut in _CUTS.finditer(resource):
        yield resource[cut.end() :]


def _whole_of(resource: str) -> str:
    """Return the thing that a row of ours is only a part of; "" if it is none."""
    owner, bar, _ = resource.partition("|")
    listener = _LISTENER.fullmatch(resource)
    return owner if bar else f"{listener[1]}:loadbalancer/{listener[2]}" if listener else ""


def _forms(item: str, account: str) -> Iterator[str]:
    """Yield the names under which we may have what a source calls so."""
    yield item
    yield item.removesuffix(":*")
    yield item.removeprefix(f"{account}/")
    queue = _QUEUE.fullmatch(item)
    if queue:
        yield f"{queue[1]}/{queue[2]}"
    last = _CUTS.split(item)[-1]
    if item.startswith("arn:") and _GIVEN_ID.fullmatch(last):
        yield last
