"""Vanta's tables. A verdict of Vanta's is a row like any other, with the time at which Vanta judged."""

from __future__ import annotations

from collections.abc import Iterator

from proofwatch.connectors.rest.collect import Place
from proofwatch.connectors.rest.declare import Call, Col, Raw, RestTable
from proofwatch.connectors.vanta.access import SCOPE

PAGE = {"pageSize": 100}
_OUTCOME = "PASS, FAIL, IN_PROGRESS or NA, in Vanta's words"
_IGNORED = "Vanta did not tell tests in rollout from others"


def read_tests(place: Place) -> Iterator[Raw]:
    """Yield every test, and whether it is in rollout, which only a second listing tells."""
    tests = list(_listed(place, "/tests"))
    rollout = {item.get("id") for item in _listed(place, "/tests", isInRollout="true")}
    # A filter that is ignored gives all of them; then nothing is known of any.
    ignored = bool(tests) and rollout >= {item.get("id") for item in tests}
    for item in tests:
        if ignored:
            yield {**item, "_unread": {"is_in_rollout": _IGNORED}}
        else:
            yield {**item, "isInRollout": item.get("id") in rollout}


def read_entities(place: Place) -> Iterator[Raw]:
    """Yield what fails a test, and what somebody took out of it. Passing things are not offered by Vanta."""
    for test in place.rows("vanta_test"):
        status = test.get("status")
        wanted = ["FAILING"] if status == "NEEDS_ATTENTION" else []
        if wanted or place.names["all_exclusions"]:
            wanted.append("DEACTIVATED")
        of = {f"test_{name}": test.get(name) for name in ("id", "name", "status", "lastTestRunDate")}
        for state in wanted:
            path = f"/tests/{test['id']}/entities"
            for item in _listed(place, path, entityStatus=state):
                yield {**item, **of}


def read_connections(place: Place) -> Iterator[Raw]:
    """Yield each connection of each integration."""
    for integration in place.rows("vanta_integration"):
        for item in integration.get("connections") or []:
            yield {
                **item,
                "integrationId": integration.get("integrationId"),
                "integrationName": integration.get("displayName"),
            }


def _listed(place: Place, path: str, **params: str) -> Iterator[Raw]:
    for page in place.pages(path, SCOPE, params={**PAGE, **params}):
        # The pager refuses a page without the list; here it has not seen it yet.
        yield from (page.body.get("results") or {}).get("data") or [] if isinstance(page.body, dict) else []


def _table(name: str, about: str, path: str, resource: str, *columns: Col, **more: object) -> RestTable:
    return RestTable(
        name=f"vanta_{name}", about=about, path=path, resource=resource, columns=columns,
        rows="results.data", params=PAGE, permission=SCOPE, **more,  # type: ignore[arg-type]
    )  # fmt: skip


