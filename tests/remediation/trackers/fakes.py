"""The four trackers' own interfaces, as far as we use them, on loopback, with faults on demand.

Written from the trackers' public documentation and not from our code: each checks that what comes in is
what the tracker would take, and keeps it.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from proofwatch.outbound.guard import Allowed
from proofwatch.outbound.http import Client

SECRET = "hush-hush"


@dataclass
class Fake:
    """One tracker: its tickets, what was refused as malformed, and the faults that come next."""

    port: int
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    comments: list[tuple[str, Any]] = field(default_factory=list)
    faults: list[Any] = field(default_factory=list)
    calls: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def client(self) -> Client:
        return Client(Allowed.of([f"127.0.0.1:{self.port}"]), timeout=1.0)


Said = tuple[int, Any]
Query = dict[str, list[str]]


def github(fake: Fake, method: str, path: str, query: Query, body: Any, headers: Any) -> Said:
    if headers.get("Authorization") != f"Bearer {SECRET}":
        return 401, {"message": "Bad credentials"}
    parts = path.strip("/").split("/")
    if parts[:4] != ["repos", "acme", "app", "issues"]:
        return 404, {"message": "Not Found"}
    rest = parts[4:]
    if not rest and method == "POST":
        number = str(len(fake.rows) + 1)
        row = {"number": int(number), "state": "open", "html_url": f"{fake.url}/i/{number}", **body}
        row["labels"] = [{"name": name} for name in body["labels"]]
        fake.rows[number] = row
        return 201, row
    if not rest:
        wanted = query["labels"][0]
        found = [row for row in fake.rows.values() if wanted in [item["name"] for item in row["labels"]]]
        return 200, found if query.get("page", ["1"]) == ["1"] else []
    if rest[0] not in fake.rows:
        return 404, {"message": "Not Found"}
    row = fake.rows[rest[0]]
    if rest[1:] == ["comments"]:
        fake.comments.append((rest[0], body["body"]))
        return 201, {"id": len(fake.comments)}
    if method == "PATCH":
        row.update(body)
    return 200, row


def close_github(fake: Fake, name: str) -> None:
    fake.rows[name].update(state="closed", state_reason="completed", closed_by={"login": "ben"})


def jira(fake: Fake, method: str, path: str, query: Query, body: Any, headers: Any) -> Said:
    pair = base64.b64encode(f"a@example.com:{SECRET}".encode()).decode()
    if headers.get("Authorization") != f"Basic {pair}":
        return 401, {"errorMessages": ["no"]}
    parts = path.removeprefix("/rest/api/3/").split("/")
    if parts == ["search", "jql"]:
        return _jql(fake, query["jql"][0])
    if parts == ["issue"]:
        fields = body["fields"]
        document = fields["description"]
        if document["type"] != "doc" or any(" " in label for label in fields["labels"]):
            return 400, {"errors": {"description": "bad"}}
        key = f"{fields['project']['key']}-{len(fake.rows) + 1}"
        status = {"name": "To Do", "statusCategory": {"key": "new"}}
        fake.rows[key] = {"key": key, "fields": {**fields, "status": status}}
        return 201, {"id": "1", "key": key, "self": f"{fake.url}/x"}
    if parts[1] not in fake.rows:
        return 404, {"errorMessages": ["gone"]}
    if parts[2:] == ["comment"]:
        fake.comments.append((parts[1], body["body"]["content"][0]["content"][0]["text"]))
        return 201, {"id": str(len(fake.comments))}
    fake.rows[parts[1]]["fields"].update(body["fields"])
    return 204, None


def _jql(fake: Fake, jql: str) -> Said:
    if label := re.search(r'labels = "([^"]+)"', jql):
        rows = [row for row in fake.rows.values() if label[1] in row["fields"]["labels"]]
        return 200, {"issues": rows}
    names = re.findall(r"[A-Z]+-\d+", jql)
    if any(name not in fake.rows for name in names):
        return 400, {"errorMessages": ["An issue with that key does not exist"]}
    return 200, {"issues": [fake.rows[name] for name in names]}


def close_jira(fake: Fake, name: str) -> None:
    fake.rows[name]["fields"]["status"] = {"name": "Done", "statusCategory": {"key": "done"}}


def linear(fake: Fake, method: str, path: str, query: Query, body: Any, headers: Any) -> Said:
    if headers.get("Authorization") != SECRET:
        return 401, {"errors": [{"message": "no", "extensions": {"code": "AUTHENTICATION_ERROR"}}]}
    text, given = body["query"], body["variables"]
    if text.count("{") != text.count("}"):
        return 400, {"errors": [{"message": "syntax"}]}
    if "issueCreate" in text:
        name = f"id-{len(fake.rows) + 1}"
        state = {"name": "Todo", "type": "unstarted"}
        fake.rows[name] = {"id": name, "url": f"{fake.url}/{name}", "state": state, **given["input"]}
        return 200, {"data": {"issueCreate": {"success": True, "issue": fake.rows[name]}}}
    if "issueUpdate" in text:
        if given["id"] not in fake.rows:
            return 200, {"errors": [{"message": "Entity not found", "extensions": {"code": "INVALID_INPUT"}}]}
        fake.rows[given["id"]].update(given["input"])
        return 200, {"data": {"issueUpdate": {"success": True, "issue": fake.rows[given["id"]]}}}
    if "commentCreate" in text:
        fake.comments.append((given["input"]["issueId"], given["input"]["body"]))
        return 200, {"data": {"commentCreate": {"success": True, "comment": {"id": "c1"}}}}
    wanted = given["filter"]
    rows = list(fake.rows.values())
    if "title" in wanted:
        rows = [row for row in rows if row["title"].startswith(wanted["title"]["startsWith"])]
    else:
        rows = [row for row in rows if row["id"] in wanted["id"]["in"]]
    return 200, {"data": {"issues": {"nodes": rows}}}


def close_linear(fake: Fake, name: str) -> None:
    fake.rows[name]["state"] = {"name": "Done", "type": "completed"}


def servicenow(fake: Fake, method: str, path: str, query: Query, body: Any, headers: Any) -> Said:
    pair = base64.b64encode(f"pw:{SECRET}".encode()).decode()
    if headers.get("Authorization") != f"Basic {pair}":
        return 401, {"error": {"message": "User Not Authenticated"}}
    name = path.removeprefix("/api/now/table/incident").strip("/")
    if method == "POST":
        made = f"{len(fake.rows) + 1:032x}"
        fake.rows[made] = {"sys_id": made, "number": f"INC{len(fake.rows) + 1:07}", "state": "1", **body}
        return 201, {"result": fake.rows[made]}
    if method == "PATCH":
        if name not in fake.rows:
            return 404, {"error": {"message": "No Record found"}}
        if "work_notes" in body:
            fake.comments.append((name, body["work_notes"]))
        fake.rows[name].update(body)
        return 200, {"result": fake.rows[name]}
    wanted = query["sysparm_query"][0]
    if wanted.startswith("sys_idIN"):
        names = wanted.removeprefix("sys_idIN").split(",")
        return 200, {"result": [fake.rows[item] for item in names if item in fake.rows]}
    key = wanted.split("^")[0].removeprefix("correlation_id=")
    return 200, {"result": [row for row in fake.rows.values() if row["correlation_id"] == key]}


def close_servicenow(fake: Fake, name: str) -> None:
    fake.rows[name].update(state="7", closed_by={"link": "x", "value": "ben"})


KINDS: dict[str, Any] = {
    "github": (github, close_github),
    "jira": (jira, close_jira),
    "linear": (linear, close_linear),
    "servicenow": (servicenow, close_servicenow),
}


def settings(kind: str, url: str) -> dict[str, Any]:
    return {
        "github": {"repository": "acme/app", "token": "env:PW_T", "api": url, "webhook_secret": "env:PW_W"},
        "jira": {
            "site": url, "email": "a@example.com", "token": "env:PW_T", "project": "SEC",
            "webhook_secret": "env:PW_W",
        },
        "linear": {"team": "t1", "key": "env:PW_T", "api": f"{url}/graphql", "webhook_secret": "env:PW_W"},
        "servicenow": {"instance": url, "user": "pw", "password": "env:PW_T", "webhook_secret": "env:PW_W"},
    }[kind]  # fmt: skip


@contextmanager
def served(kind: str) -> Iterator[Fake]:
    answer = KINDS[kind][0]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            fake.calls += 1
            fault = fake.faults.pop(0) if fake.faults else None
            if isinstance(fault, tuple):
                self._say(*fault)
                return
            body = json.loads(data) if data else None
            status, said = answer(fake, self.command, parts.path, parse_qs(parts.query), body, self.headers)
            if fault == "slow":
                time.sleep(1.6)
            if fault == "reset":
                linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.connection.close()
                self.close_connection = True
                return
            self._say(status, {}, said)

        do_GET = do_POST = do_PATCH = do_PUT = _do

        def _say(self, status: int, headers: dict[str, str], said: Any) -> None:
            data = b"" if said is None else json.dumps(said).encode()
            with suppress(OSError):
                self.send_response(status)
                for name, value in {"Content-Length": str(len(data)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            pass

        def finish(self) -> None:
            with suppress(OSError, ValueError):
                super().finish()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake = Fake(server.server_address[1])
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
