"""Sends one message through Apprise, in a process of its own: `python -m …apprise_child`.

Apprise opens its own connections, keeps to no deadline and logs addresses. So it works here: no connection
leaves that was not looked at (Python's audit events, which no library can pass by), no program is started,
and whatever it logs ends with this process. Reads one JSON object from standard input (`Job`), writes one
to standard output (`Outcome`).
"""

from __future__ import annotations

import ipaddress
import json
import logging
import os
import re
import socket
import sys
import threading
from dataclasses import asdict, dataclass
from typing import Any

from proofwatch.outbound.guard import Allowed, public

FORBIDDEN_EVENTS = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork"})
SENDING_EVENTS = frozenset({"http.client.send", "smtplib.send", "socket.sendto", "socket.sendmsg"})
SPEAKING = ("requests", "smtplib")
"""Modules whose sending is an event; of a service that uses none of them, connecting is all we see."""
STATUS = re.compile(r"error=(\d{3})\b")


@dataclass(frozen=True, slots=True)
class Job:
    """What to send where. `allowed` are hosts that need not be public; `seconds` limits the sending."""

    url: str
    title: str
    body: str
    kind: str
    allowed: tuple[str, ...]
    seconds: float


@dataclass(slots=True)
class Outcome:
    """What came of it.

    Attributes:
        service: Apprise's name of the service, "" if it knows no such address.
        sent: it says that the service accepted the message.
        left: something left this process: the message may have arrived.
        late: it was not done in time.
        status: the last HTTP status that it complained of, or 0.
        forbidden: the address that it was not let to, or "".
    """

    service: str = ""
    sent: bool = False
    left: bool = False
    late: bool = False
    status: int = 0
    forbidden: str = ""


class Warden:
    """Hears every audit event of this process, and stops those that must not happen."""

    def __init__(self, allowed: Allowed, outcome: Outcome, speaks: bool) -> None:
        self.allowed, self.outcome, self.speaks = allowed, outcome, speaks
        self._permitted: set[str] = set()
        self._busy = threading.local()

    def hear(self, event: str, args: tuple[Any, ...]) -> None:
        """Let an event pass, or raise PermissionError."""
        if event == "socket.getaddrinfo":
            self._resolved(args[0], args[1])
        elif event == "socket.connect" or (event == "socket.sendto" and len(args) > 1):
            self._connects(args[1])
        elif event in FORBIDDEN_EVENTS:
            raise PermissionError("no other program may be started")
        if event in SENDING_EVENTS or (event == "socket.connect" and not self.speaks):
            self.outcome.left = True

    def _resolved(self, host: Any, port: Any) -> None:
        """Remember the addresses of a host that an administrator allowed."""
        if getattr(self._busy, "on", False) or not isinstance(host, str):
            return
        number = int(port) if str(port).isdigit() else 0
        if self.allowed.covers(host, number):
            self._busy.on = True
            try:
                found = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)
                self._permitted |= {f"{item[4][0]} {number}" for item in found}
            except OSError:
                return
            finally:
                self._busy.on = False

    def _connects(self, address: Any) -> None:
        if not isinstance(address, tuple) or len(address) < 2:
            raise self._no("a local socket")
        host, port = str(address[0]).partition("%")[0], int(address[1])
        try:
            known = ipaddress.ip_address(host)
        except ValueError:
            raise self._no("an address that was not looked up") from None
        permitted = f"{host} {port}" in self._permitted or self.allowed.covers(host, port)
        if not permitted and not public(known):
            raise self._no(f"{host}:{port}")

    def _no(self, place: str) -> PermissionError:
        self.outcome.forbidden = place
        return PermissionError(f"{place} may not be connected to")


class _Complaints(logging.Handler):
    """Keeps the last HTTP status of Apprise's log, and nothing else of it."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome

    def emit(self, record: logging.LogRecord) -> None:
        """Note the status that a line tells of."""
        found = STATUS.search(record.getMessage())
        self.outcome.status = int(found[1]) if found else self.outcome.status


def run(job: Job) -> Outcome:
    """Send, within the job's time, and say what came of it."""
    outcome = Outcome()
    target = _target(job, outcome)
    if target is None:
        return outcome
    module = vars(sys.modules[type(target).__module__])
    warden = Warden(Allowed.of(job.allowed), outcome, any(name in module for name in SPEAKING))
    sys.addaudithook(warden.hear)
    worker = threading.Thread(target=_notify, args=(target, job, outcome), daemon=True)
    worker.start()
    worker.join(job.seconds)
    outcome.late = worker.is_alive()
    return outcome


def _target(job: Job, outcome: Outcome) -> Any:
    """Return the service behind the address, or None if Apprise knows none."""
    log = logging.getLogger("apprise")
    log.handlers, log.propagate = [_Complaints(outcome)], False
    log.setLevel(logging.WARNING)
    import apprise

    asset: Any = apprise.AppriseAsset(plugin_paths=[], storage_mode="memory", allow_templates=False)
    asset.secure_logging = True
    asset.interpret_emojis = False
    target = apprise.Apprise.instantiate(job.url, asset=asset, suppress_exceptions=True)
    if target is None:
        return None
    target.redirects = False
    # Its four seconds are too few: it gives up on messages that arrive.
    target.socket_connect_timeout = target.socket_read_timeout = job.seconds
    outcome.service = str(target.service_name or type(target).__name__)
    return target


def _notify(target: Any, job: Job, outcome: Outcome) -> None:
    try:
        done = target.notify(body=job.body, title=job.title, notify_type=job.kind, body_format="text")
        outcome.sent = bool(done)
    except Exception:  # noqa: BLE001 - a plugin's fault is the outcome "not sent"
        outcome.sent = False


def main() -> None:
    """Read the job, send, and write the outcome; then end at once, whatever Apprise still does."""
    given = json.loads(sys.stdin.read())
    outcome = run(Job(**{**given, "allowed": tuple(given["allowed"])}))
    sys.stdout.write(json.dumps(asdict(outcome)))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
