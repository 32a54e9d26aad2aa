"""What is logged and kept, and what Security Command Center found."""

from __future__ import annotations

from proofwatch.connectors.gcp.assets import asset_table, flag
from proofwatch.connectors.rest.declare import Col, Raw, RestTable


def _sink(data: Raw) -> Raw:
    return {"children": flag(data, "includeChildren"), "disabled": flag(data, "disabled")}


def _bucket(data: Raw) -> Raw:
    return {"locked": flag(data, "locked")}


WATCH = (
    asset_table(
        "gcp_log_sink",
        "Sinks: which logs are sent where.",
        "logging.googleapis.com/LogSink",
        (
            Col("name", path="data.name"),
            Col("node", about="Organisation, folder or project, as `ancestors` of a project names it"),
            Col(
                "destination",
                about="storage.googleapis.com/BUCKET, logging.googleapis.com/…",
                path="data.destination",
            ),
            Col("filter", about="NULL: everything", path="data.filter"),
            Col(
                "include_children",
                "BOOLEAN",
                "Whether logs of what lies below are sent, too",
                "made.children",
            ),
            Col("disabled", "BOOLEAN", path="made.disabled"),
            Col("exclusions", "JSON", path="data.exclusions"),
            Col("writer_identity", path="data.writerIdentity"),
        ),
        service="watch",
        shape=_sink,
        drop=("updateTime",),
    ),
    asset_table(
        "gcp_log_bucket",
        "Buckets of Cloud Logging, with how long they keep what they get.",
        "logging.googleapis.com/LogBucket",
        (
            Col("name", path="data.name"),
            Col("retention_days", "BIGINT", path="data.retentionDays"),
            Col("locked", "BOOLEAN", "Whether nobody can shorten it", "made.locked"),
            Col("lifecycle_state", path="data.lifecycleState"),
            Col("kms_key_name", path="data.cmekSettings.kmsKeyName"),
        ),
        service="watch",
        shape=_bucket,
        drop=("updateTime",),
    ),
    RestTable(
        name="gcp_scc_finding",
        about="Active findings, as Security Command Center asserts them.",
        service="findings",
        path="{+security_center}/v1/{+parent}/sources/-/findings",
        params={"filter": 'state="ACTIVE"', "pageSize": 1000},
        rows="listFindingsResults",
        omits_empty=True,
        resource="{finding.name}",
        permission="securitycenter.findings.list",
        drop=("stateChange",),
        columns=(
            Col("category", about="What it is about, by the detector's name", path="finding.category"),
            Col("severity", about="CRITICAL, HIGH, MEDIUM, LOW", path="finding.severity"),
            Col("state", path="finding.state"),
            Col("mute", about="MUTED, UNMUTED or UNDEFINED", path="finding.mute"),
            Col(
                "finding_class",
                about="THREAT, VULNERABILITY, MISCONFIGURATION, …",
                path="finding.findingClass",
            ),
            Col("description", path="finding.description"),
            Col("resource_name", about="What is affected", path="finding.resourceName"),
            Col("project_display_name", path="resource.projectDisplayName"),
            Col("event_time", "TIMESTAMPTZ", "When it was last seen", "finding.eventTime"),
            Col("create_time", "TIMESTAMPTZ", path="finding.createTime"),
            Col("external_uri", path="finding.externalUri"),
        ),
    ),
)
