"""The client of a bucket, as everyone here opens it, and its errors in short."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from proofwatch.evidence.base import EvidenceError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Config

TIMES = {"connect_timeout": "10s", "read_timeout": "60s", "timeout": "15m"}


def s3_store(bucket: str, prefix: str, options: Mapping[str, str], *, patient: bool = True) -> Any:
    """Return obstore's client of a bucket. Raises EvidenceError if the options are not understood.

    A `patient` one tries again by itself what got no answer.
    """
    from obstore.exceptions import BaseError
    from obstore.store import S3Store

    given = {name.lower().removeprefix("aws_"): value for name, value in options.items()}
    endpoint = given.get("endpoint") or given.get("endpoint_url") or ""
    config = {"checksum_algorithm": "SHA256", "conditional_put": "etag", **given}
    client = {**TIMES, "allow_http": endpoint.startswith("http://")}
    try:
        return S3Store(
            bucket,
            prefix=prefix or None,
            config=cast("S3Config", config),
            client_options=cast("ClientConfig", client),
            retry_config=None if patient else {"max_retries": 0, "retry_timeout": timedelta(0)},
        )
    except (BaseError, ValueError, TypeError) as error:
        raise EvidenceError(f"opening the object store s3://{bucket}", short(error)) from None


def short(error: Exception) -> str:
    """Return the first sentence of an error: what follows in obstore's is its inner state."""
    text = str(error).split("Debug source:")[0]
    return " ".join(text.split())[:300] or type(error).__name__
