"""What a person chooses when connecting Microsoft Entra ID."""

from __future__ import annotations

from pydantic import Field

from proofwatch.connectors.microsoft import LOGIN, MicrosoftSettings
from proofwatch.connectors.rest.settings import Address, CaFile

GRAPH = "https://graph.microsoft.com/v1.0"


class EntraSettings(MicrosoftSettings):
    """Settings of one tenant. Other clouds have other addresses for both `authority` and `graph_url`."""

    sign_in_activity: bool = Field(
        default=True, description="Read when users last signed in (the tenant needs Entra ID P1 or P2)"
    )
    sign_ins: bool = Field(
        default=True, description="Read the sign-ins of the last day (the tenant needs Entra ID P1 or P2)"
    )
    registration_details: bool = Field(
        default=True, description="Read who registered a second factor (the tenant needs Entra ID P1 or P2)"
    )
    authority: Address = Field(
        default=LOGIN, description="Where tokens are given; https://login.microsoftonline.us for Government"
    )
    graph_url: Address = Field(
        default=GRAPH, description="Microsoft Graph with its version; https://graph.microsoft.us/v1.0 there"
    )
    ca_file: CaFile = Field(default="", description="Certificate authority of a proxy of one's own, as PEM")
