"""What a person chooses when connecting Vanta."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from proofwatch.connectors.rest.settings import Address, CaFile, Pairs
from proofwatch.outbound.secrets import Ref

CLOUD = "https://api.vanta.com/v1"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}\Z")


class VantaSettings(BaseModel):
    """Settings of one Vanta connection: an application that is Proofwatch's alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_id: str = Field(min_length=3, description="Client id of Proofwatch's own application at Vanta")
    client_secret: Ref = Field(description="Its client secret: env:NAME or file:/path")
    organization: str = Field(
        default="", description="How this Vanta account is called in results; Vanta tells no name of its own"
    )
    base_url: Address = Field(
        default=CLOUD, description="api.eu.vanta.com, api.aus.vanta.com or api.vanta-gov.com, with /v1"
    )
    all_exclusions: bool = Field(
        default=False,
        description="Ask every test for things taken out of it, not only failing ones: one request each",
    )
    requests_per_minute: Annotated[int, Field(ge=1, le=6000)] = Field(
        default=50, description="Vanta allows 50, for all connections that use the same application"
    )
    same: Pairs = Field(
        default_factory=list,
        description="Which of its tests judges the same as a check of ours: CHECK=TEST, …",
    )
    ca_file: CaFile = Field(default="", description="Certificate authority of a proxy, as PEM")

    @field_validator("organization")
    @classmethod
    def _plain(cls, value: str) -> str:
        if value and not _NAME.match(value):
            raise ValueError(f"{value!r} is no plain name; letters, digits, spaces, dots and - will do")
        return value

    @property
    def account(self) -> str:
        """Return what stands for the account in the key of every row."""
        return self.organization or self.client_id

    @property
    def token_url(self) -> str:
        """Return where tokens are given out: on the host of the interface."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}/oauth/token"
