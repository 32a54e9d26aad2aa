"""What a person chooses when connecting Azure."""

from __future__ import annotations

from pydantic import Field, field_validator

from proofwatch.connectors.microsoft import LOGIN, MicrosoftSettings, as_guid
from proofwatch.connectors.rest.settings import Address, CaFile, Exclusion, Names

MANAGEMENT = "https://management.azure.com"


class AzureSettings(MicrosoftSettings):
    """Settings of the subscriptions of one tenant. Other clouds have other addresses for both."""

    subscriptions: Names = Field(
        default_factory=list, description="Ids of subscriptions, or empty for all that we may see"
    )
    exclude_subscriptions: list[Exclusion] = Field(default_factory=list)
    authority: Address = Field(
        default=LOGIN, description="Where tokens are given; https://login.microsoftonline.us for Government"
    )
    management_url: Address = Field(
        default=MANAGEMENT,
        description="Resource Manager; https://management.usgovcloudapi.net for Government",
    )
    ca_file: CaFile = Field(default="", description="Certificate authority of a proxy of one's own, as PEM")

    @field_validator("subscriptions")
    @classmethod
    def _ids(cls, value: list[str]) -> list[str]:
        return list(dict.fromkeys(map(as_guid, value)))

    @field_validator("exclude_subscriptions")
    @classmethod
    def _excluded(cls, value: list[Exclusion]) -> list[Exclusion]:
        return [Exclusion(id=as_guid(item.id), reason=item.reason) for item in value]
