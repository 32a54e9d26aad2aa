"""The tags of what fails, kept for rules and acceptances that are about a tag, and for no other tag."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

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
        rows = Finding.objects.filter(connection=owner, state=FindingState.OPEN)
        open_now = list(rows.values_list("pk", "account_id", "region", "resource"))
        found = look([Key(*key) for _, *key in open_now], names)
        had: dict[object, set[str]] = {}
        for finding, tag in tags.values_list("finding_id", "tag"):
            had.setdefault(finding, set()).add(tag)
        fresh, gone = [], []
        for pk, *key in open_now:
            held = found.get(Key(*key))
            if held is not None:
                fresh += [FindingTag(finding_id=pk, tag=tag) for tag in held - had.get(pk, set())]
                gone += [(pk, tag) for tag in had.get(pk, set()) - held]
        FindingTag.objects.bulk_create(fresh, batch_size=BATCH)
        for pk, tag in gone:
            FindingTag.objects.filter(finding_id=pk, tag=tag).delete()
    return changed + len(fresh) + len(gone)


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
