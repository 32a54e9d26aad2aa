"""A connection whose volumes are really stored, judged and reconciled, without a cloud."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from proofwatch.app import CATALOG
from proofwatch.checks.base import UnreadPlace
from proofwatch.checks.load import Catalog, load_catalog
from proofwatch.connectors.registry import connector_class
from proofwatch.controls.base import Control, ControlList
from proofwatch.reports.provenance import Origin
from proofwatch.snapshots.commit import commit
from proofwatch.snapshots.spool import write_part
from proofwatch.store import reconcile
from proofwatch.store.judgement import Judged, judge
from proofwatch.store.models import Sweep
from proofwatch.store.services import controls
from tests.store.samples import CHECK, HERE, NOW, Folder, begun, connection

VOLUMES = "aws_ec2_volume"
THERE = ("111111111111", "us-east-1")


@lru_cache
def catalog() -> Catalog:
    """Return the catalogue of one shipped check."""
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="one-check-"))
    place = folder / "aws" / "ec2" / f"{CHECK.rsplit('.', 1)[1]}.yaml"
    place.parent.mkdir(parents=True)
    shutil.copyfile(CATALOG / "checks" / "aws" / "ec2" / place.name, place)
    return load_catalog([folder], folder / "views", tables(), {"CC6.1", "CC6.7", "C1.1"})


@lru_cache
def tables() -> dict[str, Any]:
    return {VOLUMES: connector_class("aws").tables()[VOLUMES]}


def volume(name: str, encrypted: bool | None = True, **values: Any) -> dict[str, Any]:
    """Return a row of the table of volumes."""
    return {
        "account_id": HERE[0], "region": HERE[1], "resource": name, "volume_id": name, "encrypted": encrypted,
        "state": "in-use", "kms_key_id": "key-1", "size": 8, "availability_zone": "eu-west-1a", **values,
    }  # fmt: skip


def control(name: str, *checks: str, **values: Any) -> Control:
    facts = {"statement": "It is so.", "owner_role": "lead", "criteria": ("CC6.1", "CC6.7"), **values}
    return Control(name, f"Control {name}", checks=checks, data_sources=("aws",), frequency="hourly", **facts)


LISTED = (control("ENC-01", CHECK), control("ENC-02", CHECK), control("HAND-1"))


class World:
    """One connection; `sweep` stores and judges its volumes, a quarter of an hour after the sweep before."""

    def __init__(self, folder: Path, listed: Sequence[Control] = LISTED, name: str = "prod") -> None:
        folder.mkdir(exist_ok=True)
        self.objects, self.cache, self.folder = Folder(folder), folder / "cache", folder
        self.owner, self.minutes, self.state = connection(name), 0, None
        if listed and controls.current() is None:
            body = ControlList("soc2", "2026.1", "Our controls", tuple(listed), "0" * 64)
            controls.import_list(body, actor="owner", now=NOW)

    @property
    def now(self) -> Any:
        return NOW + timedelta(minutes=self.minutes)

    def origin(self, where: str = "a test") -> Origin:
        return Origin(where, "ada", self.now, role="lead", organization="Acme & Söhne <Ltd>")

    def sweep(
        self, rows: Iterable[dict[str, Any]], unread: Sequence[UnreadPlace] = (), minutes: int = 15
    ) -> Sweep:
        self.minutes += minutes
        run = begun(self.owner, self.minutes)
        work = self.folder / f"work-{self.minutes}"
        work.mkdir()
        table = tables()[VOLUMES]
        part = write_part(work, table, *HERE, rows)
        self.state = commit(
            table, str(self.owner.pk), [part], [(p.account_id, p.region) for p in unread], self.state,
            self.objects, work, f"{self.now:%Y-%m}", cache=self.cache,
        )  # fmt: skip
        read = Judged({VOLUMES: self.state.manifest}, {VOLUMES: (HERE,)}, {VOLUMES: tuple(unread)}, part.rows)
        found = judge(catalog(), "aws", read, self.objects, self.cache, self.now, work / "evaluation")
        reconcile.apply(run, found, self.objects, now=self.now)
        shutil.rmtree(work)
        return Sweep.objects.get(pk=run.pk)
