"""Messages as the outbox hands them over, and each kind set up against a local receiver."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from proofwatch.alerts.channels.base import Channel, Failing, Happened, Message
from proofwatch.alerts.channels.registry import channel_class
from proofwatch.outbound.http import Client

AT = datetime(2026, 11, 23, 9, 30, 5, tzinfo=UTC)
OPENED = Message(
    key="0123456789abcdef0123456789abcdef",
    thread="a" * 32,
    happened=Happened.OPENED,
    headline="CC6.1-03 Storage is encrypted: 41 of 120 failing",
    at=AT,
    severity="high",
    state="open",
    number="AL-12",
    control="CC6.1-03",
    control_title="Storage is encrypted",
    criteria=("CC6.1", "CC6.7"),
    connection="prod",
    failing=tuple(
        Failing(
            f"arn:aws:ec2:eu-west-1:111122223333:volume/vol-{n:03}",
            "encrypted is false",
            "111122223333",
            "eu-west-1",
        )
        for n in range(10)
    ),
    more=31,
    since=datetime(2026, 11, 23, 9, 0, tzinfo=UTC),
    due=datetime(2026, 11, 30, 9, 0, tzinfo=UTC),
    owner="ana",
    actor="system",
    why="Data at rest can be read by whoever gets at the disk.",
    fix="Turn on encryption by default.\nThen replace each volume by an encrypted copy.",
    link="https://proofwatch.example.com/alerts/AL-12",
    evidence="f" * 64,
    checks=(("aws.ec2.volume-encrypted", "c0ffee"),),
)
RESTORED = replace(
    OPENED,
    key="1" * 32,
    happened=Happened.RESTORED,
    state="verified restored",
    failing=OPENED.failing[:2],
    more=0,
    headline="CC6.1-03 Storage is encrypted: 2 complete passing runs since the last failure",
    note="2 complete passing runs began after the last failure",
    evidence="e" * 64,
)
DIGEST = Message(
    key="2" * 32,
    thread="digest-everybody-2026-11-23T09:00:00Z",
    happened=Happened.DIGEST,
    at=AT,
    mark="DEMO DATA",
    headline="Digest of everybody: 2 alerts need a review, 1 tasks are overdue, 0 ended",
    lines=(
        "needs review since 2026-11-22 09:00:00Z: high: AL-1 CC6.1-03 Storage is encrypted",
        "3 messages held back: silenced",
    ),
    link="https://proofwatch.example.com/alerts",
)
NAMES = (
    "<script>alert(1)</script>",
    "*bold* _it_ ~no~ `code`",
    "<!channel> <@U0123ABCD> @here",
    "=cmd()|' /C calc'!A0",
    "two\r\nBcc: evil@example.com\n\nSeverity: low",
    "vol-\u202egnp.exe\u200b\u0007",
    "[click](https://evil.example.com) :skull: https://evil.example.com",
    "x" * 5000,
    "&" * 5000,
    "\ud800 lone",
)
HOSTILE = replace(
    OPENED,
    key="3" * 32,
    mark="DRILL",
    headline=f"{NAMES[4]} {NAMES[0]} {NAMES[2]}: 1 of 1 failing",
    failing=tuple(Failing(name, name, name, name) for name in NAMES),
    more=0,
    control_title=NAMES[2],
    connection=NAMES[5],
    owner=NAMES[4],
    note="\n".join(NAMES),
    why=NAMES[1],
    fix="> quoted\n" + NAMES[6],
    link="javascript:alert(1)",
    evidence=NAMES[0],
)
MESSAGES = {"opened": OPENED, "restored": RESTORED, "digest": DIGEST, "hostile": HOSTILE}
TOKEN = "hush-hush-0123456789abcdef"
SIGNING = "whsec_" + base64.b64encode(b"hush-hush-signing-secret").decode()
SECRETS = (TOKEN, SIGNING, SIGNING.removeprefix("whsec_"))


def settings(kind: str, port: int) -> dict[str, Any]:
    """Return the settings of a kind whose provider is on this port; see `environment`."""
    url = f"http://127.0.0.1:{port}"
    return {
        "slack": {"channel": "C0123ABCD", "token": "env:PW_TOKEN", "api": f"{url}/api"},
        "slack-webhook": {"url": "env:PW_URL"},
        "teams": {"url": "env:PW_URL"},
        "pagerduty": {"routing_key": "env:PW_TOKEN", "api": url},
        "webhook": {"url": "env:PW_URL", "secret": "env:PW_SIGNING"},
        "apprise": {"url": "env:PW_APPRISE"},
        "email": {
            "host": "127.0.0.1",
            "port": port,
            "security": "none",
            "sender": "proofwatch@example.com",
            "recipients": ["ops@example.com"],
            "seconds": 1.0,
        },
    }[kind]


def environment(port: int) -> dict[str, str]:
    """Return the variables that the settings refer to."""
    return {
        "PW_TOKEN": TOKEN,
        "PW_SIGNING": SIGNING,
        "PW_URL": f"http://127.0.0.1:{port}/hook/{TOKEN}?sig={TOKEN}",
        "PW_APPRISE": f"json://user:{TOKEN}@127.0.0.1:{port}/{TOKEN}",
    }


def channel(kind: str, port: int, client: Client, monkeypatch: Any, **more: Any) -> Channel:
    """Return a channel of a kind, and set the variables that it reads."""
    for name, value in environment(port).items():
        monkeypatch.setenv(name, value)
    cls = channel_class(kind)
    return cls(cls.Settings.model_validate({**settings(kind, port), **more}), client)
