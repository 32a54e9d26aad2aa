"""A git repository of somebody else: each checkpoint is a commit on one branch that only ever grows.

The work is done by the program `git` in a bare clone of our own, without a working tree: no hook of ours, no
filter and no line end setting touches the bytes. What was pushed last is remembered there, so that a branch
that lost it (a history rewritten on the other side) is noticed and not papered over.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from proofwatch.alerts.channels.wire import short
from proofwatch.outbound.guard import Forbidden, resolve
from proofwatch.outbound.http import Client
from proofwatch.outbound.secrets import Ref, SecretError, reveal
from proofwatch.outside.base import Answer, Given, KeeperSettings, OutsideError
from proofwatch.outside.copies import MOST_BYTES, Copy, Shown, newest

DOING = "keeping a checkpoint in git"
FOLDER = "checkpoints"
SECONDS = 60
TRIES = 3
"""Somebody else may push in between."""
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
_SHORT_FORM = re.compile(rf"([A-Za-z0-9][A-Za-z0-9._-]{{0,60}})@({_HOST}):(?!/)([^\s:]{{1,500}})")
_PORTS = {"https": 443, "http": 80, "ssh": 22}


class Settings(KeeperSettings):
    """Settings of a git repository."""

    remote: str = Field(
        max_length=800,
        description="Where it is: https://…, ssh://git@host/…, git@host:path, or /folder on others' disks.",
    )
    folder: str = Field(
        pattern=r"^/[^\x00\n]{0,500}$", description="Folder for our own clone; it is made if it is not there."
    )
    branch: str = Field(
        default="checkpoints",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$",
        description="Branch, for this log alone.",
    )
    user: str = Field(
        default="git",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$",
        description="Name to sign in with over https.",
    )
    token: Ref | None = Field(default=None, description="Token to sign in with over https, by reference.")
    key: str = Field(
        default="",
        pattern=r"^(/[^\x00\n]{1,500})?$",
        description="File of the private key for ssh; empty for ssh's own.",
    )

    @field_validator("remote")
    @classmethod
    def _plain(cls, value: str) -> str:
        # An address that begins with a dash would be an option to git, and `ext::` a command.
        if not value.isprintable():
            raise ValueError("holds what no address holds")
        if value.startswith("/") or _SHORT_FORM.fullmatch(value):
            return value
        parts = urlsplit(value)
        name = parts.username or ""
        if parts.password or (name and parts.scheme != "ssh"):
            raise ValueError("holds a name or a password: set `user` and `token`")
        host, plain = parts.hostname or "", re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*|", name)
        if parts.scheme not in _PORTS or not re.fullmatch(_HOST, host) or not plain or " " in value:
            raise ValueError("is no https://, ssh://, git@host:path or /folder")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.token is not None and not self.remote.startswith(("https://", "http://")):
            raise ValueError("token is for https:// only")
        return self


class Git:
    """Commits each checkpoint as `checkpoints/<size>.txt` and pushes it, never by force."""

    kind: ClassVar[str] = "git"
    about: ClassVar[str] = "A repository of somebody else, with a branch that nobody may rewrite."
    interval_minutes: ClassVar[int] = 60
    settings: ClassVar[type[KeeperSettings]] = Settings

    def keep(self, settings: Any, given: Given, client: Client) -> Answer:
        """Commit and push; a checkpoint that is there already is found again.

        Raises:
            OutsideError: the remote did not take it, holds other bytes, or its history was rewritten.
        """
        clone = _Clone(settings, client)
        name, data = f"{FOLDER}/{given.size}.txt", given.note.encode("utf-8")
        for left in reversed(range(TRIES)):
            tip = clone.fetch()
            clone.check_continues(tip)
            there = clone.blob(tip, name) if tip else None
            if there is not None and clone.run("cat-file", "blob", there) != data:
                problem = f"{name} on {settings.branch} holds other bytes"
                remedy = (
                    "Another log writes there, or this one was rewritten: run `proofwatch outside check`."
                )
                raise OutsideError(DOING, problem, remedy)
            if there is not None and tip:
                commit = clone.text("log", "-1", "--format=%H", tip, "--", name)
                clone.run("update-ref", clone.pushed, tip)
                return _answer(settings, commit, created=False)
            commit = clone.commit(tip, name, data, given.now)
            if clone.push(commit, last=not left):
                clone.run("update-ref", clone.pushed, commit)
                return _answer(settings, commit, created=True)
        raise AssertionError("the last try raises or returns")

    def show(self, settings: Any, client: Client) -> Shown:
        """Return the checkpoints on the branch, and whether one was ever changed or deleted there."""
        clone = _Clone(settings, client)
        tip = clone.fetch()
        if not tip:
            return Shown((), (f"{_shown(settings.remote)} has no branch {settings.branch}",))
        remarks = []
        try:
            clone.check_continues(tip)
        except OutsideError as error:
            remarks.append(f"{_shown(settings.remote)}: {error.problem}")
        there = clone.blob(tip, FOLDER)
        listed = clone.text("ls-tree", "-z", "--name-only", there).split("\0") if there else []
        names, more = newest([name for name in listed if name])
        copies = []
        for name in names:
            data = clone.run("cat-file", "blob", f"{tip}:{FOLDER}/{name}")
            copies.append(
                Copy(f"{_shown(settings.remote)} {settings.branch}:{FOLDER}/{name}", data[:MOST_BYTES])
            )
        changed = clone.text("log", "--diff-filter=MDRT", "--format=%H", tip, "--", FOLDER).split()
        remarks += [
            f"{_shown(settings.remote)}: commit {item} changed or deleted a checkpoint"
            for item in changed[:20]
        ]
        return Shown(tuple(copies), tuple(remarks), more)


def make_bare(folder: Path) -> None:
    """Make an empty repository to push to. Raises OutsideError if that cannot be done."""
    folder.mkdir(parents=True)
    command = [shutil.which("git") or "git", "init", "--quiet", "--bare", "."]
    settings = Settings(remote=str(folder), folder=str(folder))
    code, _, said = _run(command, folder, _environment(settings, ""), b"")
    if code:
        raise OutsideError(DOING, f"git init: {short(said.decode('utf-8', 'replace'), [])}")


def _answer(settings: Settings, commit: str, *, created: bool) -> Answer:
    facts = {"remote": _shown(settings.remote), "branch": settings.branch, "created": created}
    return Answer(commit, facts=facts)


def _shown(remote: str) -> str:
    """Return a remote as it may be shown; it holds no secret by its form, but a query might."""
    return remote.partition("?")[0]


class _Clone:
    """Our bare clone, and the one way in which git is run."""

    def __init__(self, settings: Settings, client: Client) -> None:
        self.settings = settings
        self.program = shutil.which("git") or ""
        if not self.program:
            raise OutsideError(DOING, "the program git is not here", "Install git where the worker runs.")
        _guard(settings.remote, client)
        self.folder = Path(settings.folder)
        # One clone may serve several keepers.
        place = hashlib.sha256(f"{settings.remote}\n{settings.branch}".encode()).hexdigest()[:16]
        self.pushed, self.seen = (f"refs/proofwatch/{place}/{name}" for name in ("pushed", "seen"))
        token = _revealed(settings)
        coded = base64.b64encode(f"{settings.user}:{token}".encode()).decode() if token else ""
        self.hidden = [token, coded]
        self.environment = _environment(settings, coded)
        if not (self.folder / "HEAD").exists():
            try:
                self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                if any(self.folder.iterdir()):
                    problem = f"{self.folder} is no clone of ours and not empty"
                    raise OutsideError(DOING, problem, "Name an empty folder, or one that is not there.")
            except OSError as error:
                raise OutsideError(DOING, f"{self.folder}: {error.strerror or error}") from None
            self.run("init", "--quiet", "--bare", ".")

    def fetch(self) -> str:
        """Return the newest commit of the branch on the other side; "" while it has none."""
        branch = f"refs/heads/{self.settings.branch}"
        listed = self.text("ls-remote", "--quiet", "--", self.settings.remote, branch)
        tips = [line.split("\t")[0] for line in listed.splitlines() if line.endswith(f"\t{branch}")]
        if not tips:
            return ""
        quiet = (
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--force",
        )  # Our own note of it, not theirs.
        self.run("fetch", *quiet, "--", self.settings.remote, f"{branch}:{self.seen}")
        return self.text("rev-parse", "--verify", self.seen)

    def check_continues(self, tip: str) -> None:
        """Return if the branch still holds what we pushed last. Raises OutsideError if it was rewritten."""
        last = self.text("rev-parse", "--verify", "--quiet", self.pushed, missing="")
        if not last:
            return
        remedy = "Ask who rewrote it, and keep our clone, which has what was pushed. A new `branch` goes on."
        if not tip or self.text("merge-base", tip, last, missing="") != last:
            problem = f"branch {self.settings.branch} does not hold commit {last} any more: it was rewritten"
            raise OutsideError(DOING, problem, remedy)

    def blob(self, tip: str, name: str) -> str | None:
        """Return the name of a file's content in a commit; None if it is not there."""
        return self.text("rev-parse", "--verify", "--quiet", f"{tip}:{name}", missing="") or None

    def commit(self, parent: str, name: str, data: bytes, now: datetime) -> str:
        """Return a new commit that adds one file to its parent's tree; nothing points to it yet."""
        blob = self.run("hash-object", "-w", "--stdin", given=data).decode().strip()
        with tempfile.TemporaryDirectory(prefix="proofwatch-git-") as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self.run("read-tree", parent or "--empty", more=index)
            self.run("update-index", "--add", "--cacheinfo", f"100644,{blob},{name}", more=index)
            tree = self.run("write-tree", more=index).decode().strip()
        at = now.strftime("%Y-%m-%dT%H:%M:%S+00:00")
        who = {
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in (
                ("NAME", "Proofwatch"),
                ("EMAIL", "proofwatch@proofwatch.invalid"),
                ("DATE", at),
            )
        }
        above = ["-p", parent] if parent else []
        words = f"Checkpoint over {Path(name).stem} entries\n".encode()
        return self.run("commit-tree", tree, *above, given=words, more=who).decode().strip()

    def push(self, commit: str, *, last: bool) -> bool:
        """Push, never by force; False if somebody else was faster. Raises OutsideError if it is refused."""
        target = f"{commit}:refs/heads/{self.settings.branch}"
        try:
            self.run("push", "--quiet", "--", self.settings.remote, target)
        except OutsideError as error:
            if last or not re.search(r"fetch first|non-fast-forward|cannot lock ref", error.problem):
                raise
            return False
        return True

    def text(self, *words: str, missing: str | None = None) -> str:
        """Run git; return its answer as text. `missing` is for where it says by 1 that there is none."""
        return self.run(*words, missing=missing).decode("utf-8", "replace").strip("\n")

    def run(
        self,
        *words: str,
        given: bytes = b"",
        more: Mapping[str, str] | None = None,
        missing: str | None = None,
    ) -> bytes:
        """Run git in our clone, for at most a minute.

        Raises:
            OutsideError: it failed or took too long; its words are in it, and no secret.
        """
        command = [self.program, "--git-dir", ".", "-c", "core.hooksPath=/dev/null", *words]
        code, out, said = _run(command, self.folder, {**self.environment, **(more or {})}, given)
        if code == 0:
            return out
        if missing is not None and code == 1:
            return missing.encode()
        problem = (
            f"git {words[0]}: {short(said.decode('utf-8', 'replace'), self.hidden) or f'ended with {code}'}"
        )
        raise OutsideError(DOING, problem, "Look at the remote, and at our rights there.", permanent=False)


