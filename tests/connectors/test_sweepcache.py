"""What a connector keeps, it keeps for one sweep: how it was let in, and what it listed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from proofwatch.connectors.registry import connector_class
from proofwatch.connectors.sweepcache import SweepCache

GUID = "00000000-0000-0000-0000-00000000000a"
MICROSOFT = {"tenant_id": GUID, "client_id": GUID, "client_secret": "env:KEY"}
LET_IN = {
    "azure": MICROSOFT,
    "entra": MICROSOFT,
    "gcp": {"key": "file:/key.json"},
    "github": {"token": "env:KEY"},
    "google_workspace": {"key": "file:/key.json", "admin_email": "ada@acme.example"},
    "kubernetes": {"kubeconfig": "file:/kubeconfig"},
    "okta": {"org_url": "https://acme.okta.com", "api_token": "env:KEY"},
}


@pytest.mark.parametrize("kind", sorted(LET_IN))
def test_a_sweep_is_let_in_anew(kind: str) -> None:
    cls = connector_class(kind)
    connector = cls(cls.parse_settings(LET_IN[kind]))
    found = []
    for sweep in ("one", "one", "two"):
        connector.begin(sweep)
        found.append(connector.access)  # type: ignore[attr-defined]
    assert found[0] is found[1] and found[1] is not found[2]


def test_the_clients_of_aws_are_those_of_one_sweep() -> None:
    cls = connector_class("aws")
    connector = cls(cls.parse_settings({}))
    connector.begin("one")
    first = connector.clients  # type: ignore[attr-defined]
    assert connector.clients is first  # type: ignore[attr-defined]
    connector.begin("two")
    assert connector.clients is not first  # type: ignore[attr-defined]


def test_what_is_made_once_is_made_by_one_thread() -> None:
    held, made = SweepCache(), []
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: held.once("it", lambda: made.append(1) or len(made)), range(50)))
    assert (set(found), made) == ({1}, [1])


def test_what_could_not_be_made_is_tried_again() -> None:
    held = SweepCache()
    with pytest.raises(ZeroDivisionError):
        held.once("it", lambda: 1 // 0)
    assert held.once("it", lambda: 2) == 2
