"""The tags of what fails, kept for rules and acceptances that are about a tag, and for no other tag."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.db.models import QuerySet

from proofwatch.connectors.registry import connector_class
from proofwatch.snapshots.base import Objects
from proofwatch.snapshots.rebuild import materialise
from proofwatch.snapshots.tags import has_tags, tags_of
from proofwatch.store.django import write
from proofwatch.store.models import AlertRule, Connection, Finding, FindingTag, RiskAcceptance
from proofwatch.store.models.findings import FindingState
from proofwatch.store.outcome import Key, Tagged
from proofwatch.store.services import sweeps

BATCH = 2000
PAGE = 50_000
"""Open findings that are in memory together; for each page the tags of the tables are read once."""


def wanted(more: Iterable[str] = ()) -> list[str]:
    """Return every tag that a rule or a living acceptance names."""
    found = set(more)
    for body in AlertRule.objects.values_list("body", flat=True):
        found.update(body.get("tags", ()))
    living = RiskAcceptance.objects.filter(state__in=("requested", "approved"))
    for scope in living.values_list("scope", flat=True):
        found.update([scope["tag"]] if "tag" in scope else ())
    return sorted(found)


def refresh(owner: Connection, look: Tagged, more: Iterable[str] = ()) -> int:
    """Bring the tags of a connection's open findings up to date; return how many changed.

    Args:
        owner: the connection.
        look: tells which tags resources have now. Of what it does not tell, the known tags stay.
        more: tags that somebody is about to name.
    """
    names = wanted(more)
    with write("keeping the tags of what fails"):
        tags = FindingTag.objects.filter(finding__connection=owner)
        changed = tags.exclude(tag__in=names).delete()[0]
        if not names:
            return changed
        for page in _pages(owner):
            found = look([Key(*key) for _, *key in page], names)
            span = tags.filter(finding_id__gte=page[0][0], finding_id__lte=page[-1][0])
            changed += _keep(span, {pk: found.get(Key(*key)) for pk, *key in page})
    return changed


def _pages(owner: Connection) -> Iterator[list[tuple[Any, ...]]]:
    """Yield id and key of the open findings, page by page."""
    rows = Finding.objects.filter(connection=owner, state=FindingState.OPEN).order_by("pk")
    last: uuid.UUID | None = None
    while True:
        page = rows.filter(pk__gt=last) if last else rows
        found = list(page.values_list("pk", "account_id", "region", "resource")[:PAGE])
        if not found:
            return
        yield found
        last = found[-1][0]


def _keep(rows: QuerySet[FindingTag], now: Mapping[uuid.UUID, frozenset[str] | None]) -> int:
    """Make the kept tags of findings what they are now (None: not known); return how many changed."""
    had = defaultdict[uuid.UUID, set[str]](set)
    for finding, tag in rows.values_list("finding_id", "tag"):
        had[finding].add(tag)
    fresh, gone = [], 0
    for pk, held in now.items():
        if held is not None:
            fresh += [FindingTag(finding_id=pk, tag=tag) for tag in sorted(held - had[pk])]
            for tag in had[pk] - held:
                gone += FindingTag.objects.filter(finding_id=pk, tag=tag).delete()[0]
    FindingTag.objects.bulk_create(fresh, batch_size=BATCH)
    return len(fresh) + gone


def lookup(kind: str, paths: Mapping[str, Path]) -> Tagged:
    """Return what tells the tags of resources in these tables of a connector."""
    known = connector_class(kind).tables()
    files = [path for name, path in sorted(paths.items()) if name in known and has_tags(known[name])]

    def look(keys: Iterable[Key], tags: Iterable[str]) -> Mapping[Key, frozenset[str]]:
        return {Key(*key): held for key, held in tags_of(files, list(keys), list(tags)).items()}

    return look


def refresh_all(objects: Objects, cache: Path, more: Iterable[str] = ()) -> int:
    """Bring the tags of every connection's open findings up to date from the newest tables."""
    changed = 0
    for owner in Connection.objects.filter(removed_at__isnull=True):
        known = connector_class(owner.kind).tables()
        states = sweeps.table_states(owner)
        paths = {
            name: materialise(state.manifest, objects, cache)
            for name, state in states.items()
            if name in known and has_tags(known[name])
        }
        changed += refresh(owner, lookup(owner.kind, paths), more)
    return changed
