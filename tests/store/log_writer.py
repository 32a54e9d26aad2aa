"""A real process that appends to the log. Usage: python -m tests.store.log_writer DATABASE_URL NAME COUNT"""

from __future__ import annotations

import sys

from proofwatch.store import django as store
from proofwatch.store import log


def main(url: str, name: str, count: str) -> None:
    store.setup(url)
    for number in range(int(count)):
        with store.write("appending"):
            log.append("log.noted", name, {"number": number})


if __name__ == "__main__":
    main(*sys.argv[1:])
