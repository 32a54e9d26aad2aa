"""Passes TCP on; as a program, in a network of its own: `python -m tests.forward HOST PORT HOST PORT`."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Forward:
    """Listens at one address, and passes what comes to another."""

    def __init__(self, listener: socket.socket, target: tuple[str, int]) -> None:
        self.listener, self.target, self.came = listener, target, threading.Event()

    def run(self) -> None:
        with suppress(OSError):
            while True:
                ours, _ = self.listener.accept()
                self.came.set()
                theirs = socket.create_connection(self.target, timeout=60)
                for source, sink in ((ours, theirs), (theirs, ours)):
                    threading.Thread(target=_pass, args=(source, sink), daemon=True).start()


def _pass(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def forwarding(host: str, target: tuple[str, int]) -> Iterator[tuple[Forward, int]]:
    """Yield what passes on, and the port at which it listens."""
    with socket.create_server((host, 0)) as listener:
        made = Forward(listener, target)
        threading.Thread(target=made.run, daemon=True).start()
        yield made, listener.getsockname()[1]


if __name__ == "__main__":
    host, port, other, beyond = sys.argv[1:]
    Forward(socket.create_server((host, int(port))), (other, int(beyond))).run()
