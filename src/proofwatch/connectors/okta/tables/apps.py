"""Applications, and who may use them."""

from __future__ import annotations

from collections.abc import Iterator

from proofwatch.connectors.okta.walk import listed, once
from proofwatch.connectors.rest.collect import Place
from proofwatch.connectors.rest.declare import Col, Raw, RestTable

READ = "okta.apps.read"


def read_apps(place: Place) -> Iterator[Raw]:
    """Yield every application, those that are switched off too."""
    yield from once(place, "apps", lambda: _apps(place))


def _apps(place: Place) -> Iterator[Raw]:
    return listed(place, "/api/v1/apps", READ, limit=200, includeNonDeleted="true")


APPS = (
    RestTable(
        name="okta_app", service="apps", path="/api/v1/apps", permission=READ, resource="{id}",
        reader=read_apps,
        about="Applications that people reach through Okta, the deactivated ones too.",
        columns=(
            Col("app_id", path="id"),
            Col("name", about="Its kind in Okta's catalogue"),
            Col("label"),
            Col("status", about="ACTIVE or INACTIVE"),
            Col("sign_on_mode", about="SAML_2_0, OPENID_CONNECT, BROWSER_PLUGIN, BOOKMARK, …",
                path="signOnMode"),
            Col("credential_scheme", about="Of an app with passwords: who sets them",
                path="credentials.scheme"),
            Col("client_authentication", about="Of OpenID Connect: how the app proves itself",
                path="credentials.oauthClient.token_endpoint_auth_method"),
            Col("application_type", about="Of OpenID Connect: web, browser, native or service",
                path="settings.oauthClient.application_type"),
            Col("grant_types", "VARCHAR[]", "Of OpenID Connect", "settings.oauthClient.grant_types"),
            Col("redirect_uris", "VARCHAR[]", "Of OpenID Connect", "settings.oauthClient.redirect_uris"),
            Col("self_service", "BOOLEAN", "People may ask for it themselves", "accessibility.selfService"),
            Col("features", "VARCHAR[]", "What is provisioned"),
            Col("created", "TIMESTAMPTZ"),
        ),
        drop=("lastUpdated",),
    ),
    RestTable(
        name="okta_app_assignment", service="apps", path="/api/v1/apps/{id}/users", permission=READ,
        params={"limit": 500}, parent="okta_app", keep=("id", "label", "status"),
        resource="{parent_id}/{id}", about="Who may use which application.",
        columns=(
            Col("user_id", path="id"),
            Col("user_name", about="At the app", path="credentials.userName"),
            Col("scope", about="USER, or GROUP where it comes by a group"),
            Col("status"),
            Col("sync_state", path="syncState"),
            Col("created", "TIMESTAMPTZ"),
            Col("status_changed", "TIMESTAMPTZ", path="statusChanged"),
        ),
        drop=("lastUpdated", "lastSync"),
    ),
)  # fmt: skip
