"""What a person chooses when connecting Google Cloud."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from proofwatch.connectors.google.signin import IAM_CREDENTIALS_URL, STS_URL, TOKEN_URL, TOKENINFO_URL
from proofwatch.connectors.rest.settings import Address, CaFile, Exclusion, Names
from proofwatch.outbound.secrets import Ref

ASSETS = "https://cloudasset.googleapis.com"
RESOURCE_MANAGER = "https://cloudresourcemanager.googleapis.com"
SECURITY_CENTER = "https://securitycenter.googleapis.com"
_PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]\Z")


class GcpSettings(BaseModel):
    """Settings of one Google Cloud connection."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Ref = Field(
        description="JSON key of a service account, or of workload identity: file:/path or env:NAME"
    )
    organizations: Names = Field(
        default_factory=list, description="Ids of organisations (digits); empty for all that we may see"
    )
    projects: Names = Field(
        default_factory=list, description="Ids of single projects, where no whole organisation is read"
    )
    security_center: bool = Field(
        default=True, description="Read findings; switch it off where Security Command Center is not active"
    )
    quota_project: str = Field(
        default="", description="Project whose quota is used; by default the credential's own"
    )
    requests_per_minute: Annotated[int, Field(ge=1, le=6000)] = Field(
        default=90, description="Google allows 100 listings of assets a minute"
    )
    exclude_organizations: list[Exclusion] = Field(default_factory=list)
    asset_url: Address = Field(default=ASSETS, description="Of Cloud Asset Inventory")
    resource_manager_url: Address = Field(default=RESOURCE_MANAGER, description="Of Resource Manager")
    security_center_url: Address = Field(default=SECURITY_CENTER, description="Of Security Command Center")
    token_url: Address = Field(default=TOKEN_URL, description="Where tokens are had")
    tokeninfo_url: Address = Field(default=TOKENINFO_URL, description="Where Google tells of a token")
    sts_url: Address = Field(default=STS_URL, description="Where another provider's token is exchanged")
    iam_credentials_url: Address = Field(default=IAM_CREDENTIALS_URL, description="Of IAM credentials")
    ca_file: CaFile = Field(default="", description="Certificate authority of a proxy, as PEM")

    @field_validator("organizations")
    @classmethod
    def _ids(cls, value: list[str]) -> list[str]:
        found = [item.removeprefix("organizations/") for item in value]
        for item in found:
            if not item.isdecimal():
                raise ValueError(
                    f"{item!r} is no id of an organisation; write its digits, as in 123456789012"
                )
        return list(dict.fromkeys(found))

    @field_validator("projects")
    @classmethod
    def _projects(cls, value: list[str]) -> list[str]:
        found = [item.removeprefix("projects/") for item in value]
        for item in found:
            if not _PROJECT.match(item):
                raise ValueError(f"{item!r} is no id of a project; write its id, not its number or title")
        return list(dict.fromkeys(found))
