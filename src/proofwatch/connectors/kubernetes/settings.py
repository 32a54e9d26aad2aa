"""What a person chooses when connecting a Kubernetes cluster."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from proofwatch.connectors.rest.settings import Address, CaFile, Exclusion
from proofwatch.outbound.secrets import Ref


class KubernetesSettings(BaseModel):
    """Settings of one cluster. Either a kubeconfig file, or the address and a token."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kubeconfig: Ref | None = Field(
        default=None, description="Kubeconfig file: its absolute path, or env:NAME with its text"
    )
    context: str = Field(default="", description="Context of the kubeconfig; its current-context by default")
    api_url: Address | None = Field(
        default=None, description="Address of the API server instead of a kubeconfig: https://10.0.0.1:6443"
    )
    token: Ref | None = Field(default=None, description="Token for api_url: file:/path or env:NAME")
    ca_file: CaFile = Field(
        default="", description="Certificate authority of the cluster at api_url, as PEM; no other is trusted"
    )
    cluster_name: str = Field(
        default="",
        max_length=100,
        description="What the cluster is called here; its context's name by default",
    )
    exclude_namespaces: list[Exclusion] = Field(
        default_factory=list, description="Namespaces that are left out, each with its reason"
    )
    requests_per_minute: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=600, description="How fast we ask, all workers together"
    )

    @field_validator("kubeconfig", mode="before")
    @classmethod
    def _path_too(cls, value: Any) -> Any:
        """Take a path alone, as everybody writes it."""
        return f"file:{value}" if isinstance(value, str) and value.startswith("/") else value

    @field_validator("exclude_namespaces")
    @classmethod
    def _once(cls, value: list[Exclusion]) -> list[Exclusion]:
        names = [item.id for item in value]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"{twice!r} stands there twice")
        return value

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.kubeconfig) == bool(self.api_url):
            raise ValueError("give kubeconfig, or api_url with token and ca_file")
        if self.kubeconfig and (self.token or self.ca_file):
            raise ValueError("token and ca_file go with api_url; a kubeconfig holds its own")
        if self.api_url and self.context:
            raise ValueError("context goes with kubeconfig")
        if self.api_url and not self.token:
            raise ValueError("token: give the one that goes with api_url")
        return self
