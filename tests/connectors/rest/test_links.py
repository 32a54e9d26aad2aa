"""A header that is sent twice is one list: of Okta's two links, the one to the next page may come first."""

from __future__ import annotations

import socket
import threading

from proofwatch.connectors.rest.api import Api
from proofwatch.connectors.rest.auth import Unsigned
from proofwatch.connectors.rest.paging import Request, link_header
from proofwatch.outbound.session import Session

PAGES = (
    b'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\nLink: </list?after=1>; rel="next"\r\n'
    b'Link: </list>; rel="self"\r\n\r\n[1]',
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n[2]",
)


def serve(listener: socket.socket) -> None:
    for page in PAGES:
        taken, _ = listener.accept()
        with taken:
            taken.recv(65536)
            taken.sendall(page)


def test_the_next_page_is_found_in_whichever_of_two_headers_it_stands() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        api = Api("Somebody", url, Session([url]), Unsigned(), link_header)
        assert [page.body for page in api.pages(Request("/list"))] == [[1], [2]]
