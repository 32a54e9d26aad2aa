"""What an auditor looked at is itself evidence: each page that they open is an entry of the log."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from proofwatch.store import log
from proofwatch.store.django import write
from proofwatch.store.models.people import Role


def looked(request: HttpRequest, response: HttpResponse) -> None:
    """Write down that an auditor opened a page or read a list; not what the browser asks by itself."""
    person = request.person
    if person.role != Role.AUDITOR or request.path.startswith(("/static/", "/account/")):
        return
    if response.status_code >= 400 or request.headers.get("HX-Trigger-Name") == "refresh":
        return
    with write("recording an auditor's access"):
        data = {
            "person": person.name,
            "role": person.role,
            "path": request.path[:400],
            "method": request.method,
        }
        if getattr(request, "token", None) is not None:
            data["token"] = request.token.title
        log.append("access.looked", person.name, data, request.now)
