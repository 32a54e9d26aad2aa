"""A binder of a small world, made in the test's own process, with the time in the test's hand."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import rfc8785

from proofwatch.binder.base import Tools
from proofwatch.binder.write import Made, write_binder
from proofwatch.controls.base import Control, ControlList
from proofwatch.controls.load import as_body
from proofwatch.evidence.note import Signer
from proofwatch.evidence.objects import LocalObjects
from proofwatch.listings import catalogue
from proofwatch.reports.provenance import Origin
from proofwatch.store import log
from proofwatch.store.models import Audit
from proofwatch.store.services import audits, controls
from tests.reports.world import LISTED, World, catalog
from tests.store.samples import NOW

KEY = Signer("test.example/log", b"k" * 32)


def imported(version: str, *listed: Control, now: datetime) -> int:
    """Import a control list under the digest that it has; return its number."""
    body = ControlList("soc2", version, "Our controls", listed, "0" * 64)
    digest = hashlib.sha256(rfc8785.dumps(as_body(body))).hexdigest()
    return int(controls.import_list(replace(body, sha256=digest), actor="owner", now=now).number)


class BinderWorld(World):
    """A world whose objects are proven when they are read, and from which binders are made."""

    def __init__(self, folder: Path, name: str = "prod") -> None:
        super().__init__(folder, (), name)
        imported("2026.1", *LISTED, now=self.now)
        self.objects = LocalObjects(folder / "objects")

    @property
    def tools(self) -> Tools:
        catalogue.tell_from(lambda: catalog().checks)
        return Tools(self.objects, self.cache, KEY, catalog().checks, {}, "Acme")

    def audit(self, first: date, last: date) -> Audit:
        return audits.save("soc2", first, last, actor="olga", now=self.now, reason="engaged")

    def day(self) -> Audit:
        """Return the day on which the world began, as an audit."""
        return self.audit(NOW.date(), NOW.date())

    def binder(self, audit: Audit, path: Path, now: datetime, **values: Any) -> Made:
        log.sign_checkpoint(KEY, now)
        return write_binder(audit, path, self.tools, Origin("a test", "ada", now), **values)
