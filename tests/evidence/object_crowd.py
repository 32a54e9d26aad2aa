"""Real processes that store objects in one bucket at once.

Usage: python -m tests.evidence.object_crowd WHERE ENDPOINT CACHE

Sixteen processes, forked after the imports, each store the same twelve objects and eight of their own.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from proofwatch.evidence.objects import open_objects

WRITERS, COMMON, OWN = 16, 12, 8


def common(number: int) -> bytes:
    return f"seen by all {number} ".encode() * 500


def own(writer: int, number: int) -> bytes:
    return f"of {writer} alone {number} ".encode() * 500


def write(writer: int, where: str, endpoint: str, cache: str) -> None:
    options = {"endpoint": endpoint, "region": "us-east-1"}
    store = open_objects(where, cache=Path(cache), options=options)
    for number in range(COMMON):
        store.put(common(number))
        if number < OWN:
            store.put(own(writer, number))


def main(where: str, endpoint: str, cache: str) -> None:
    crowd = []
    for writer in range(WRITERS):
        child = os.fork()
        if not child:
            try:
                write(writer, where, endpoint, cache)
            except BaseException as error:  # noqa: BLE001 – said, and the process ends
                print(error, file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        crowd.append(child)
    assert [os.waitpid(child, 0)[1] for child in crowd] == [0] * WRITERS


if __name__ == "__main__":
    main(*sys.argv[1:])
