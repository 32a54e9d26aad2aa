"""Every other system of the simulated company, with the same people in each. All of it is DEMO DATA."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from proofwatch.demo.staff import STAFF

FAKES = {
    "github": "proofwatch.demo.fakes.github:FakeGithub",
    "okta": "proofwatch.demo.fakes.okta:FakeOkta",
    "google_workspace": "proofwatch.demo.fakes.google_workspace:FakeGoogleWorkspace",
    "gcp": "proofwatch.demo.fakes.gcp:FakeGcp",
    "entra": "proofwatch.demo.fakes.entra:FakeEntra",
    "azure": "proofwatch.demo.fakes.azure:FakeAzure",
    "kubernetes": "proofwatch.demo.fakes.kubernetes:FakeKubernetes",
    "vanta": "proofwatch.demo.fakes.vanta:FakeVanta",
    "drata": "proofwatch.demo.fakes.drata:FakeDrata",
}
"""Kind of connector → the server that answers for the company."""
MONITORS = ("vanta", "drata")
LAST = ("vanta", "drata", "people")
"""What is held against the other connections, and so is swept after them."""


@dataclass(frozen=True, slots=True)
class System:
    """One running system: its kind, the settings that connect to it, and the fake for whoever breaks it."""

    kind: str
    settings: Mapping[str, Any]
    fake: Any = None


@contextmanager
def running(
    folder: Path, kinds: tuple[str, ...] = (*FAKES, "people"), account_id: str = "", kept: bool = False
) -> Iterator[list[System]]:
    """Run the systems until the block ends; what their settings name stands in the environment meanwhile.

    Args:
        folder: for the people list.
        account_id: of the AWS account that Vanta and Drata monitor, too; "" leaves theirs.
        kept: whether only the faults that `seeds.kept` lists are left.
        kinds: which ones.
    """
    found = []
    before = dict(os.environ)
    with ExitStack() as stack:
        for kind in kinds:
            if kind == "people":
                found.append(System(kind, {"file": str(write_people(folder / "people.csv", kept))}))
                continue
            more: dict[str, Any] = {"kept": kept}
            if account_id and kind in MONITORS:
                more["account_id"] = account_id
            fake = stack.enter_context(_fake(kind)(**more))
            os.environ.update(fake.environment())
            found.append(System(kind, fake.settings(), fake))
        try:
            yield sorted(found, key=lambda item: (item.kind in LAST, item.kind))
        finally:
            for name in set(os.environ) - set(before):
                if name.startswith("DEMO_"):
                    del os.environ[name]


def variables() -> dict[str, str]:
    """Return what the settings of the running systems name; it is worthless elsewhere."""
    return {name: value for name, value in os.environ.items() if name.startswith("DEMO_")}


def write_people(path: Path, kept: bool = False) -> Path:
    """Write the people list as the personnel department would export it; a kept one has all logins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("email", "name", "title", "manager", "started_on", "ended_on", "logins"))
        for person in STAFF:
            manager = next((item.email for item in STAFF if item.login == person.manager), "")
            ended = person.ended.isoformat() if person.ended else ""
            logins = f"{person.login} aws:{person.login}-staging" if kept else person.login
            writer.writerow((person.email, person.name, person.title, manager, person.started, ended, logins))
    return path


def _fake(kind: str) -> Callable[[], Any]:
    module, _, name = FAKES[kind].partition(":")
    found: Callable[[], Any] = getattr(import_module(module), name)
    return found
