"""What judges the connector and our fake: GitHub's own descriptions, and traffic that others recorded."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofwatch.connectors.github.tables import TABLES
from proofwatch.demo.fakes.github import FakeGithub
from tests.servers import GITHUB, _of_package, _once, reduced

SCHEMA = "@octokit/graphql-schema@15.26.1"
RECORDED = "PyGithub==2.10.0"
HOLES = {"{account}": "{org}", "{slug}": "{team_slug}", "{+nameWithOwner}": "{owner}/{repo}"}
MORE = (
    "/user",
    "/user/orgs",
    "/app",
    "/app/installations",
    "/app/installations/{installation_id}/access_tokens",
)


def described(path: str) -> str:
    """Return a path as GitHub's description writes it."""
    for ours, theirs in HOLES.items():
        path = path.replace(ours, theirs)
    return path


def rest_paths() -> list[str]:
    """Return every path that the tables ask for by REST, but the audit log's, which is Enterprise's."""
    found = [table.path for table in TABLES] + [call.path for table in TABLES for call in table.calls]
    return sorted({described(path) for path in found} - {"/graphql", "/orgs/{org}/audit-log"})


def description() -> Path:
    """Return GitHub's own description of what we ask, cut from the whole."""

    def keep(data: bytes, fresh: Path) -> None:
        made = reduced(json.loads(data), [*rest_paths(), *MORE])
        # Its examples refer to others one level too high: Prism would answer {"value": …}.
        text = re.sub(r'("#/components/examples/[\w-]+)"', r'\1/value"', json.dumps(made))
        (fresh / "reading.json").write_text(text, "utf-8")

    found = _of_package(GITHUB, lambda name: name.endswith("/api.github.com.json"), keep, "reading")
    return found / "reading.json"


def graphql_schema() -> Any:
    """Return GitHub's own GraphQL schema."""
    from graphql import build_schema

    def keep(data: bytes, fresh: Path) -> None:
        (fresh / "schema.graphql").write_bytes(data)

    path = _of_package(SCHEMA, lambda name: name.endswith("/schema.graphql"), keep) / "schema.graphql"
    return build_schema(path.read_text("utf-8"), assume_valid=True)


class JudgedGithub(FakeGithub):
    """The simulated company whose GraphQL is carried out by GitHub's schema: an illegal query is refused."""

    def __init__(self, schema: Any, **more: Any) -> None:
        super().__init__(**more)
        self.schema = schema
        self.graph.answer = self._carried_out  # type: ignore[method-assign]
        self.refused: list[str] = []

    def _carried_out(self, body: Mapping[str, Any]) -> dict[str, Any]:
        from graphql import graphql_sync

        done = graphql_sync(
            self.schema, str(body["query"]), {"graph": self.graph}, variable_values=body.get("variables"),
            field_resolver=_resolve, type_resolver=lambda value, *_: value.get("__typename", "User"),
        )  # fmt: skip
        self.refused += [error.message for error in done.errors or []]
        return {
            "data": done.data,
            **({"errors": [error.formatted for error in done.errors]} if done.errors else {}),
        }


def _resolve(source: Any, info: Any, **given: Any) -> Any:
    """Return a member; the connections that are paged are made from the whole, as the query asks."""
    graph = source.get("graph") if isinstance(source, dict) else None
    name = info.field_name
    if name == "organization":
        return {"graph": graph}
    if name == "search":
        found = graph.search(given["query"], given["first"], given.get("after"))
        return {**found, "nodes": [{**node, "__typename": "PullRequest"} for node in found["nodes"]]}
    if name == "membersWithRole":
        return graph.page(graph.edges(), given["first"], given.get("after"), "edges")
    if name == "repositories":
        items = [graph.repository(item) for item in graph.names]
        return graph.page(items, given["first"], given.get("after"))
    return source.get(name)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded exchange."""

    file: str
    path: str
    status: int
    headers: Mapping[str, str]
    body: bytes


def recorded() -> Iterator[Recorded]:
    """Yield every answered GET of the recordings that come with PyGithub: real traffic of api.github.com."""

    def fill(fresh: Path) -> None:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        subprocess.run(
            [*command, RECORDED, "--dest", str(fresh)], check=True, capture_output=True, timeout=240
        )

    archive = next(_once("pygithub-2.10.0", fill).glob("*.tar.gz"))
    with tarfile.open(archive) as opened:
        for member in opened:
            if "/tests/ReplayData/" in member.name and member.name.endswith(".txt"):
                file = opened.extractfile(member)
                assert file is not None
                yield from _exchanges(member.name.rpartition("/")[2], file.read().decode("utf-8"))


def _exchanges(name: str, text: str) -> Iterator[Recorded]:
    """An exchange is ten lines and an empty one: scheme, verb, host, port, path, headers, body, status, …"""
    lines = text.split("\n")
    for at in range(0, len(lines) - 9, 11):
        if lines[at] not in ("http", "https"):
            return
        verb, path, status, headers, body = (lines[at + place] for place in (1, 4, 7, 8, 9))
        if verb == "GET" and status.isdigit():
            named = {key.lower(): value for key, value in ast.literal_eval(headers)}
            yield Recorded(name, path, int(status), named, body.encode())