_TEST = (
    Col("test_id", path="id"),
    Col("name"),
    Col("category"),
    Col("status", about="Vanta's verdict in its own word"),
    Col(
        "judged_at", "TIMESTAMPTZ", "When Vanta ran the test last; NULL where it never did", "lastTestRunDate"
    ),
    Col("state_since", "TIMESTAMPTZ", "Since when the status is what it is", "latestFlipDate"),
    Col("version", "STRUCT(major BIGINT, minor BIGINT)", "Of the test's logic"),
    Col("integrations", "VARCHAR[]"),
    Col("is_in_rollout", "BOOLEAN", "Whether it is announced only, and counts for nobody yet", "isInRollout"),
    Col("is_deactivated", "BOOLEAN", path="deactivatedStatusInfo.isDeactivated"),
    Col("deactivated_reason", path="deactivatedStatusInfo.deactivatedReason"),
    Col("deactivated_at", "TIMESTAMPTZ", path="deactivatedStatusInfo.lastUpdatedDate"),
    Col(
        "remediation_status",
        about="OVERDUE where the deadline is missed",
        path="remediationStatusInfo.status",
    ),
    Col("remediate_by", "TIMESTAMPTZ", path="remediationStatusInfo.soonestRemediateByDate"),
    Col("open_items", "BIGINT", "How many things fail", "remediationStatusInfo.itemCount"),
    Col("owner_name", path="owner.displayName"),
    Col("owner_email", path="owner.emailAddress"),
    Col("failure_description", path="failureDescription"),
    Col("remediation_description", path="remediationDescription"),
)
_ENTITY = (
    Col("entity_id", path="id"),
    Col("test_id", path="test_id"),
    Col("test_name", path="test_name"),
    Col("test_status", path="test_status"),
    Col("judged_at", "TIMESTAMPTZ", "When Vanta ran the test last", "test_lastTestRunDate"),
    Col("entity_status", about="FAILING or DEACTIVATED", path="entityStatus"),
    Col("display_name", about="The thing's name or ARN, as Vanta shows it", path="displayName"),
    Col("entity_type", path="responseType"),
    Col("deactivated_reason", path="deactivatedReason"),
    Col("created_at", "TIMESTAMPTZ", path="createdDate"),
    Col("updated_at", "TIMESTAMPTZ", path="lastUpdatedDate"),
)
_CONTROL = (
    Col("control_id", path="id"),
    Col("external_id", path="externalId"),
    Col("name"),
    Col("description"),
    Col("source", about="Vanta or Custom"),
    Col("domains", "VARCHAR[]"),
    Col("owner_email", path="owner.emailAddress"),
    Col("created_at", "TIMESTAMPTZ", path="creationDate"),
    Col("modified_at", "TIMESTAMPTZ", path="modificationDate"),
)
_FRAMEWORK = (
    Col("framework_id", path="id"),
    Col("display_name", path="displayName"),
    Col("shorthand_name", path="shorthandName"),
    Col("controls_completed", "BIGINT", path="numControlsCompleted"),
    Col("controls_total", "BIGINT", path="numControlsTotal"),
    Col("tests_passing", "BIGINT", path="numTestsPassing"),
    Col("tests_total", "BIGINT", path="numTestsTotal"),
    Col("documents_passing", "BIGINT", path="numDocumentsPassing"),
    Col("documents_total", "BIGINT", path="numDocumentsTotal"),
)
_INTEGRATION = (
    Col("integration_id", path="integrationId"),
    Col("display_name", path="displayName"),
    Col("resource_kinds", "VARCHAR[]", path="resourceKinds"),
    Col(
        "connections",
        "STRUCT(connection_id VARCHAR, is_disabled BOOLEAN, connection_error_message VARCHAR)[]",
    ),
)
_CONNECTION = (
    Col("connection_id", path="connectionId"),
    Col("integration_id", path="integrationId"),
    Col("integration_name", path="integrationName"),
    Col("is_disabled", "BOOLEAN", path="isDisabled"),
    Col(
        "error_message", about="Why Vanta cannot read there; NULL where it can", path="connectionErrorMessage"
    ),
)
_DOCUMENT = (
    Col("document_id", path="id"),
    Col("title"),
    Col("category"),
    Col("owner_id", path="ownerId"),
    Col("is_sensitive", "BOOLEAN", path="isSensitive"),
    Col("upload_status", about="OK, Needs document, Needs update, Not relevant", path="uploadStatus"),
    Col("status_since", "TIMESTAMPTZ", path="uploadStatusDate"),
    Col("url"),
)
_VULNERABILITY = (
    Col("vulnerability_id", path="id"),
    Col("name"),
    Col("severity"),
    Col("kind", path="vulnerabilityType"),
    Col("integration_id", path="integrationId"),
    Col("target_id", path="targetId"),
    Col("package_identifier", path="packageIdentifier"),
    Col("cvss_severity_score", "DOUBLE", path="cvssSeverityScore"),
    Col("is_fixable", "BOOLEAN", path="isFixable"),
    Col("fixed_version", path="fixedVersion"),
    Col(
        "remediate_by", "TIMESTAMPTZ", "Deadline that Vanta took from the company's rules", "remediateByDate"
    ),
    Col("first_detected_at", "TIMESTAMPTZ", path="firstDetectedDate"),
    Col("judged_at", "TIMESTAMPTZ", "When it was seen last", "lastDetectedDate"),
    Col(
        "deactivation",
        "JSON",
        "Who took it out, until when and why; NULL where nobody did",
        "deactivateMetadata",
    ),
)
_PERSON = (
    Col("person_id", path="id"),
    Col("user_id", path="userId"),
    Col("email", path="emailAddress"),
    Col("name", path="name.display"),
    Col("employment_status", path="employment.status"),
    Col("started_at", "TIMESTAMPTZ", path="employment.startDate"),
    Col("ended_at", "TIMESTAMPTZ", path="employment.endDate"),
    Col("job_title", path="employment.jobTitle"),
    Col("group_ids", "VARCHAR[]", path="groupIds"),
    Col("tasks_status", path="tasksSummary.status"),
    Col("tasks_due_at", "TIMESTAMPTZ", path="tasksSummary.dueDate"),
    Col("tasks_completed_at", "TIMESTAMPTZ", path="tasksSummary.completionDate"),
)
_COMPUTER = (
    Col("computer_id", path="id"),
    Col("integration_id", path="integrationId"),
    Col("judged_at", "TIMESTAMPTZ", "When the computer reported last", "lastCheckDate"),
    Col("screenlock", about=_OUTCOME, path="screenlock.outcome"),
    Col("disk_encryption", about=_OUTCOME, path="diskEncryption.outcome"),
    Col("password_manager", about=_OUTCOME, path="passwordManager.outcome"),
    Col("antivirus", about=_OUTCOME, path="antivirusInstallation.outcome"),
    Col("operating_system", "STRUCT(type VARCHAR, version VARCHAR)", path="operatingSystem"),
    Col("owner_email", path="owner.emailAddress"),
    Col("serial_number", path="serialNumber"),
)
_REQUIREMENTS = Call(
    path="/frameworks/{id}",
    columns=(
        Col(
            "requirement_categories",
            "JSON",
            "Criteria and the controls that serve them",
            "requirementCategories",
        ),
    ),
    permission=SCOPE,
)

