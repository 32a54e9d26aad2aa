"""`proofwatch witness`, as one types it; how a log asks it stands in tests/outside/test_witness.py."""

import os
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request

from proofwatch.evidence.checkpoint import sign_checkpoint
from proofwatch.evidence.witness import MOST_REQUEST, format_request
from tests.evidence.logs import SIGNER
from tests.outside.witnesses import serving, verb

ROOT, OTHER = b"\x11" * 32, b"\x12" * 32


def run(*words, cwd, **variables):
    env = {**os.environ, "COLUMNS": "200", **variables}
    command = [sys.executable, "-m", "proofwatch.cli", "witness", *words]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=60, check=False)


def ask(url, body=None, method=None, path="/add-checkpoint"):
    request = urllib.request.Request(url + path, data=body, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def test_a_witness_is_made_told_whom_to_trust_and_shown(tmp_path):
    # It needs no state of Proofwatch: neither home nor database are touched.
    variables = {"PROOFWATCH_HOME": "/proc/nowhere", "DATABASE_URL": "postgres://nowhere/x"}
    done = run("init", "--name", "witness.example/w1", cwd=tmp_path, **variables)
    assert done.returncode == 0, done.stderr
    assert "witness.example/w1+" in done.stdout
    assert "PRIVATE" not in done.stdout + done.stderr
    home = tmp_path / "proofwatch-witness"
    assert stat.S_IMODE((home / "witness.skey").stat().st_mode) == 0o600
    done = run("status", cwd=tmp_path, **variables)
    assert "No log is known" in done.stdout
    done = run("trust", SIGNER.vkey, cwd=tmp_path, **variables)
    assert (done.returncode, done.stdout) == (
        0,
        "Checkpoints of example.org/log under this key are cosigned from now on.\n",
    )
    done = run("status", cwd=tmp_path, **variables)
    assert "example.org/log  0        –         1     0" in done.stdout
    done = run("trust", "--remove", SIGNER.vkey, cwd=tmp_path, **variables)
    assert done.stdout == "That key of example.org/log is accepted no longer.\n"


def test_mistakes_are_one_clear_error(tmp_path):
    home = tmp_path / "home"
    for words, said in [
        (("status",), "Run `proofwatch witness init`"),
        (("serve",), "Run `proofwatch witness init`"),
        (("init", "--name", "has blank"), "is no key name"),
    ]:
        done = run(*words, "--home", str(home), cwd=tmp_path)
        assert done.returncode == 2
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    verb("init", "--name", "w", home=home)
    for words, said in [
        (("init", "--name", "w"), "there is one already"),
        (("trust", "nonsense"), "name+id+key"),
    ]:
        done = run(*words, "--home", str(home), cwd=tmp_path)
        assert done.returncode == 2
        assert said in done.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("serve", "--home", str(home), "--port", port, cwd=tmp_path)
    assert done.returncode == 2
    assert "cannot be listened on" in done.stderr


def test_what_is_served_is_one_address_and_what_is_refused_is_seen(tmp_path):
    home = tmp_path / "home"
    verb("init", "--name", "witness.example/w1", home=home)
    verb("trust", SIGNER.vkey, home=home)
    good = format_request(0, [], sign_checkpoint(SIGNER, 7, ROOT))
    with serving(home) as witness:
        assert ask(witness.url, good)[0] == 200
        assert ask(witness.url, method="GET")[:1] == (405,)
        assert ask(witness.url, good, path="/")[0] == 404
        assert ask(witness.url, good, path="/add-checkpoint/../x")[0] == 404
        assert ask(witness.url, b"nonsense\x1b[31m")[0] == 400
        status, headers, body = ask(witness.url, good)
        assert (status, headers["Content-Type"], body) == (409, "text/x.tlog.size", b"7\n")
        forged = format_request(7, [], sign_checkpoint(SIGNER, 7, OTHER))
        assert ask(witness.url, forged)[0] == 409
        hostile = format_request(0, [], SIGNER.sign("evil\u202e\u009b31m\n1\n" + "A" * 43 + "=\n"))
        assert ask(witness.url, hostile)[0] == 404
        assert ask(witness.url, b"x" * (MOST_REQUEST + 1))[0] == 413
        # What it remembers cannot be used: nothing is cosigned, and no stranger hears why.
        (home / "witness.sqlite3").rename(home / "gone")
        status, headers, body = ask(witness.url, good)
        assert (status, headers["Retry-After"]) == (503, "60")
        assert str(home).encode() not in body
        (home / "gone").rename(home / "witness.sqlite3")
        assert ask(witness.url, forged)[0] == 409
    assert "Traceback" not in witness.log
    assert "\x1b" not in witness.log and "\u202e" not in witness.log and "\u009b" not in witness.log
    assert "404 evil\\u202e\\u009b31m 1 the log is not known here" in witness.log
    assert "unable to open database file" in witness.log
    done = run("status", "--home", str(home), cwd=tmp_path)
    assert done.returncode == 1
    assert "✗ example.org/log signed two different logs of one size: it was rewritten." in done.stdout
