"""Asserted by others: verdicts of other products that somebody took in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from proofwatch.listings import assertions
from proofwatch.store.models import Import
from proofwatch.web.access import at
from proofwatch.web.parts.tables import table


def index(request: HttpRequest) -> HttpResponse:
    """List the verdicts, those taken in last first."""
    values = {
        "table": table(
            request, assertions.LISTING, links={"import": "kept"}, empty="Nothing was taken in yet."
        ),
        "newest": Import.objects.order_by("-number").first(),
    }
    return render(request, "pages/assertions.html", values)


URLS = (at("evidence/assertions", index, "evidence-assertions"),)