TABLES = (
    _table(
        "test", "Automated tests of Vanta with its verdict on each.", "/tests", "{id}", *_TEST,
        reader=read_tests, shared=True,
    ),
    _table(
        "test_entity", "What fails a test of Vanta, and what was taken out of one.", "/tests/{id}/entities",
        "{test_id}/{id}", *_ENTITY, reader=read_entities,
    ),
    _table("control", "Controls as Vanta lists them.", "/controls", "{id}", *_CONTROL),
    _table(
        "framework", "Frameworks, how far Vanta says they are met, and their criteria with controls.",
        "/frameworks", "{id}", *_FRAMEWORK, calls=(_REQUIREMENTS,),
    ),
    _table("integration", "Systems that Vanta reads.", "/integrations", "{integrationId}", *_INTEGRATION,
           shared=True),
    _table(
        "integration_connection", "Vanta's own connections to the systems it reads, and their errors.",
        "/integrations", "{integrationId}/{connectionId}", *_CONNECTION, reader=read_connections,
    ),
    _table("document", "Documents that Vanta asks for, and whether they are there.", "/documents", "{id}",
           *_DOCUMENT),
    _table("vulnerability", "Vulnerabilities that Vanta gathered, with its deadlines.", "/vulnerabilities",
           "{id}", *_VULNERABILITY),
    _table("person", "People as Vanta knows them, with employment and tasks.", "/people", "{id}", *_PERSON),
    _table(
        "monitored_computer", "Computers of people, with Vanta's verdict on their protection.",
        "/monitored-computers", "{id}", *_COMPUTER,
    ),
)  # fmt: skip