def _run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], given: bytes
) -> tuple[int, bytes, bytes]:
    """Run a program; after its time, end it and all that it started. Return code, output, errors."""
    try:
        process = subprocess.Popen(  # noqa: S603 - a list, no shell; every word is ours or checked by its form
            command, cwd=folder, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise OutsideError(DOING, f"git cannot be run: {error.strerror or error}") from None
    try:
        out, said = process.communicate(given, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise OutsideError(DOING, f"git took longer than {SECONDS} s", permanent=False) from None
    return process.returncode, out, said


def _environment(settings: Settings, coded: str) -> dict[str, str]:
    """Return all that git hears of: nobody's own settings, no question to a terminal, no other transport."""
    ssh = ["ssh", "-oBatchMode=yes", "-oConnectTimeout=15"]
    if settings.key:
        ssh += ["-oIdentitiesOnly=yes", "-i", settings.key]
    made = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": os.environ.get("HOME", "/"),
        "LC_ALL": "C",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "file:https:http:ssh",
        "GIT_SSH_COMMAND": shlex.join(ssh),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.followRedirects",
        "GIT_CONFIG_VALUE_0": "false",
    }
    if coded:
        # In the environment, which other users of the machine cannot read, and not among the words.
        made |= {
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_1": "http.extraHeader",
            "GIT_CONFIG_VALUE_1": f"Authorization: Basic {coded}",
        }
    return made


def _revealed(settings: Settings) -> str:
    if settings.token is None:
        return ""
    try:
        found = reveal(settings.token, DOING)
    except SecretError as error:
        raise OutsideError(DOING, error.problem, error.remedy) from None
    if not found.isprintable():
        raise OutsideError(DOING, "the token holds a line end or the like", "Look at the secret's file.")
    return found


def _guard(remote: str, client: Client) -> None:
    """Refuse an address of our own network that nobody allowed, and one without encryption."""
    if remote.startswith("/"):
        return
    short_form = _SHORT_FORM.fullmatch(remote)
    parts = urlsplit("" if short_form else remote)
    try:
        host = short_form[2] if short_form else parts.hostname or ""
        port = 22 if short_form else parts.port or _PORTS[parts.scheme]
        resolve(host, port, client.allowed, DOING)
    except Forbidden as error:
        raise OutsideError(DOING, error.problem, error.remedy) from None
    except (OSError, ValueError):
        raise OutsideError(DOING, f"the host of {_shown(remote)} cannot be found", permanent=False) from None
    if parts.scheme == "http" and not (client.insecure or client.allowed.covers(host, port)):
        remedy = "Use https, or let an administrator allow the host: PROOFWATCH_ALLOW_HOSTS."
        raise OutsideError(DOING, f"{_shown(remote)} is not encrypted", remedy)
