"""What GitHub itself found in all repositories: vulnerable dependencies, faults in code, leaked secrets."""

from __future__ import annotations

from proofwatch.connectors.rest.declare import Col, RestTable

OPEN = {"state": "open", "per_page": 100}
REPOSITORY = Col("repository", "VARCHAR", "", "repository.full_name")
NUMBER = Col("number", "BIGINT")
OPENED = Col("created_at", "TIMESTAMPTZ", "When it was found")
URL = Col("html_url", "VARCHAR", "Its page")

ALERTS = (
    RestTable(
        name="github_dependabot_alert",
        about="Open alerts about vulnerable dependencies.",
        service="alerts",
        path="/orgs/{account}/dependabot/alerts",
        params=OPEN,
        resource="{repository.full_name}/dependabot/{number}",
        permission="Dependabot alerts: read",
        drop=("updated_at",),
        columns=(
            REPOSITORY, NUMBER, OPENED, URL,
            Col("state"),
            Col("severity", "VARCHAR", "low, medium, high or critical", "security_vulnerability.severity"),
            Col("package", "VARCHAR", "", "dependency.package.name"),
            Col("ecosystem", "VARCHAR", "", "dependency.package.ecosystem"),
            Col("scope", "VARCHAR", "runtime or development", "dependency.scope"),
            Col("manifest", "VARCHAR", "", "dependency.manifest_path"),
            Col("ghsa_id", "VARCHAR", "", "security_advisory.ghsa_id"),
            Col("cve_id", "VARCHAR", "", "security_advisory.cve_id"),
            Col("fixed_in", "VARCHAR", "First version without it; NULL where there is none",
                "security_vulnerability.first_patched_version.identifier"),
        ),
    ),
    RestTable(
        name="github_code_scanning_alert",
        about="Open alerts of code scanning.",
        service="alerts",
        path="/orgs/{account}/code-scanning/alerts",
        params=OPEN,
        resource="{repository.full_name}/code-scanning/{number}",
        permission="Code scanning alerts: read",
        drop=("updated_at", "most_recent_instance"),
        columns=(
            REPOSITORY, NUMBER, OPENED, URL,
            Col("state"),
            Col("severity", "VARCHAR", "low, medium, high or critical; NULL for faults that are no holes",
                "rule.security_severity_level"),
            Col("rule_severity", "VARCHAR", "note, warning or error", "rule.severity"),
            Col("rule", "VARCHAR", "", "rule.id"),
            Col("tool", "VARCHAR", "", "tool.name"),
        ),
    ),
    RestTable(
        name="github_secret_scanning_alert",
        about="Secrets found in repositories and not dealt with. The secret itself is not kept.",
        service="alerts",
        path="/orgs/{account}/secret-scanning/alerts",
        params=OPEN,
        resource="{repository.full_name}/secret-scanning/{number}",
        permission="Secret scanning alerts: read",
        drop=("updated_at", "secret", "first_location_detected"),
        columns=(
            REPOSITORY, NUMBER, OPENED, URL,
            Col("state"),
            Col("kind", "VARCHAR", "What sort of secret", "secret_type_display_name"),
            Col("validity", "VARCHAR", "active, inactive or unknown"),
            Col("push_protection_bypassed", "BOOLEAN", "Whether somebody pushed it although GitHub warned"),
            Col("push_protection_bypassed_by", "VARCHAR", "", "push_protection_bypassed_by.login"),
            Col("publicly_leaked", "BOOLEAN"),
        ),
    ),
)  # fmt: skip
