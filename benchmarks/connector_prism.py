"""The large sources behind Prism, which holds the provider's description against each request and answer.

What of `benchmarks.connectors` has a description: Okta and Graph (in the folder of PROOFWATCH_SHARED), Google
Workspace and Google Cloud (in google-api-python-client). GitHub's large tables come by GraphQL, which Prism
does not know. Prism refuses what is not described with a status of its own, and so the reading fails.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests import servers
from tests.connectors.google.discovery import openapi
from tests.connectors.okta import described

from proofwatch.demo.fakes.okta import TOKEN

Made = dict[str, Any]


@dataclass(frozen=True)
class Judge:
    """Where a description is, and which settings lead to Prism instead of the source.

    Attributes:
        description: writes it into a folder, or knows where it lies.
        settings: names of the addresses.
        prefix: path of the source that the description is below.
    """

    description: Callable[[Path], Path]
    settings: Sequence[str]
    prefix: str = ""


def _google(*names: str, only: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / "google.json"
        path.write_text(json.dumps(openapi(*names, only=only)), "utf-8")
        return path

    return write


def _graph(folder: Path) -> Path:
    return servers.shared() / "reference" / "specs" / "msgraph-v1.0.reduced.openapi3.json"


JUDGES: Mapping[str, Judge] = {
    "okta": Judge(described.description, ("org_url",)),
    "google_workspace": Judge(_google("admin.directory_v1", only="/users$"), ("base_url",)),
    "entra": Judge(_graph, ("graph_url",), "/v1.0"),
    "gcp": Judge(_google("cloudasset.v1", only=r"v1Id1\}/assets$"), ("asset_url",)),
}


def before(kind: str, told: Made, pipe: Connection, stack: ExitStack) -> Made:
    """Start Prism before a source, until the stack ends; return what the reader is told instead.

    Args:
        kind: of the connector.
        told: what the source says of itself.
        pipe: to the source, which must link to Prism and not to itself.
        stack: ends Prism.
    """
    judge = JUDGES[kind]
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    port = servers.free_port()
    upstream = f"http://{told['host']}{judge.prefix}"
    command = servers.prism_before(upstream, judge.description(folder), port)
    url = stack.enter_context(servers.running(command, port, folder, patience=120))
    pipe.send(url)
    settings = {**told["settings"], **dict.fromkeys(judge.settings, url)}
    if kind == "okta":
        # Okta's description has no sign-in of an application: its other way in is a token.
        settings = {
            name: value for name, value in settings.items() if name not in ("client_id", "private_key")
        }
        settings["api_token"] = "env:DEMO_OKTA_TOKEN"
    return {**told, "settings": settings, "environment": {**told["environment"], "DEMO_OKTA_TOKEN": TOKEN}}


def link_to(fake: Any, url: str) -> None:
    """Let a source name Prism's address in its links, and leave out nulls that Okta does not describe."""
    fake.public = fake.links = url
    if hasattr(fake, "admins"):
        plain = fake.answer

        def answer(asked: Any) -> Any:
            said = plain(asked)
            return type(said)(described._without_nulls(said.body), said.status, said.headers)

        fake.answer = answer
