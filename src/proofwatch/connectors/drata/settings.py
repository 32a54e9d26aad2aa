"""What a person chooses when connecting Drata."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from proofwatch.connectors.rest.settings import Address, CaFile, Exclusion, Names, Pairs
from proofwatch.outbound.secrets import Ref

HOSTS = {
    "us": "https://public-api.drata.com",
    "eu": "https://public-api.eu.drata.com",
    "apac": "https://public-api.apac.drata.com",
}


class DrataSettings(BaseModel):
    """Settings of one Drata connection: an API key, and where its tenant is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    api_key: Ref = Field(description="API key that may only read: env:NAME or file:/path")
    region: Literal["us", "eu", "apac"] = Field(default="us", description="Where the tenant is kept")
    workspaces: Names = Field(default_factory=list, description="Ids of workspaces, or empty for all of them")
    passes: bool = Field(
        default=False, description="Read what passes each test, too, and not only what fails it"
    )
    event_days: Annotated[int, Field(ge=0, le=365)] = Field(
        default=0, description="How many days back the runs of tests are read; 0 reads none"
    )
    base_url: Address | Literal[""] = Field(
        default="", description="Other address instead of the region's, without /public"
    )
    exclude_workspaces: list[Exclusion] = Field(default_factory=list)
    requests_per_minute: Annotated[int, Field(ge=1, le=60000)] = Field(
        default=500, description="Drata allows 500 for each address that asks, whatever the key"
    )
    same: Pairs = Field(
        default_factory=list,
        description="Which of its tests judges the same as a check of ours: CHECK=TEST, …",
    )
    ca_file: CaFile = Field(default="", description="Certificate authority of a proxy, as PEM")

    @field_validator("workspaces")
    @classmethod
    def _numbers(cls, value: list[str]) -> list[str]:
        for item in value:
            if not item.isdigit():
                raise ValueError(f"{item!r} is no id of a workspace, which is a number")
        return list(dict.fromkeys(value))

    @property
    def host(self) -> str:
        """Return the address of the tenant."""
        return self.base_url or HOSTS[self.region]
