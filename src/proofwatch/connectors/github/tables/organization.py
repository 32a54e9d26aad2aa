"""The organisation: its settings, apps, webhooks, rulesets, what Actions may do, and its audit log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from proofwatch.connectors.rest.collect import Place
from proofwatch.connectors.rest.declare import Call, Col, Raw, RestTable
from proofwatch.connectors.rest.paging import Request

ADMINISTRATION = "Organization administration: read"
HOOKS = "Organization webhooks: read"
PAGE = {"per_page": 100}
COUNTERS = (
    "followers", "following", "public_repos", "public_gists", "private_gists", "disk_usage", "updated_at",
    "total_private_repos", "owned_private_repos", "plan", "collaborators",
)  # fmt: skip


HOOK = (
    Col("id", "BIGINT"),
    Col("active", "BOOLEAN"),
    Col("events", "VARCHAR[]"),
    Col("url", "VARCHAR", "Where to", "config.url"),
    Col(
        "insecure_ssl",
        "VARCHAR",
        "0: certificates are checked, 1: they are not",
        "config.insecure_ssl",
    ),
    Col("content_type", "VARCHAR", "", "config.content_type"),
    Col("created_at", "TIMESTAMPTZ"),
)
"""Columns of a webhook, of an organisation or of a repository."""


def _events(place: Place) -> Iterator[Raw]:
    """Yield the entries of the audit log of the last days, newest first."""
    since = datetime.now(UTC) - timedelta(days=place.names["audit_log_days"])
    params = {**PAGE, "include": "all", "phrase": f"created:>={since:%Y-%m-%d}"}
    request = Request(f"/orgs/{place.account}/audit-log", params)
    yield from place.api.items(request, permission=ADMINISTRATION, stats=place.stats)


ORGANIZATION = (
    RestTable(
        name="github_organization",
        about="The organisation and the settings that hold for all of it.",
        service="organization",
        path="/orgs/{account}",
        single=True,
        resource="{login}",
        permission=ADMINISTRATION,
        drop=COUNTERS,
        columns=(
            Col("login"),
            Col("id", "BIGINT"),
            Col("name"),
            Col("plan", "VARCHAR", "Name of the plan", "plan.name"),
            Col("seats", "BIGINT", "Seats that are paid for", "plan.seats"),
            Col("filled_seats", "BIGINT", "Seats in use", "plan.filled_seats"),
            Col("is_verified", "BOOLEAN", "Whether GitHub verified its domain"),
            Col("created_at", "TIMESTAMPTZ"),
            Col("two_factor_requirement_enabled", "BOOLEAN", "Whether every member needs a second factor"),
            Col("default_repository_permission", "VARCHAR", "What every member may do in every repository"),
            Col("members_can_create_repositories", "BOOLEAN"),
            Col("members_can_create_public_repositories", "BOOLEAN"),
            Col("members_can_create_public_pages", "BOOLEAN"),
            Col("members_can_fork_private_repositories", "BOOLEAN"),
            Col("members_can_delete_repositories", "BOOLEAN"),
            Col("members_can_change_repo_visibility", "BOOLEAN"),
            Col("members_can_invite_outside_collaborators", "BOOLEAN"),
            Col("web_commit_signoff_required", "BOOLEAN"),
            Col("deploy_keys_enabled_for_repositories", "BOOLEAN"),
            Col("advanced_security_enabled_for_new_repositories", "BOOLEAN"),
            Col("dependabot_alerts_enabled_for_new_repositories", "BOOLEAN"),
            Col("dependabot_security_updates_enabled_for_new_repositories", "BOOLEAN"),
            Col("secret_scanning_enabled_for_new_repositories", "BOOLEAN"),
            Col("secret_scanning_push_protection_enabled_for_new_repositories", "BOOLEAN"),
        ),
    ),
    RestTable(
        name="github_app_installation",
        about="Apps that are installed in the organisation, and what they may do.",
        service="organization",
        path="/orgs/{account}/installations",
        rows="installations",
        params=PAGE,
        resource="installation/{id}",
        permission=ADMINISTRATION,
        drop=("updated_at",),
        columns=(
            Col("id", "BIGINT"),
            Col("app_id", "BIGINT"),
            Col("app_slug"),
            Col("repository_selection", "VARCHAR", "all or selected"),
            Col("permissions", "MAP(VARCHAR, VARCHAR)", "Permission → read, write or admin"),
            Col("events", "VARCHAR[]"),
            Col("created_at", "TIMESTAMPTZ"),
            Col("suspended_at", "TIMESTAMPTZ"),
        ),
    ),
    RestTable(
        name="github_organization_webhook",
        about="Where GitHub sends the organisation's events.",
        service="organization",
        path="/orgs/{account}/hooks",
        params=PAGE,
        resource="hook/{id}",
        permission=HOOKS,
        drop=("updated_at", "last_response"),
        columns=(*HOOK,),
    ),
    RestTable(
        name="github_organization_ruleset",
        about="Rulesets of the organisation.",
        service="organization",
        path="/orgs/{account}/rulesets",
        params=PAGE,
        resource="{name}/{id}",
        permission=ADMINISTRATION,
        drop=("updated_at",),
        # Plans below Team have none: GitHub answers 403 or 404, which is unread and says so.
        columns=(
            Col("id", "BIGINT"),
            Col("name"),
            Col("target", "VARCHAR", "branch, tag, push or repository"),
            Col("enforcement", "VARCHAR", "active, evaluate or disabled"),
            Col("created_at", "TIMESTAMPTZ"),
        ),
    ),
    RestTable(
        name="github_actions_policy",
        about="What GitHub Actions may do in the organisation.",
        service="organization",
        path="/orgs/{account}/actions/permissions",
        single=True,
        resource="actions",
        permission=ADMINISTRATION,
        columns=(
            Col("enabled_repositories", "VARCHAR", "all, none or selected"),
            Col("allowed_actions", "VARCHAR", "all, local_only or selected"),
            Col("sha_pinning_required", "BOOLEAN", "Whether actions must be named by a commit"),
        ),
        calls=(
            Call(
                path="/orgs/{account}/actions/permissions/workflow",
                columns=(
                    Col(
                        "default_workflow_permissions",
                        "VARCHAR",
                        "What a workflow's token may: read or write",
                    ),
                    Col("can_approve_pull_request_reviews", "BOOLEAN", "Whether workflows may approve"),
                ),
                permission=ADMINISTRATION,
            ),
        ),
    ),
    RestTable(
        name="github_audit_log_event",
        about="The organisation's audit log of the last days (Enterprise Cloud).",
        service="audit-log",
        path="/orgs/{account}/audit-log",
        reader=_events,
        resource="{_document_id}",
        permission=ADMINISTRATION,
        columns=(
            Col("action"),
            Col("actor"),
            Col("user", "VARCHAR", "Whom it concerns"),
            Col("repo"),
            Col("team"),
            Col("operation_type"),
            Col("created_at_ms", "BIGINT", "Milliseconds since 1970", "created_at"),
        ),
    ),
)
