"""Checkpoints as commits: a real bare repository, appended to and never forced."""

import os
import stat
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import ValidationError

from proofwatch.outbound.http import Client
from proofwatch.outside import git
from proofwatch.outside.base import OutsideError
from proofwatch.outside.git import Git, Settings
from tests.outside.samples import LOCAL, REWRITTEN, given


def do(folder, *words, **options):
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, check=False, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().strip()


@pytest.fixture
def remote(tmp_path):
    folder = tmp_path / "remote.git"
    folder.mkdir()
    do(folder, "init", "--quiet", "--bare", ".")
    return folder


@pytest.fixture
def settings(remote, tmp_path):
    return Settings(remote=str(remote), folder=str(tmp_path / "clones" / "ours"))


def history(remote):
    return do(remote, "log", "--format=%H", "checkpoints").split()


def test_each_checkpoint_is_a_commit_with_its_very_bytes(remote, settings):
    answers = [Git().keep(settings, given(size), LOCAL) for size in (3, 12)]
    assert history(remote) == [answers[1].reference, answers[0].reference]
    assert do(remote, "ls-tree", "-r", "--name-only", "checkpoints").split() == [
        "checkpoints/12.txt", "checkpoints/3.txt",
    ]  # fmt: skip
    blob = subprocess.run(
        ["git", "cat-file", "blob", "checkpoints:checkpoints/12.txt"],
        cwd=remote,
        capture_output=True,
        check=True,
    )
    assert blob.stdout == given(12).note.encode()
    assert (
        do(remote, "log", "-1", "--format=%an %s", "checkpoints") == "Proofwatch Checkpoint over 12 entries"
    )
    assert answers[0].facts == {"remote": str(remote), "branch": "checkpoints", "created": True}


def test_the_same_checkpoint_again_is_the_same_commit(remote, settings, tmp_path):
    first = Git().keep(settings, given(3), LOCAL)
    Git().keep(settings, given(12), LOCAL)
    again = Git().keep(settings, given(3), LOCAL)
    assert (again.reference, again.facts["created"]) == (first.reference, False)
    elsewhere = settings.model_copy(update={"folder": str(tmp_path / "another")})
    assert Git().keep(elsewhere, given(3), LOCAL).reference == first.reference
    assert len(history(remote)) == 2


def test_other_bytes_of_that_name_are_an_error(remote, settings):
    Git().keep(settings, given(12), LOCAL)
    with pytest.raises(OutsideError, match=r"checkpoints/12\.txt on checkpoints holds other bytes"):
        Git().keep(settings, given(12, REWRITTEN), LOCAL)
    assert len(history(remote)) == 1


def test_what_others_commit_is_kept_and_a_race_is_run_again(remote, settings, tmp_path, monkeypatch):
    other = settings.model_copy(update={"folder": str(tmp_path / "another")})
    Git().keep(settings, given(3), LOCAL)
    pushed = git._Clone.push
    raced = []

    def late(self, commit, *, last):
        if not raced:
            raced.append(True)
            Git().keep(other, given(5), LOCAL)
        return pushed(self, commit, last=last)

    monkeypatch.setattr(git._Clone, "push", late)
    Git().keep(settings, given(12), LOCAL)
    assert len(history(remote)) == 3


def test_a_history_that_was_rewritten_is_told_and_not_pushed_over(remote, settings, tmp_path):
    Git().keep(settings, given(3), LOCAL)
    first = history(remote)[0]
    Git().keep(settings, given(12), LOCAL)
    do(remote, "update-ref", "refs/heads/checkpoints", first)
    with pytest.raises(OutsideError, match="it was rewritten"):
        Git().keep(settings, given(20), LOCAL)
    assert history(remote) == [first]
    assert any("was rewritten" in text for text in Git().show(settings, LOCAL).remarks)
    do(remote, "update-ref", "-d", "refs/heads/checkpoints")
    with pytest.raises(OutsideError, match="it was rewritten"):
        Git().keep(settings, given(20), LOCAL)
    fresh = settings.model_copy(update={"branch": "checkpoints-2"})
    assert Git().keep(fresh, given(20), LOCAL)


def test_a_remote_that_refuses_is_told_in_its_words(remote, settings):
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'only on Mondays' >&2\nexit 1\n", "utf-8")
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(OutsideError, match="only on Mondays"):
        Git().keep(settings, given(3), LOCAL)


def test_what_is_kept_is_shown_with_what_was_changed(remote, settings, tmp_path):
    for size in (3, 12):
        Git().keep(settings, given(size), LOCAL)
    shown = Git().show(settings, LOCAL)
    assert [copy.note.decode() for copy in shown.copies] == [given(12).note, given(3).note]
    assert (shown.remarks, shown.more) == ((), 0)
    work = tmp_path / "work"
    do(tmp_path, "clone", "--quiet", "--branch", "checkpoints", str(remote), str(work))
    (work / "checkpoints" / "3.txt").write_text("nothing", "utf-8")
    do(work, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "--quiet", "-am", "change")
    do(work, "push", "--quiet")
    shown = Git().show(settings, LOCAL)
    assert any("changed or deleted a checkpoint" in text for text in shown.remarks)


