"""Google Cloud: audit-log entries that a log sink sends to Pub/Sub, pushed with a token of Google.

Source: cloud.google.com/pubsub/docs/authenticate-push-subscriptions, and the audit log's `AuditLog` type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from proofwatch.connectors.base import GLOBAL
from proofwatch.hooks.base import Heard, Hint, HookError, Request
from proofwatch.hooks.reading import check_body, mapping, moment, read_object, text, unbase64
from proofwatch.hooks.rules import Rules, words
from proofwatch.hooks.tokens import Issuer
from proofwatch.outbound.http import Client

DOING = "hearing from Google Pub/Sub"
KEYS = "https://www.googleapis.com/oauth2/v3/certs"
ISSUERS = ("https://accounts.google.com", "accounts.google.com")
_ID = re.compile(r"[\x21-\x7e]{1,200}")
_READS = re.compile(
    r"^(get|list|aggregatedlist|search|query|test|batchget|export|read|check|lookup|analyze|troubleshoot)"
)


def _gcp(tables: str, *lines: tuple[str, str]) -> Rules:
    insensitive = tuple((f"(?i){pattern}", found) for pattern, found in lines)
    return Rules(words(tables, "gcp_"), insensitive, "gcp_")


SERVICES: dict[str, Rules] = {
    "admin.googleapis.com": Rules(
        words("user group group_member role role_assignment org_unit mobile_device", "google_workspace_"),
        (
            (r"(?i)2sv|2_?step|password|user|suspend", "user group group_member"),
            (r"(?i)group", "group group_member"),
            (r"(?i)role|admin|privilege", "role role_assignment user"),
            (r"(?i)device|mobile", "mobile_device"),
        ),
        "google_workspace_",
    ),
    "cloudkms.googleapis.com": _gcp("kms_key", (r"Encrypt|Decrypt|Sign|Verify", "")),
    "cloudresourcemanager.googleapis.com": _gcp(
        "project folder organization iam_binding",
        (r"IamPolicy", "iam_binding audit_config"),
        (r"OrgPolicy", "org_policy"),
        (r"Project|Tag", "project iam_binding"),
        (r"Folder", "folder iam_binding"),
    ),
    "cloudsql.googleapis.com": _gcp("sql_instance", (r"sql\.(connect|login|query)", "")),
    "compute.googleapis.com": _gcp(
        "compute_instance compute_disk compute_firewall compute_network compute_project",
        (r"firewall|securityPolic", "compute_firewall"),
        (r"subnetwork", "compute_network"),
        (r"network|router|route", "compute_network"),
        (r"snapshot", ""),
        (r"image", ""),
        (r"disk", "compute_disk compute_instance"),
        (r"instance", "compute_instance compute_disk"),
        (r"project", "compute_project"),
    ),
    "iam.googleapis.com": _gcp(
        "service_account service_account_key iam_binding",
        (r"Key", "service_account_key"),
        (r"ServiceAccount", "service_account service_account_key iam_binding"),
        (r"Role", "iam_binding"),
    ),
    "logging.googleapis.com": _gcp("log_sink log_bucket", (r"WriteLogEntries", "")),
    "orgpolicy.googleapis.com": _gcp("org_policy"),
    "securitycenter.googleapis.com": _gcp("scc_finding"),
    "serviceusage.googleapis.com": _gcp("project"),
    "storage.googleapis.com": _gcp(
        "storage_bucket", (r"storage\.objects?\.", ""), (r"storage\.", "storage_bucket")
    ),
}
"""Service of the audit log → tables. A connector that does not have a table leaves it out."""


class GoogleSettings(BaseModel):
    """Settings of a Pub/Sub push subscription with authentication."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    audience: str = Field(
        min_length=1, description="The subscription's audience, best the hook's own address"
    )
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$", description="The service account that pushes")
    keys_url: str = Field(
        default=KEYS,
        pattern=r"^https://",
        description="Where Google publishes its keys; other only behind a mirror",
    )


class Google:
    """Audit-log entries of Google Cloud and Google Workspace."""

    kind: ClassVar[str] = "google"
    title: ClassVar[str] = "Google Cloud Pub/Sub push"
    Settings: ClassVar[type[BaseModel]] = GoogleSettings

    def __init__(self, settings: BaseModel, client: Client) -> None:
        self._settings = GoogleSettings.model_validate(settings.model_dump())
        self._issuer = Issuer(client, self._settings.keys_url, DOING)

    def hear(self, request: Request, now: datetime) -> Heard:
        """Check the token and read the log entry. Raises HookError."""
        body = check_body(request, DOING)
        scheme, _, token = request.header("authorization").partition(" ")
        if scheme.lower() != "bearer":
            remedy = "Enable authentication at the push subscription."
            raise HookError(DOING, "there is no token", remedy, status=401)
        self._check_claims(self._issuer.claims(token.strip(), now))
        message = mapping(read_object(body, DOING).get("message"))
        delivery = text(message.get("messageId")) or text(message.get("message_id"))
        data = message.get("data")
        inner = unbase64(data) if isinstance(data, str) else None
        if not _ID.fullmatch(delivery) or inner is None:
            remedy = "Do not unwrap the payload at the subscription."
            raise HookError(DOING, "it is no message of Pub/Sub", remedy)
        hint = _hint(read_object(inner, DOING))
        return Heard(delivery, (hint,) if hint else ())

    def _check_claims(self, claims: Mapping[str, Any]) -> None:
        if claims.get("iss") not in ISSUERS:
            raise HookError(DOING, "the token is not Google's", status=401)
        if claims.get("aud") != self._settings.audience:
            raise HookError(DOING, "the token is meant for another audience", status=401)
        if claims.get("email") != self._settings.email or claims.get("email_verified") is not True:
            raise HookError(DOING, "the token belongs to another account", status=401)


def _hint(entry: Mapping[str, Any]) -> Hint | None:
    """Return what an audit-log entry touches. Raises HookError if it is none."""
    said = mapping(entry.get("protoPayload"))
    service, method = text(said.get("serviceName")), text(said.get("methodName"))
    if not service or not method:
        remedy = "Let the sink send audit logs only: protoPayload.@type of AuditLog."
        raise HookError(DOING, "the message is no audit-log entry", remedy)
    rules = SERVICES.get(service)
    if rules is None or _READS.match(method.rpartition(".")[2].lower()):
        return None
    tables = rules.touched(method)
    labels = mapping(mapping(entry.get("resource")).get("labels"))
    place = text(labels.get("location")) or text(labels.get("region")) or text(labels.get("zone"))
    return (
        Hint(
            tables,
            account_id=text(labels.get("project_id")),
            region=place or GLOBAL,
            resource=text(said.get("resourceName")),
            name=method,
            at=moment(entry.get("timestamp")),
        )
        if tables
        else None
    )
