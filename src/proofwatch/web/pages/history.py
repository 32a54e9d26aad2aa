"""Change history: who decided what, with what stood before, and the entry that proves it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from proofwatch.listings import entries
from proofwatch.store.models import Checkpoint, LogHead
from proofwatch.web.access import at
from proofwatch.web.parts.tables import table


def index(request: HttpRequest) -> HttpResponse:
    """List the decisions, newest first."""
    values = {
        "table": table(request, entries.HISTORY, links={"index": "url"}, empty="Nothing was decided yet."),
        "head": LogHead.objects.get(pk=1),
        "signed": Checkpoint.objects.order_by("size").last(),
    }
    return render(request, "pages/history.html", values)


URLS = (at("history", index, "history"),)
