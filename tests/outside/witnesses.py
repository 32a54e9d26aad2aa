"""A witness as others run it: its own process, started by its verb, on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def verb(*words: Any, home: Path, check: bool = True) -> Any:
    """Run `proofwatch witness … --home HOME --json`; return what it printed."""
    command = [
        sys.executable,
        "-m",
        "proofwatch.cli",
        "witness",
        *map(str, words),
        "--home",
        str(home),
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if check and done.returncode:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout) if done.stdout else done


@contextmanager
def serving(home: Path) -> Iterator[SimpleNamespace]:
    """Serve the witness in `home`; give its address, its key, and, once it has ended, what it logged."""
    command = [sys.executable, "-m", "proofwatch.cli", "witness", "serve", "--port", "0", "--json"]
    process = subprocess.Popen(
        [*command, "--home", str(home)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = ""
        while not said.endswith("}\n"):
            line = process.stdout.readline()
            if not line:
                raise AssertionError(process.communicate()[1])
            said += line
        found = SimpleNamespace(**json.loads(said), log="", process=process)
        yield found
        process.send_signal(signal.SIGINT)
        found.log = process.communicate(timeout=20)[1]
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
