"""What a person chooses when connecting Okta."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from proofwatch.connectors.rest.settings import Address, CaFile, Names
from proofwatch.outbound.secrets import Ref

SCOPES = (
    "okta.apiTokens.read", "okta.appGrants.read", "okta.apps.read", "okta.authenticators.read",
    "okta.groups.read", "okta.logs.read", "okta.networkZones.read", "okta.orgs.read", "okta.policies.read",
    "okta.roles.read", "okta.threatInsights.read", "okta.users.read",
)  # fmt: skip
"""What the app is granted. Okta refuses a token altogether when one of them was not."""
_ADMIN = re.compile(r"-admin\.(okta|oktapreview|okta-emea|okta-gov)\.com\Z")
_SCOPE = re.compile(r"okta\.[A-Za-z.]+\.read\Z")


class OktaSettings(BaseModel):
    """Settings of one Okta connection. Either an API service app (recommended), or an API token."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    org_url: Address = Field(description="Address of the organisation, as in https://acme.okta.com")
    client_id: str = Field(default="", description="Client id of the API service app")
    private_key: Ref | None = Field(
        default=None, description="Private key of the app as PEM or JWK: file:/path or env:NAME"
    )
    key_id: str = Field(default="", description="Id of the key at Okta (kid), if the key does not hold it")
    api_token: Ref | None = Field(
        default=None, description="API token (SSWS) of a read-only administrator instead of an app"
    )
    factors: Literal["admins", "all"] = Field(
        default="admins", description="Whose second factors are read: one request for each of these people"
    )
    group_members: Literal["admins", "all"] = Field(
        default="admins", description="Members of which groups are read: those with an admin role, or all"
    )
    app_assignments: bool = Field(
        default=True, description="Read who is assigned to each app: a request per app and 500 people"
    )
    log_days: Annotated[int, Field(ge=1, le=90)] = Field(
        default=1, description="How many days back events of the System Log are read"
    )
    scopes: Names = Field(
        default_factory=lambda: list(SCOPES),
        description="Scopes asked for; leave out what the app was not granted",
    )
    requests_per_minute: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=300, description="How fast we ask, all workers together; half of Okta's smallest usual limit"
    )
    ca_file: CaFile = Field(default="", description="Certificate authority of a proxy of yours, as PEM")

    @field_validator("org_url")
    @classmethod
    def _the_organisation(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.path or parts.query:
            raise ValueError("write the address alone, as in https://acme.okta.com, without a path")
        if _ADMIN.search(parts.hostname or ""):
            raise ValueError("that is the Admin Console; write https://acme.okta.com, without -admin")
        return value

    @field_validator("scopes")
    @classmethod
    def _only_reading(cls, value: list[str]) -> list[str]:
        for name in value:
            if not _SCOPE.match(name):
                raise ValueError(f"{name!r} is no scope that only reads: each ends with .read")
        return list(dict.fromkeys(value))

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        if self.api_token and (self.client_id or self.private_key):
            raise ValueError("give api_token or an app (client_id and private_key), not both")
        if not self.api_token and not (self.client_id and self.private_key):
            raise ValueError("give client_id and private_key of an API service app, or api_token")
        if not self.api_token and not self.scopes:
            raise ValueError("scopes: name at least one")
        return self
