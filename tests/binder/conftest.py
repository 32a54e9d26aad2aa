"""One binder of a company that was really read, made by the verb, and what a forger does with it."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from proofwatch.evidence.binder import FORMAT, SIGNED, SUMS, verify_binder
from proofwatch.evidence.bundle import Bundle
from proofwatch.evidence.note import Signer
from tests.companies import proofwatch


@pytest.fixture(scope="session")
def home(company, undisturbed, tmp_path_factory):
    """A home with a sweep, an audit, a document and two binders: one older, one newer."""
    made = tmp_path_factory.mktemp("binder") / "home"
    shutil.copytree(undisturbed, made)
    today = datetime.now(UTC).date()
    span = ("--from", f"{today - timedelta(days=3)}", "--to", f"{today + timedelta(days=300)}")
    proofwatch(company, made, "audits", "create", "soc2", *span, "--reason", "engaged")
    proofwatch(company, made, "controls", "approve", "1", "--note", "as in the board's minutes")
    proofwatch(company, made, "export", "binder", "--audit", "soc2", "--out", str(made / "older.zip"))
    proofwatch(company, made, "people", "add", "olga", "--role", "lead")
    decided = ("--decision", "repair", "--note", "=1+1 is real", "--by", "olga")
    proofwatch(company, made, "alerts", "review", "AL-1", *decided)
    proofwatch(company, made, "checks", "disable", "aws.iam.user-mfa", "--reason", "=HYPERLINK(1)")
    proofwatch(company, made, "export", "binder", "--audit", "soc2", "--out", str(made / "binder.zip"))
    return made


@pytest.fixture(scope="session")
def binder(home) -> Path:
    return home / "binder.zip"


@pytest.fixture(scope="session")
def contents(binder):
    return read(binder)


def read(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def summed(files, key: Signer | None = None):
    """Make the list of files fit again, as a forger would; sign it with a key of their own."""
    files = {name: data for name, data in files.items() if name != SUMS}
    lines = sorted((n, hashlib.sha256(d).hexdigest()) for n, d in files.items() if n != SIGNED)
    lines.sort(key=lambda pair: pair[0].encode())
    files[SUMS] = "".join(f"{digest}  {name}\n" for name, digest in lines).encode()
    if key is not None:
        old = files[SIGNED].decode().split("\n")
        text = f"{FORMAT}\n{hashlib.sha256(files[SUMS]).hexdigest()}\n{old[2]}\n{old[3]}\n"
        files[SIGNED] = key.sign(text).encode()
    return files


def verified(path, **given):
    with Bundle(path) as bundle:
        return verify_binder(bundle, **given)
