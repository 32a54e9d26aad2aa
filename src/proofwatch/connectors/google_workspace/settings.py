"""What a person chooses when connecting Google Workspace."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from proofwatch.connectors.google.signin import TOKEN_URL, TOKENINFO_URL
from proofwatch.connectors.rest.settings import Address, CaFile
from proofwatch.outbound.secrets import Ref

DIRECTORY = "https://admin.googleapis.com"
Days = Annotated[int, Field(ge=1, le=180)]


class GoogleWorkspaceSettings(BaseModel):
    """Settings of one Google Workspace connection: a service account that acts for an administrator."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Ref = Field(description="JSON key of the service account: file:/path or env:NAME")
    admin_email: str = Field(
        description="Administrator that the service account acts for; a role that only reads is enough"
    )
    login_days: Days = Field(default=7, description="How many days back sign-ins are read (Google keeps 180)")
    admin_days: Days = Field(default=30, description="How many days back changes by administrators are read")
    mobile_devices: bool = Field(
        default=True, description="Read mobile devices; switch it off where Google does not manage them"
    )
    base_url: Address = Field(default=DIRECTORY, description="Of the Admin SDK")
    token_url: Address = Field(default=TOKEN_URL, description="Where tokens are had")
    tokeninfo_url: Address = Field(default=TOKENINFO_URL, description="Where Google tells of a token")
    ca_file: CaFile = Field(default="", description="Certificate authority of a proxy, as PEM")

    @field_validator("admin_email")
    @classmethod
    def _email(cls, value: str) -> str:
        name, _, domain = value.strip().partition("@")
        if not name or "." not in domain or " " in value.strip():
            raise ValueError("write the administrator's address, as in audit@example.com")
        return value.strip()
