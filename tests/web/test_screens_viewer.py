"""Who looks when a picture is taken: nobody who could change anything, and nobody from outside."""

import socket
import threading

import pytest
from django.db import connection as database

from proofwatch.cli.serve import listen
from proofwatch.store.base import StoreError
from proofwatch.store.models import LogEntry, Person
from proofwatch.web.models import User
from proofwatch.web.screens import viewer
from proofwatch.web.screens.bridge import Bridge
from proofwatch.web.server import application
from tests.web.test_screens import company, quick  # noqa: F401


def call(app, **environ):
    """Call our application with an environ of the bridge's, changed."""
    bridge, said = Bridge(app, ""), []
    made = bridge._environ("http://proofwatch.local/checks", "text/html") | environ
    bridge.close()
    parts = app(made, lambda status, headers, problem=None: said.append((status, dict(headers))))
    body = b"".join(parts)
    parts.close()
    return int(said[0][0][:3]), said[0][1], body


def test_the_viewer_reads_and_never_writes(company):  # noqa: F811
    app = application(company.app)
    status, _, body = call(app)
    assert status == 200 and b"system:screenshots" in body and b"Sign out" in body
    before = LogEntry.objects.count()
    for path in ("/checks/aws.iam.user-mfa", "/evidence/screenshots", "/settings/me", "/api/v1/checks"):
        status, headers, _ = call(app, REQUEST_METHOD="POST", PATH_INFO=path)
        assert status in (302, 401, 403, 405), (path, status)
        assert status != 302 or headers["Location"].startswith("/account/login/")
    for path in ("/settings/people/../people", "/connections/new", "/checks/new", "/evidence/upload"):
        assert call(app, PATH_INFO=path)[0] in (403, 404), path
    assert LogEntry.objects.count() == before
    with viewer.only_reading(), pytest.raises(StoreError, match="it would change the state"):
        Person.objects.filter(pk="lea").update(role="owner")
    with viewer.only_reading(), pytest.raises(StoreError), database.cursor() as cursor:
        cursor.execute("/* a comment */ DELETE FROM store_person")
    assert Person.objects.get(pk="lea").role == "lead"


def test_the_viewer_is_nobody_who_signs_in(company):  # noqa: F811
    from proofwatch.alerts import people
    from proofwatch.alerts.base import AlertError

    call(application(company.app))
    assert not Person.objects.filter(pk=viewer.NAME).exists() and not User.objects.filter(
        username=viewer.NAME).exists()  # fmt: skip
    assert viewer.NAME not in company.as_("olga").get("/settings/people").content.decode()
    with pytest.raises(AlertError):
        people.add(viewer.NAME, actor="olga", now=company.now)


def test_no_client_can_pretend_to_be_the_viewer(company):  # noqa: F811
    app = application(company.app)
    for value in ("1", repr(viewer.SEAL), object(), True, None):
        status, headers, _ = call(app, **{viewer.KEY: value})
        assert status == 302 and headers["Location"].startswith("/account/login/"), value
    names = ("Proofwatch-Viewer", "proofwatch.viewer", "HTTP_proofwatch.viewer", "X-Proofwatch-Viewer")
    server = listen(company.app, "127.0.0.1", 0, 1)
    threading.Thread(target=server.run, daemon=True).start()
    try:
        for name in names:
            with socket.create_connection(("127.0.0.1", server.effective_port), 10) as client:
                lines = (
                    "GET /checks HTTP/1.1",
                    "Host: localhost",
                    f"{name}: {viewer.SEAL!r}",
                    "Connection: close",
                )
                client.sendall("\r\n".join((*lines, "", "")).encode())
                answer = client.makefile("rb").read()
            assert answer.startswith(b"HTTP/1.1 302") and b"/account/login/" in answer, (name, answer[:200])
    finally:
        server.close()
