"""The organisation itself: what guards it, who else reaches it, and its log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from proofwatch.connectors.okta.walk import listed
from proofwatch.connectors.rest.collect import Place
from proofwatch.connectors.rest.declare import Call, Col, Raw, RestTable

LOGS = "okta.logs.read"
LOG_PAGE = 1000
BEGIN = (
    "policy.", "zone.", "application.lifecycle.", "system.api_token.", "system.idp.lifecycle.",
    "user.account.privilege.", "group.privilege.", "iam.", "security.", "user.mfa.factor.",
    "user.session.impersonation.", "user.account.lock", "user.account.report_suspicious_activity",
    "user.lifecycle.", "system.log_stream.lifecycle.", "app.oauth2.client.lifecycle.",
    "app.oauth2.client.privilege.",
)  # fmt: skip
"""How the types of events begin that change who may do what, or that tell of an attack."""


def read_events(place: Place) -> Iterator[Raw]:
    """Yield the events of the last days. Without an end Okta's list would never end."""
    until = datetime.now(UTC)
    since = until - timedelta(days=place.names["log_days"])
    chosen = " or ".join(f'eventType sw "{name}"' for name in BEGIN)
    yield from listed(
        place, "/api/v1/logs", LOGS, since=_moment(since), until=_moment(until), filter=chosen,
        limit=LOG_PAGE, sortOrder="ASCENDING",
    )  # fmt: skip


def read_newest(place: Place) -> Iterator[Raw]:
    """Yield one item: when the newest event of all happened."""
    # The page after it is of older events, and nobody wants them.
    found = place.get("/api/v1/logs", LOGS, limit=1, sortOrder="DESCENDING")
    newest = found[0].get("published") if isinstance(found, list) and found else None
    yield {"newest": newest}


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


TARGET = "STRUCT(id VARCHAR, type VARCHAR, alternate_id VARCHAR, display_name VARCHAR)[]"

ORG = (
    RestTable(
        name="okta_org", service="org", path="/api/v1/org", permission="okta.orgs.read", resource="{id}",
        single=True, about="The organisation, and whether Okta's support may look into it.",
        columns=(
            Col("name", path="companyName"),
            Col("subdomain"),
            Col("status"),
            Col("website"),
            Col("created", "TIMESTAMPTZ"),
            Col("expires_at", "TIMESTAMPTZ", "Of a trial", "expiresAt"),
        ),
        calls=(
            Call(
                path="/api/v1/org/privacy/oktaSupport", permission="okta.orgs.read",
                columns=(
                    Col("support_access", about="ENABLED or DISABLED", path="support"),
                    Col("support_until", "TIMESTAMPTZ", path="expiration"),
                ),
            ),
        ),
        drop=("lastUpdated",),
    ),
    RestTable(
        name="okta_threat_insight", service="org", path="/api/v1/threats/configuration", single=True,
        permission="okta.threatInsights.read", resource="threat-insight",
        about="What Okta does with requests from addresses that attack others.",
        columns=(
            Col("action", about="none, audit or block"),
            Col("exclude_zones", "VARCHAR[]", "Zones that are let through", "excludeZones"),
        ),
        drop=("lastUpdated",),
    ),
    RestTable(
        name="okta_network_zone", service="org", path="/api/v1/zones", permission="okta.networkZones.read",
        resource="{id}", about="Named places on the network, used by policies or blocked altogether.",
        columns=(
            Col("zone_id", path="id"),
            Col("name"),
            Col("type", about="IP, DYNAMIC or DYNAMIC_V2"),
            Col("status", about="ACTIVE or INACTIVE"),
            Col("usage", about="POLICY or BLOCKLIST"),
            Col("system", "BOOLEAN", "Made by Okta"),
            Col("gateways", "STRUCT(type VARCHAR, value VARCHAR)[]"),
            Col("proxies", "STRUCT(type VARCHAR, value VARCHAR)[]"),
            Col("proxy_type", about="Of a dynamic one: which anonymisers", path="proxyType"),
            Col("locations", "JSON", "Of a dynamic one: countries"),
            Col("asns", "JSON", "Of a dynamic one: networks"),
        ),
        drop=("lastUpdated",),
    ),
    RestTable(
        name="okta_api_token", service="org", path="/api/v1/api-tokens", permission="okta.apiTokens.read",
        resource="{id}", about="API tokens (SSWS), and from where each may be used.",
        columns=(
            Col("token_id", path="id"),
            Col("name"),
            Col("user_id", about="Whose rights it has", path="userId"),
            Col("client_name", path="clientName"),
            Col("created", "TIMESTAMPTZ"),
            Col("token_window", about="ISO 8601: how long unused before it ends", path="tokenWindow"),
            Col("network_connection", about="ANYWHERE or ZONE", path="network.connection"),
            Col("network_include", "VARCHAR[]", "Zones", "network.include"),
            Col("network_exclude", "VARCHAR[]", "Zones", "network.exclude"),
        ),
        # Each use moves them, our own too.
        drop=("lastUpdated", "expiresAt"),
    ),
    RestTable(
        name="okta_log", service="log", path="/api/v1/logs", permission=LOGS, resource="system-log",
        about="The System Log: whether it is kept and may be read.", reader=read_newest,
        columns=(Col("newest_event", "TIMESTAMPTZ", "NULL: the log is empty", "newest"),),
        drop=("newest",),
    ),
    RestTable(
        name="okta_log_event", service="log", path="/api/v1/logs", permission=LOGS, resource="{uuid}",
        about="Events of the last days that change who may do what, or that tell of an attack.",
        reader=read_events,
        columns=(
            Col("published", "TIMESTAMPTZ"),
            Col("event_type", path="eventType"),
            Col("severity"),
            Col("message", path="displayMessage"),
            Col("result", path="outcome.result"),
            Col("reason", path="outcome.reason"),
            Col("actor_id", path="actor.id"),
            Col("actor_type", path="actor.type"),
            Col("actor_login", path="actor.alternateId"),
            Col("ip_address", path="client.ipAddress"),
            Col("country", path="client.geographicalContext.country"),
            Col("targets", TARGET, path="target"),
        ),
        # They hold ids of sessions.
        drop=("debugContext", "authenticationContext"),
    ),
)  # fmt: skip
