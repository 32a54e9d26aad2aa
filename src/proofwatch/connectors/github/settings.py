"""What a person chooses when connecting GitHub."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from proofwatch.connectors.rest.settings import Address, CaFile, Exclusion, Names
from proofwatch.outbound.secrets import Ref

CLOUD = "https://api.github.com"
_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})\Z")


class GithubSettings(BaseModel):
    """Settings of one GitHub connection. Either a GitHub App (recommended), or a token."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    organizations: Names = Field(
        default_factory=list, description="Logins of organisations, or empty for all that we may see"
    )
    app_id: str = Field(default="", description="Id of the GitHub App (its client id works, too)")
    private_key: Ref | None = Field(
        default=None, description="Private key of the App as PEM: file:/path or env:NAME"
    )
    token: Ref | None = Field(
        default=None, description="Fine-grained or classic token instead of an App: env:NAME or file:/path"
    )
    base_url: Address = Field(default=CLOUD, description="Of an Enterprise Server: https://HOST/api/v3")
    pull_request_days: Annotated[int, Field(ge=1, le=400)] = Field(
        default=30, description="How many days back merged pull requests are read"
    )
    audit_log: bool = Field(default=False, description="Read the audit log (Enterprise Cloud only)")
    audit_log_days: Annotated[int, Field(ge=1, le=180)] = 7
    repository_webhooks: bool = Field(
        default=False, description="Read the webhooks of each repository: one request for each"
    )
    exclude_organizations: list[Exclusion] = Field(default_factory=list)
    ca_file: CaFile = Field(default="", description="Certificate authority of an Enterprise Server, as PEM")

    @field_validator("organizations")
    @classmethod
    def _logins(cls, value: list[str]) -> list[str]:
        for login in value:
            if not _LOGIN.match(login):
                raise ValueError(f"{login!r} is no login of an organisation; write acme, not its address")
        return list(dict.fromkeys(value))

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        if self.token and (self.app_id or self.private_key):
            raise ValueError("give a token or an App (app_id and private_key), not both")
        if not self.token and not (self.app_id and self.private_key):
            raise ValueError("give app_id and private_key of a GitHub App, or a token")
        return self

    @property
    def graphql_url(self) -> str:
        """Return where GraphQL is asked: beside REST, and elsewhere on a server of one's own."""
        base = self.base_url.removesuffix("/v3")
        return f"{base}/graphql"
