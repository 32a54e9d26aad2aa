"""The little of Vanta that its own software judges: its client for auditors knows controls and pages.

The interface that we read is described by nobody but Vanta's web pages, so this proves little, and says so.
"""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from proofwatch.demo.fakes.base import Asked
from proofwatch.demo.fakes.vanta import FakeVanta
from tests import servers

CLIENT, ZOD = "vanta-auditor-api-sdk@0.3.0", "zod@3.25.76"
ASK = """
const { PageInfo$inboundSchema } = require(process.argv[1] + "/models/components/pageinfo.js");
const { Control$inboundSchema } = require(process.argv[1] + "/models/components/control.js");
const { ControlDomain$inboundSchema } = require(process.argv[1] + "/models/components/controldomain.js");
const pages = JSON.parse(require("fs").readFileSync(0, "utf8"));
for (const page of pages) {
  PageInfo$inboundSchema.parse(page.results.pageInfo);
  for (const item of page.results.data) {
    Control$inboundSchema.parse(item);
    item.domains.forEach((domain) => ControlDomain$inboundSchema.parse(domain));
  }
}
console.log(pages.length);
"""


@pytest.fixture(scope="module")
def client() -> Path:
    return servers._npm(CLIENT, "node_modules/vanta-auditor-api-sdk", ZOD)


def judge(client: Path, pages: list[Any]) -> subprocess.CompletedProcess[str]:
    command = [servers._new_node(), "-e", ASK, str(client)]
    return subprocess.run(command, input=json.dumps(pages), capture_output=True, text=True, timeout=120)


def pages() -> list[Any]:
    fake, found, cursor = FakeVanta(datetime(2026, 11, 20, tzinfo=UTC)), [], ""
    fake.given_out = 1
    while True:
        query = {"pageSize": "100", **({"pageCursor": cursor} if cursor else {})}
        headers = {"authorization": "Bearer vat_1"}
        found.append(fake.answer(Asked("GET", "/v1/controls", query, headers, b"")).body)
        info = found[-1]["results"]["pageInfo"]
        if not info["hasNextPage"]:
            return found
        cursor = info["endCursor"]


def test_vantas_own_client_takes_the_pages_and_controls_of_the_fake(client: Path) -> None:
    done = judge(client, pages())
    assert done.returncode == 0, done.stderr[-1500:]
    assert done.stdout.strip() == "2"


@pytest.mark.parametrize("member", ["name", "domains", "customFields", "source"])
def test_it_refuses_a_control_of_another_shape(client: Path, member: str) -> None:
    changed = pages()
    changed[0]["results"]["data"][0][member] = 7
    assert "ZodError" in judge(client, changed).stderr
