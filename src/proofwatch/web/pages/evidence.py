"""Evidence: the log, entry by entry with its proof, and the objects that entries name."""

from __future__ import annotations

import json
from typing import Any

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from proofwatch.errors import ProofwatchError
from proofwatch.evidence.entry import named_objects, parse
from proofwatch.evidence.keys import load_key
from proofwatch.evidence.kinds import KINDS
from proofwatch.evidence.merkle import inclusion_proof
from proofwatch.evidence.proof import format_proof, verify_proof
from proofwatch.listings import entries
from proofwatch.store import log
from proofwatch.store.models import Checkpoint, LogEntry, LogHead
from proofwatch.web.access import at
from proofwatch.web.context import installation
from proofwatch.web.parts.tables import table

SHOWN = 200_000
"""Bytes of an object that a page shows."""
HEX = frozenset("0123456789abcdef")


def index(request: HttpRequest) -> HttpResponse:
    """List the log, newest first."""
    verified = LogEntry.objects.filter(kind="log.verified").order_by("index").last()
    values = {
        "table": table(request, entries.LISTING, links={"index": "url"}, empty="The log is empty."),
        "head": LogHead.objects.get(pk=1),
        "signed": Checkpoint.objects.order_by("size").last(),
        "oldest": LogEntry.objects.order_by("index").first(),
        "verified": verified,
    }
    return render(request, "pages/evidence.html", values)


def entry(request: HttpRequest, number: int) -> HttpResponse:
    """Show one entry, and prove now that the signed log holds it."""
    row = LogEntry.objects.filter(index=number).first()
    if row is None:
        raise Http404
    found = parse(bytes(row.entry))
    values = {
        "row": row,
        "entry": found,
        "meaning": KINDS.get(row.kind, ""),
        "data": found.data,
        "objects": sorted(set(named_objects(dict(found.data)))),
        "leaf": bytes(row.leaf).hex(),
        **_proof(number, bytes(row.leaf)),
    }
    return render(request, "pages/entry.html", values)


def proof(request: HttpRequest, number: int) -> HttpResponse:
    """Answer with an entry's proof, as other verifiers read it."""
    row = LogEntry.objects.filter(index=number).first()
    found = _proof(number, bytes(row.leaf)) if row else {}
    if not found.get("proof"):
        raise Http404
    response = HttpResponse(found["proof"], content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="entry-{number}.tlog-proof"'
    return response


def checkpoint(request: HttpRequest) -> HttpResponse:
    """Answer with the newest signed checkpoint: kept outside, it shows later that nothing was rewritten."""
    signed = log.DjangoLog().checkpoint()
    if not signed:
        raise Http404
    response = HttpResponse(signed, content_type="text/plain; charset=utf-8")
    size = signed.split("\n")[1]
    response["Content-Disposition"] = f'attachment; filename="checkpoint-{size}.txt"'
    return response


def _proof(number: int, leaf: bytes) -> dict[str, Any]:
    """Make the proof of an entry under the newest checkpoint, and verify it as a stranger would."""
    reader = log.DjangoLog()
    signed = reader.checkpoint()
    size = int(signed.split("\n")[1]) if signed else 0
    if number >= size:
        return {
            "proof": "",
            "proven": "",
            "why": f"No checkpoint is signed over it yet; the newest has {size} entries.",
        }
    try:
        text = format_proof(number, inclusion_proof(number, size, reader.tile), signed)
        verify_proof(text, leaf, [load_key(installation().settings.key_file).verifier])
    except ProofwatchError as error:
        return {"proof": "", "proven": "failed", "why": f"{error.doing}: {error.problem}"}
    return {
        "proof": text,
        "proven": "verified",
        "why": f"It is entry {number} of the {size} that were signed.",
    }


def stored(request: HttpRequest, digest: str) -> HttpResponse:
    """Show an object: whether it is there, whether its bytes are those that its name promises."""
    _is_digest(digest)
    values: dict[str, Any] = {"digest": digest, "state": "verified", "why": "", "text": "", "size": None}
    try:
        data = installation().objects.get(digest)
    except ProofwatchError as error:
        values.update(state="failed", why=f"{error.doing}: {error.problem}")
    else:
        values.update(size=len(data), text=_readable(data), cut=len(data) > SHOWN)
    return render(request, "pages/object.html", values)


def download(request: HttpRequest, digest: str) -> HttpResponse:
    """Answer with an object's bytes, proven, and never as something that a browser would run."""
    _is_digest(digest)
    path = installation().objects.path(digest)
    response = FileResponse(path.open("rb"), as_attachment=True, filename=f"{digest}.bin")
    response["Content-Type"] = "application/octet-stream"
    return response


def _is_digest(text: str) -> None:
    if len(text) != 64 or not set(text) <= HEX:
        raise Http404


def _readable(data: bytes) -> str:
    """Return an object as text: JSON over several lines, other text as it is, "" for what is none."""
    try:
        text = data[:SHOWN].decode("utf-8")
    except UnicodeDecodeError:
        return ""
    if len(data) <= SHOWN:
        try:
            return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
        except (ValueError, RecursionError):
            return text
    return text


URLS = (
    at("evidence", index, "evidence"),
    at("evidence/entries/<int:number>", entry, "evidence-entry"),
    at("evidence/entries/<int:number>.tlog-proof", proof, "evidence-proof"),
    at("evidence/checkpoint", checkpoint, "evidence-checkpoint"),
    at("evidence/objects/<str:digest>", stored, "evidence-object"),
    at("evidence/objects/<str:digest>/download", download, "evidence-download"),
)