def test_a_branch_that_is_not_there_is_said(settings):
    shown = Git().show(settings, LOCAL)
    assert shown.copies == ()
    assert "has no branch checkpoints" in shown.remarks[0]


def test_a_users_own_settings_and_hooks_do_nothing(remote, settings, tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    wanted = ["[core]", "autocrlf = true", f"hooksPath = {home}", "[commit]", "gpgsign = true"]
    wanted += ['[url "/nowhere/"]', "insteadOf = /"]
    (home / ".gitconfig").write_text("\n".join(wanted), "utf-8")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert Git().keep(settings, given(3), LOCAL)


def test_a_folder_that_is_in_use_is_not_made_ours(settings, tmp_path):
    (tmp_path / "clones" / "ours").mkdir(parents=True)
    (tmp_path / "clones" / "ours" / "letters.txt").write_text("mine", "utf-8")
    with pytest.raises(OutsideError, match="not empty"):
        Git().keep(settings, given(3), LOCAL)


def ended(process):
    """Tell whether a process is gone, or dead and only not waited for."""
    try:
        return Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_remote_that_never_answers_is_given_up(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(git, "SECONDS", 1)
    (tmp_path / "bin").mkdir()
    slow = tmp_path / "bin" / "ssh"
    slow.write_text(f"#!/bin/sh\nsleep 30 & echo $! > {tmp_path}/child\nwait\n", "utf-8")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    wanted = settings.model_copy(update={"remote": "git@127.0.0.1:log.git"})
    began = time.monotonic()
    with pytest.raises(OutsideError, match="took longer than 1 s"):
        Git().keep(wanted, given(3), LOCAL)
    assert time.monotonic() - began < 10
    child = int((tmp_path / "child").read_text())
    for _ in range(50):
        if ended(child):
            break
        time.sleep(0.1)
    else:
        raise AssertionError("what git started is still running")


def test_a_token_reaches_the_remote_and_nobody_else(settings, monkeypatch):
    """The remote repeats what it was sent; our error must not."""
    heard = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            heard.append(self.headers.get("authorization"))
            body = f"no: {self.headers.get('authorization')}".encode()
            self.send_response(403)
            self.send_header("content-type", "text/plain")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("KEEPER_TOKEN", "ghp_very_secret_token")
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}/log.git"
        wanted = Settings(remote=url, folder=settings.folder, token="env:KEEPER_TOKEN")
        with pytest.raises(OutsideError) as caught:
            Git().keep(wanted, given(3), LOCAL)
        with pytest.raises(OutsideError, match="not a public address"):
            Git().keep(wanted, given(3), Client())
    finally:
        server.shutdown()
        server.server_close()
    assert heard == ["Basic Z2l0OmdocF92ZXJ5X3NlY3JldF90b2tlbg=="]
    assert "ghp_very" not in str(caught.value) and "Z2l0Omdo" not in str(caught.value)


@pytest.mark.parametrize(
    "remote",
    [
        "--upload-pack=touch /tmp/x", "-u", "ext::sh -c touch", "https://me:secret@host/x", "https://me@host/x",
        "ssh://-oProxyCommand=x/path", "ssh://-oProxyCommand=x@host/path", "git@-host:x", "file:///etc",
        "relative",
        "git@host:/x y", "https:///x", "https://ho st/x", "/tmp/x\n-y",
    ],
)  # fmt: skip
def test_a_remote_that_is_an_option_or_a_command_is_refused(remote):
    with pytest.raises(ValidationError) as caught:
        Settings(remote=remote, folder="/tmp/clone")
    assert "secret" not in "; ".join(item["msg"] for item in caught.value.errors())


@pytest.mark.parametrize(
    "remote",
    [
        "https://git.example.com/acme/log.git", "ssh://git@git.example.com:2222/acme/log.git",
        "git@git.example.com:acme/log.git", "/mnt/elsewhere/log.git",
    ],
)  # fmt: skip
def test_the_usual_forms_of_a_remote_are_taken(remote):
    assert Settings(remote=remote, folder="/tmp/clone").remote == remote


def test_branch_and_folder_cannot_be_options_either():
    for wrong in ({"branch": "-f"}, {"branch": "a..b"}, {"folder": "rel"}, {"key": "-x"}, {"user": "-x"}):
        with pytest.raises(ValidationError):
            Settings(**{"remote": "/x", "folder": "/y", **wrong})
