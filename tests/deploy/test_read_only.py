"""What the image promises, without a Docker engine: no root, no capability, only /data and /tmp are written.

A root of its own is put together from mounts that cannot be written, as a container has it, and everything
runs in there as user 10001. That needs root and the right to mount, as CI has them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import proofwatch

SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/etc", "/dev")
CODE = Path(proofwatch.__file__).parent.parent
ROOT = Path(__file__).parent.parent.parent
MOUNT = """
set -e
new=$1; shift
mount -t tmpfs tmpfs "$new"
mkdir -p "$new/data" "$new/tmp" "$new/proc"
mount --bind "$DATA" "$new/data"
# First, because the code may lie below it.
mount -t tmpfs -o mode=1777 tmpfs "$new/tmp"
for path in "$@"; do
    mkdir -p "$new$path"
    mount --rbind "$path" "$new$path"
    mount -o remount,bind,ro "$new$path"
done
mount --rbind /proc "$new/proc"
mount -o remount,ro "$new"
exec chroot "$new" setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs --bounding-set=-all \\
    --inh-caps=-all env -i PATH="$INSIDE:/usr/bin:/bin" HOME=/data PROOFWATCH_HOME=/data PYTHONPATH="$CODE" \\
    PYTHONDONTWRITEBYTECODE=1 PROOFWATCH_METRICS_TOKEN=file:/data/token LC_ALL=C sh -c "$SCRIPT"
"""
SCRIPT = """
set -e
id -u; grep CapEff /proc/self/status
for path in /root-of-it /usr/x /etc/x "$PYTHONPATH/x"; do
    if touch "$path" 2>/dev/null; then echo "writable: $path"; fi
done
pw() { python -m proofwatch.cli "$@"; }
pw init --json > /tmp/init.json
printf 'a-token' > /data/token
printf 'name,email\\nAna,ana@example.com\\n' > /data/people.csv
pw connect people --file /data/people.csv --json > /tmp/connect.json
pw worker --once --json > /tmp/worker.json
python -m proofwatch.cli serve --no-worker --port 0 --json > /tmp/serve.json 2> /tmp/serve.log &
for again in $(seq 120); do grep -q url /tmp/serve.json && break; sleep 0.5; done
python - << 'END'
import json, urllib.request as ask
url = json.loads(open("/tmp/serve.json").read())["url"]
print("ready", ask.urlopen(url + "/readyz").status)
told = ask.urlopen(ask.Request(url + "/metrics", headers={"Authorization": "Bearer a-token"})).read().decode()
print("sweeps", [line for line in told.splitlines() if line.startswith("proofwatch_sweeps_total")])
print("sign in", ask.urlopen(url + "/account/login/").status)
END
kill $!
wait $! && echo "stopped by itself"
"""


def permitted() -> str:
    """Return why mounting is not possible here; "" where it is."""
    if os.geteuid() != 0:
        return "only root may mount"
    for program in ("unshare", "setpriv", "chroot", "mount"):
        if shutil.which(program) is None:
            return f"{program} is not here"
    tried = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False
    )
    return "" if tried.returncode == 0 else "this machine does not let root mount"


def test_everything_runs_where_only_the_home_and_tmp_can_be_written(tmp_path: Path) -> None:
    if why := permitted():
        pytest.skip(why)
    data, new = tmp_path / "data", tmp_path / "root"
    data.mkdir()
    new.mkdir()
    os.chown(data, 10001, 10001)
    seen = dict.fromkeys([sys.base_prefix, sys.prefix, str(CODE)])
    environment = {
        **os.environ, "DATA": str(data), "CODE": str(CODE), "SCRIPT": SCRIPT,
        "INSIDE": str(Path(sys.executable).parent),
    }  # fmt: skip
    command = ["unshare", "--mount", "--propagation", "private", "bash", "-c", MOUNT, "mount", str(new)]
    done = subprocess.run(
        [*command, *(path for path in (*SYSTEM, *seen) if Path(path).exists())],
        env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("10001\nCapEff:\t0000000000000000\n"), done.stdout
    assert "writable" not in done.stdout
    assert "ready 200" in done.stdout and "sign in 200" in done.stdout
    assert re.search(r'proofwatch_sweeps_total\{connection="people",state="complete"\} 1', done.stdout), (
        done.stdout
    )
    assert "stopped by itself" in done.stdout, "as the first process of a container it has to take SIGTERM"
    kept = {path.relative_to(data).parts[0] for path in data.rglob("*")}
    assert {"keys", "objects", "proofwatch.sqlite3"} <= kept
    assert all(path.lstat().st_uid == 10001 for path in data.rglob("*"))


def test_the_images_steps_are_those_that_were_tried() -> None:
    """The image is not built here. What it says of user, folders and extras is held against what is."""
    text = (ROOT / "Dockerfile").read_text("utf-8")
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["10001:10001"]
    assert "PROOFWATCH_HOME=/data" in text and "VOLUME /data" in text
    copied = re.findall(r"^COPY (?!--from)(.+) \./?$", text, re.MULTILINE)[0].split()
    assert all((ROOT / name).exists() for name in copied)
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert not {"src", *copied} & set(ignored)
