"""Every connector, one line each, imported on first use."""

from __future__ import annotations

from importlib import import_module

from proofwatch.connectors.base import Connector, ConnectorError

CONNECTORS: dict[str, str] = {
    "aws": "proofwatch.connectors.aws:AwsConnector",
    "google_workspace": "proofwatch.connectors.google_workspace:GoogleWorkspaceConnector",
    "gcp": "proofwatch.connectors.gcp:GcpConnector",
    "github": "proofwatch.connectors.github:GithubConnector",
    "entra": "proofwatch.connectors.entra:EntraConnector",
    "azure": "proofwatch.connectors.azure:AzureConnector",
    "people": "proofwatch.connectors.people:PeopleConnector",
    "okta": "proofwatch.connectors.okta:OktaConnector",
    "kubernetes": "proofwatch.connectors.kubernetes:KubernetesConnector",
    "vanta": "proofwatch.connectors.vanta:VantaConnector",
    "drata": "proofwatch.connectors.drata:DrataConnector",
}


def connector_class(kind: str) -> type[Connector]:
    """Return the class behind `kind`. Raises ConnectorError naming the known kinds."""
    try:
        module, _, name = CONNECTORS[kind].partition(":")
    except KeyError:
        known = ", ".join(sorted(CONNECTORS))
        raise ConnectorError(
            "choosing a connector", f"there is no connector {kind!r}", f"Use one of: {known}."
        ) from None
    found: type[Connector] = getattr(import_module(module), name)
    return found
