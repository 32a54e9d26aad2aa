"""What verbs and pages share: settings, state, catalogue, objects and key, each opened on first use."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from proofwatch.config import ConfigError, Settings, load_settings

if TYPE_CHECKING:
    from proofwatch.alerts.outbox import Sender
    from proofwatch.checks.load import Catalog
    from proofwatch.checks.watched import Watched
    from proofwatch.connectors.base import Table
    from proofwatch.evidence.objects import OwnStore
    from proofwatch.outbound.http import Client
    from proofwatch.remediation.tickets import Courier

CATALOG = Path(str(files("proofwatch"))) / "catalog"


class App:
    """One process: a verb, a worker, a server. Nothing is opened before it is needed."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or load_settings()
        self._ready = False

    @property
    def actor(self) -> str:
        """Return the name that is written beside every change."""
        return os.environ.get("PROOFWATCH_ACTOR") or f"cli:{_user()}"

    def open(self, setup: Callable[[], None] | None = None) -> App:
        """Open the state. Raises StoreError, saying `proofwatch init` where that helps.

        Args:
            setup: sets Django up with more than the store; the pages need that.
        """
        if not self._ready:
            if self.settings.database_url.startswith("sqlite:") and not self.settings.home.is_dir():
                raise ConfigError(
                    "opening the state",
                    f"there is none in {self.settings.home}",
                    "Run `proofwatch init` first, or set PROOFWATCH_HOME to where it is.",
                )
            from proofwatch.store import django

            if setup is None:
                django.setup(self.settings.database_url)
            else:
                setup()
            django.check()
            self._ready = True
        return self

    @cached_property
    def tables(self) -> Mapping[str, Table]:
        """Return every table of every connector."""
        from proofwatch.connectors.registry import CONNECTORS, connector_class

        return {name: table for kind in CONNECTORS for name, table in connector_class(kind).tables().items()}

    @cached_property
    def criteria(self) -> dict[str, str]:
        """Return criterion id → title."""
        import csv

        with (CATALOG / "criteria.csv").open(encoding="utf-8", newline="") as file:
            return {row["id"]: row["title"] for row in csv.DictReader(file)}

    @property
    def catalog(self) -> Catalog:
        """Return the validated checks and views: shipped ones and the user's own, as their files stand."""
        return self._watched.now()

    @property
    def catalog_problem(self) -> str:
        """Return why the newest change of the user's checks could not be loaded; "" if nothing is wrong."""
        self._watched.now()
        return self._watched.problem

    @cached_property
    def _watched(self) -> Watched:
        from proofwatch.checks.watched import Watched

        return Watched(self._load_catalog, self.settings.checks)

    def _load_catalog(self) -> Catalog:
        from proofwatch.checks.cached import open_catalog

        folders = [CATALOG / "checks"]
        if self.settings.checks.is_dir():
            folders.append(self.settings.checks)
        cache = self.settings.cache if self.settings.home.is_dir() else None
        views, shared = CATALOG / "views", user_cache()
        return open_catalog(folders, views, self.tables, set(self.criteria), cache, shared)

    @cached_property
    def objects(self) -> OwnStore:
        """Return the write-once store of evidence objects."""
        from proofwatch.evidence.objects import open_objects
        from proofwatch.reports.bucket import open_bucket

        where, endpoint = self.settings.objects, self.settings.objects_endpoint
        bucket = open_bucket(where, endpoint)
        return open_objects(
            where,
            cache=self.settings.cache / "objects",
            options={"endpoint": endpoint} if endpoint else {},
            history=bucket.history if bucket else None,
        )

    @cached_property
    def client(self) -> Client:
        """Return what reaches channels and trackers."""
        from proofwatch.outbound.guard import Allowed
        from proofwatch.outbound.http import Client

        return Client(Allowed.of(self.settings.allow_hosts))

    def refresh_tags(self, more: Sequence[str] = ()) -> None:
        """Bring up to date which failing resources have the tags that rules and acceptances name."""
        from proofwatch.pipeline import TABLES
        from proofwatch.store import tags

        tags.refresh_all(self.objects, self.settings.cache / TABLES, more)

    def texts(self, check: str) -> tuple[str, str] | None:
        """Return why a check matters and how to mend what it finds; None for an unknown one."""
        found = self.catalog.checks.get(check)
        return (found.why, found.fix) if found else None

    def sender(self, owner: str) -> Sender:
        """Return what messages are sent with."""
        from proofwatch.alerts.outbox import Sender

        return Sender(self.client, owner, self.texts, self.settings.url, self.settings.mark)

    def courier(self, owner: str) -> Courier:
        """Return what trackers are told with."""
        from proofwatch.remediation.tickets import Courier

        return Courier(self.client, owner, self.settings.url, self.settings.mark, self.texts)

    def sign(self) -> None:
        """Sign the head of the log, if it has grown since the last checkpoint."""
        from proofwatch.evidence.keys import load_key
        from proofwatch.store import log

        log.sign_checkpoint(load_key(self.settings.key_file))


def user_cache() -> Path | None:
    """Return the folder of what all homes of this user may share; None where there is no home at all."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "proofwatch"
    except RuntimeError:
        return None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"
