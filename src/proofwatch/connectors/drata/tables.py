"""Drata's tables. A verdict of Drata's is a row like any other, with the time at which Drata judged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proofwatch.connectors.base import Unread
from proofwatch.connectors.drata import monitoring
from proofwatch.connectors.rest.collect import Place
from proofwatch.connectors.rest.declare import Col, Raw, RestTable

PAGE = {"size": 500}
_NOT_THERE = frozenset({"400", "402", "403", "404", "422"})
"""What Drata answers where a plan has only the older library of evidence."""
_INSTANCES = "monitorInstances[]"


def _table(
    name: str, about: str, path: str, resource: str, permission: str, *columns: Col, **more: Any
) -> RestTable:
    more = {"params": PAGE, "service": "workspace" if "{workspace}" in path else "company", **more}
    return RestTable(
        name=f"drata_{name}", about=about, path=path, resource=resource, permission=permission,
        columns=columns, rows="data", **more,
    )  # fmt: skip


def read_evidence(place: Place) -> Iterator[Raw]:
    """Yield the evidence of a workspace; where a plan has only the older library, what that holds.

    Raises:
        Unread: neither can be read; the reason is that of the newer one.
    """
    of, permission = f"/v2/workspaces/{place.account}", "Evidence Library: List Evidence"
    expand = {**PAGE, "expand[]": ["owners", "artifacts"]}
    began = False
    try:
        for page in place.pages(f"{of}/evidence", permission, params=expand):
            for item in monitoring.items(page.body):
                began = True
                yield item
        return
    except Unread as error:
        if began or error.code not in _NOT_THERE:
            raise
        refused = error
    try:
        for page in place.pages(f"{of}/evidence-library", permission, params=PAGE):
            for item in monitoring.items(page.body):
                yield {**item, **(item.get("renewalSchema") or {})}
    except Unread:
        raise refused from None


_WORKSPACE = (
    Col("workspace_id", path="id"),
    Col("name"),
    Col("is_primary", "BOOLEAN", path="primary"),
    Col("created_at", "TIMESTAMPTZ", path="createdAt"),
)
_TEST = (
    Col("test_id", "BIGINT", "Number of the test, the same in every workspace", "testId"),
    Col("name"),
    Col("check_status", about="ENABLED, DISABLED, UNUSED, NEW or TESTING", path="checkStatus"),
    Col("check_result_status", about="Drata's verdict in its own word", path="checkResultStatus"),
    Col("judged_at", "TIMESTAMPTZ", "When Drata ran the test last", "judgedAt"),
    Col("check_frequency", about="How often it runs, in Drata's word", path="checkFrequency"),
    Col("cadence_hours", "BIGINT", "The same in hours; NULL where Drata does not tell", "cadenceHours"),
    Col("test_source", path="testSource"),
    Col("check_types", "VARCHAR[]", path=f"{_INSTANCES}.checkTypes[]"),
    Col("failed_since", "TIMESTAMPTZ", path="failedSince"),
    Col("last_passed_at", "TIMESTAMPTZ", path="lastPassedAt"),
    Col("controls", "VARCHAR[]", "Codes of the controls that it serves", "controls[].code"),
    Col("disabled_by", about="Address of who switched it off", path="disabledByUser.email"),
    Col("disabled_message", about="Why it was switched off", path="disabledMessage"),
)
_RESULT = (
    Col("test_id", "BIGINT", path="ofTest"),
    Col("test_name", path="ofName"),
    Col("outcome", about="FAILED or PASSED"),
    Col("judged_at", "TIMESTAMPTZ", "When Drata ran the test last", "judgedAt"),
    Col("provider_name", path="providerName"),
    Col("resource_name", path="resourceName"),
    Col("resource_arn", path="resourceArn"),
    Col("provider_account", about="Id of the account at the provider", path="clientId"),
    Col("provider_account_name", path="accountName"),
    Col("provider_region", path="region"),
    Col("cause", "JSON"),
)
_EXCLUSION = (
    Col("exclusion_id", path="id"),
    Col("test_id", "BIGINT", path="ofTest"),
    Col("test_name", path="ofName"),
    Col("target_id", path="targetId"),
    Col("target_name", path="targetName"),
    Col("reason", path="exclusionReason"),
    Col("created_at", "TIMESTAMPTZ", path="createdAt"),
    Col("updated_at", "TIMESTAMPTZ", path="updatedAt"),
    Col("connection_alias", path="connection.clientAlias"),
)
_CONTROL = (
    Col("control_id", path="id"),
    Col("code"),
    Col("name"),
    Col("description"),
    Col("archived_at", "TIMESTAMPTZ", path="archivedAt"),
    Col("framework_tags", "VARCHAR[]", path="frameworkTags"),
    Col(
        "requirements",
        "STRUCT(name VARCHAR, framework_tag VARCHAR)[]",
        "Criteria that it serves; those of SOC 2 have the tag SOC_2",
    ),
    Col("passing_tests", "VARCHAR[]", path="testIds.passing"),
    Col("failing_tests", "VARCHAR[]", path="testIds.failing"),
    Col("monitored_tests", "VARCHAR[]", path="testIds.monitored"),
    Col("owners", "JSON"),
    Col("flags", "JSON"),
)
_CONNECTION = (
    Col("connection_id", path="id"),
    Col("client_type", about="Which system", path="clientType"),
    Col("client_alias", path="clientAlias"),
    Col("client_id", path="clientId"),
    Col("state", about="ACTIVE, MISCONFIGURED, IN_PROGRESS or CONFIGURED_PENDING_CONFIRMATION"),
    Col("connected", "BOOLEAN"),
    Col("connected_at", "TIMESTAMPTZ", path="connectedAt"),
    Col("failed_at", "TIMESTAMPTZ", path="failedAt"),
    Col("deleted_at", "TIMESTAMPTZ", path="deletedAt"),
    Col("provider_types", "JSON", path="providerTypes"),
)
_EVIDENCE = (
    Col("evidence_id", path="id"),
    Col("name"),
    Col("status", about="READY, EXPIRING_SOON, EXPIRED, NEEDS_ATTENTION or NEEDS_SOURCE"),
    Col("renewal_date", "TIMESTAMPTZ", path="renewalDate"),
    Col("renewal_schedule", path="renewalScheduleType"),
    Col("is_expired", "BOOLEAN", "Said instead of a status by tenants with the older library", "isExpired"),
    Col("artifacts", "JSON"),
    Col("owners", "JSON"),
)
_EVENT = (
    Col("event_id", path="id"),
    Col("kind", path="type"),
    Col("category"),
    Col("source"),
    Col("status"),
    Col("description"),
    Col("created_at", "TIMESTAMPTZ", path="createdAt"),
    Col("test_id", "BIGINT", path="testId"),
    Col("test_name", path="testName"),
    Col("connection_id", path="connectionId"),
)
_PERSONNEL = (
    Col("personnel_id", path="id"),
    Col("email", path="user.email"),
    Col("employment_status", path="employmentStatus"),
    Col("started_at", "TIMESTAMPTZ", path="startedAt"),
    Col("ended_at", "TIMESTAMPTZ", path="separatedAt"),
    Col("compliance_checks", "JSON", path="complianceChecks"),
)
_DEVICE = (
    Col("device_id", path="id"),
    Col("serial_number", path="serialNumber"),
    Col("model"),
    Col("os_version", path="osVersion"),
    Col("judged_at", "TIMESTAMPTZ", "When the device was looked at last", "lastCheckedAt"),
    Col("source_type", path="sourceType"),
    Col("is_compliant", "BOOLEAN", "Drata's verdict", "isDeviceCompliant"),
    Col("encryption_enabled", "BOOLEAN", path="encryptionEnabled"),
    Col("firewall_enabled", "BOOLEAN", path="firewallEnabled"),
    Col("antivirus_enabled", "BOOLEAN", path="antivirusEnabled"),
    Col("auto_update_enabled", "BOOLEAN", path="autoUpdateEnabled"),
    Col("password_manager_enabled", "BOOLEAN", path="passwordManagerEnabled"),
    Col("screen_lock_time", path="screenLockTime"),
    Col("deleted_at", "TIMESTAMPTZ", path="deletedAt"),
)
_MONITORING = "/v2/workspaces/{workspace}/monitoring-tests"
_SINCE = {"category": "AUTOPILOT", "createdAtStartDate": "{since}", "expand[]": ["testId", "testName"]}

TABLES = (
    _table("workspace", "Workspaces of the company.", "/v2/workspaces", "{id}", "Workspaces: List Workspaces",
           *_WORKSPACE),
    _table(
        "monitoring_test", "Automated tests of Drata with its verdict on each.", _MONITORING, "{testId}",
        monitoring.LIST, *_TEST, reader=monitoring.read_tests, shared=True, also=(monitoring.GET,),
    ),
    _table(
        "test_result", "What fails a test of Drata and, where that is wished, what passes it.",
        f"{_MONITORING}/{{testId}}/failures", "{ofTest}/{id}", monitoring.GET, *_RESULT,
        reader=monitoring.read_results, also=(monitoring.LIST,),
    ),
    _table(
        "test_exclusion", "What was taken out of a test of Drata, and why.",
        f"{_MONITORING}/{{testId}}/exclusions", "{ofTest}/{id}", monitoring.GET, *_EXCLUSION,
        reader=monitoring.read_exclusions, also=(monitoring.LIST,),
    ),
    _table(
        "control", "Controls of Drata with their criteria and tests.", "/v2/workspaces/{workspace}/controls",
        "{id}", "Controls: List Controls", *_CONTROL,
        params={**PAGE, "expand[]": ["requirements", "testIds", "frameworkTags", "owners", "flags"]},
    ),
    _table(
        "evidence", "Evidence that Drata keeps, and when it is to be renewed.",
        "/v2/workspaces/{workspace}/evidence", "{id}", "Evidence Library: List Evidence", *_EVIDENCE,
        reader=read_evidence,
    ),
    _table(
        "connection", "Drata's own connections to the systems it reads.", "/connections", "{id}",
        "Connections: List Connections", *_CONNECTION, params={"page": 1, "limit": 50},
    ),
    _table(
        "event", "Runs of Drata's tests in the last days.", "/v2/events", "{id}", "Events: List Events",
        *_EVENT, params={**PAGE, **_SINCE},
    ),
    _table(
        "personnel", "People as Drata knows them.", "/v2/personnel", "{id}", "Personnel: List Personnel",
        *_PERSONNEL, params={**PAGE, "expand[]": ["user", "complianceChecks"]},
    ),
    _table("device", "Computers of people, with Drata's verdict.", "/v2/devices", "{id}",
           "Devices: List Devices", *_DEVICE),
)  # fmt: skip
