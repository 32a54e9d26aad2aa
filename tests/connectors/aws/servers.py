"""Simulated AWS endpoints in processes of their own, and a server that fails on purpose."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3

ADMIN = ("AKIAADMINADMINADMIN1", "admin-secret-of-a-simulated-account")
MANAGED = "arn:aws:iam::aws:policy/"


@dataclass
class Endpoint:
    url: str

    def client(
        self, service: str, key: str = ADMIN[0], secret: str = ADMIN[1], region: str = "eu-west-1"
    ) -> Any:
        session = boto3.Session(aws_access_key_id=key, aws_secret_access_key=secret, region_name=region)
        return session.client(service, endpoint_url=self.url)

    def user(self, name: str, *policies: dict[str, Any] | str) -> tuple[str, str]:
        """Make a user with inline policies (dict) and managed policies (ARN); return its key."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        for number, policy in enumerate(policies):
            if isinstance(policy, str):
                iam.attach_user_policy(UserName=name, PolicyArn=policy)
            else:
                iam.put_user_policy(
                    UserName=name, PolicyName=f"inline{number}", PolicyDocument=json.dumps(policy)
                )
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]


class Moto(Endpoint):
    """moto over HTTP; it checks IAM only while `enforced`."""

    def post(self, path: str, body: str = "") -> None:
        request = urllib.request.Request(self.url + path, data=body.encode(), method="POST")
        request.add_header("Content-Type", "text/plain")
        urllib.request.urlopen(request, timeout=60).close()

    def reset(self) -> None:
        self.post("/moto-api/reset-auth", "inf")
        self.post("/moto-api/reset")

    @contextmanager
    def enforced(self) -> Iterator[None]:
        self.post("/moto-api/reset-auth", "0")
        try:
            yield
        finally:
            self.post("/moto-api/reset-auth", "inf")


def allow(*actions: str, resource: Any = "*", **more: Any) -> dict[str, Any]:
    """Return a policy of one Allow statement."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}
    return {"Version": "2012-10-17", "Statement": [statement]}


@contextmanager
def moto_server(managed: bool = False) -> Iterator[Moto]:
    """Run moto; `managed` loads AWS's own policies, which makes each account and each reset slow."""
    port = _free_port()
    script = str(Path(sys.executable).with_name("moto_server"))
    environment = {
        **os.environ,
        "MOTO_IAM_LOAD_MANAGED_POLICIES": str(managed).lower(),
        "INITIAL_NO_AUTH_ACTION_COUNT": "inf",
        "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
    }
    with _running([script, "-H", "127.0.0.1", "-p", str(port)], port, environment):
        yield Moto(f"http://127.0.0.1:{port}")


@contextmanager
def ministack_server(folder: Path) -> Iterator[Endpoint]:
    port = _free_port()
    environment = {
        **os.environ,
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        # Its root key.
        "AWS_ACCESS_KEY_ID": ADMIN[0],
        "AWS_SECRET_ACCESS_KEY": ADMIN[1],
        "HOME": str(folder),
    }
    script = str(Path(sys.executable).with_name("ministack"))
    with _running([script], port, environment):
        yield Endpoint(f"http://127.0.0.1:{port}")


@dataclass
class Faults:
    """Answers in turn with (status, body) or a number of seconds to keep silent; the last one repeats."""

    url: str = ""
    answers: list[tuple[int, bytes] | float] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)


@contextmanager
def fault_server(*answers: tuple[int, bytes] | float) -> Iterator[Faults]:
    faults = Faults(answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            faults.seen.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = faults.answers.pop(0) if len(faults.answers) > 1 else faults.answers[0]
            if isinstance(answer, float):
                time.sleep(answer)
                self.close_connection = True
                return
            status, body = answer
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    faults.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield faults
    finally:
        server.shutdown()
        server.server_close()


def ec2_error(code: str, message: str) -> bytes:
    """Return an error as EC2 writes it."""
    return (
        f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        "<RequestID>r-1</RequestID></Response>"
    ).encode()


@contextmanager
def _running(command: list[str], port: int, environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/"
    )
    try:
        _wait(process, port)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"nothing listens on {port}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
