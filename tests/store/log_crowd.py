"""Real processes that append to one log at once, or die while they do.

Usage: python -m tests.store.log_crowd DATABASE_URL write PROCESSES ROUNDS
       python -m tests.store.log_crowd DATABASE_URL insist PROCESSES ROUNDS
       python -m tests.store.log_crowd DATABASE_URL die STATEMENTS

`write`: every process appends one to three entries per round, and signs the head after every other round.
`insist`: every process makes one change with its entry per round, until it stands there, whatever happens
to the server. `die`: one process after the other appends 300 entries in a transaction with a change, and is
killed (SIGKILL) after its 1st, 2nd, … statement, at the latest before its commit.
They are forked before anything is connected, so that a crowd costs no more than one start.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from proofwatch.evidence.note import Signer
from proofwatch.store import django as store
from proofwatch.store import log
from proofwatch.store.base import StoreError
from proofwatch.store.models import Person

KEY = Signer("test.example/log", b"k" * 32)


def write(url: str, name: str, rounds: int) -> None:
    store.setup(url)
    number = 0
    for turn in range(rounds):
        many = 1 + (turn + len(name)) % 3
        with store.write("appending"):
            log.append_all([("log.noted", name, {"number": number + n}, None) for n in range(many)])
        number += many
        if turn % 2:
            log.sign_checkpoint(KEY)


def insist(url: str, name: str, rounds: int) -> None:
    store.setup(url)
    for turn in range(rounds):
        person = f"{name}-{turn}"
        for _ in range(600):
            try:
                # The answer to a commit may be lost: then the change stands there already.
                with store.write("making a change"):
                    log.lock()
                    if not Person.objects.filter(name=person).exists():
                        Person.objects.create(name=person, created_at=datetime.now(UTC))
                        log.append("log.noted", name, {"number": turn})
                break
            except StoreError as error:
                assert not error.permanent, error
                print(f"{person} was retried: {error.problem}", file=sys.stderr, flush=True)
                time.sleep(0.1)
        else:
            raise AssertionError(f"{person} was never written")
        time.sleep(0.05)


def die(url: str, name: str, statements: int) -> None:
    store.setup(url)
    left = statements

    def kill(execute: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal left
        done = execute(*arguments)
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    with connection.execute_wrapper(kill), store.write("appending"):
        Person.objects.create(name=name, created_at=datetime.now(UTC))
        log.append_all([("log.noted", name, {"number": n}, None) for n in range(300)])
        os.kill(os.getpid(), signal.SIGKILL)


def fork(task: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        task()
    except BaseException as error:  # noqa: BLE001 – said, and the process ends
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def main(url: str, what: str, count: str, rounds: str = "") -> None:
    if what == "die":
        for number in range(1, int(count) + 1):
            _, status = os.waitpid(fork(lambda n=number: die(url, f"dying-{n}", n)), 0)
            assert os.WTERMSIG(status) == signal.SIGKILL, status
        return
    task = {"write": write, "insist": insist}[what]
    crowd = [fork(lambda n=number: task(url, f"writer-{n}", int(rounds))) for number in range(int(count))]
    assert [os.waitpid(child, 0)[1] for child in crowd] == [0] * len(crowd)


if __name__ == "__main__":
    main(*sys.argv[1:])
