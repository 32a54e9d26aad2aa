"""Things as GitHub's REST interface writes them, with every member that its description calls required."""

from __future__ import annotations

from typing import Any

API = "https://api.github.com"
WEB = "https://github.com"
SIMPLE_USER = (
    "events_url", "followers_url", "following_url", "gists_url", "organizations_url", "received_events_url",
    "repos_url", "starred_url", "subscriptions_url",
)  # fmt: skip
REPOSITORY = (
    "archive_url", "assignees_url", "blobs_url", "branches_url", "collaborators_url", "comments_url",
    "commits_url", "compare_url", "contents_url", "contributors_url", "deployments_url", "downloads_url",
    "events_url", "forks_url", "git_commits_url", "git_refs_url", "git_tags_url", "hooks_url",
    "issue_comment_url", "issue_events_url", "issues_url", "keys_url", "labels_url", "languages_url",
    "merges_url", "milestones_url", "notifications_url", "pulls_url", "releases_url", "stargazers_url",
    "statuses_url", "subscribers_url", "subscription_url", "tags_url", "teams_url", "trees_url",
)  # fmt: skip


def user(login: str, number: int, kind: str = "User") -> dict[str, Any]:
    """Return a simple user."""
    base = f"{API}/users/{login}"
    return {
        "login": login,
        "id": number,
        "node_id": f"U_{number}",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{number}",
        "gravatar_id": "",
        "url": base,
        "html_url": f"{WEB}/{login}",
        **{name: f"{base}/{name.removesuffix('_url')}" for name in SIMPLE_USER},
        "type": kind,
        "site_admin": False,
    }


def myself(login: str, number: int, created: str) -> dict[str, Any]:
    """Return a user as they see themselves."""
    empty = dict.fromkeys(("bio", "blog", "company", "email", "hireable", "location"))
    counts = (
        "followers", "following", "public_gists", "public_repos", "private_gists", "owned_private_repos",
        "total_private_repos", "disk_usage", "collaborators",
    )  # fmt: skip
    return {
        **user(login, number), **empty, **dict.fromkeys(counts, 0), "name": login.title(),
        "created_at": created, "updated_at": created, "two_factor_authentication": True,
        "user_view_type": "private",
    }  # fmt: skip


def repository(owner: dict[str, Any], name: str, number: int, **more: Any) -> dict[str, Any]:
    """Return a repository as listings have it; `visibility` and what else is given come on top."""
    base = f"{API}/repos/{owner['login']}/{name}"
    return {
        "id": number,
        "node_id": f"R_{number}",
        "name": name,
        "full_name": f"{owner['login']}/{name}",
        "owner": owner,
        "private": more.get("visibility", "private") != "public",
        "html_url": f"{WEB}/{owner['login']}/{name}",
        "description": None,
        "fork": False,
        "url": base,
        **{item: f"{base}/{item.removesuffix('_url')}" for item in REPOSITORY},
        **more,
    }


def dependabot_alert(
    where: dict[str, Any], number: int, package: str, severity: str, created: str
) -> dict[str, Any]:
    """Return an open Dependabot alert."""
    vulnerability = {
        "package": {"ecosystem": "pip", "name": package},
        "severity": severity,
        "vulnerable_version_range": "< 2.0.0",
        "first_patched_version": {"identifier": "2.0.0"},
    }
    url = f"{where['url']}/dependabot/alerts/{number}"
    advisory = {
        "ghsa_id": f"GHSA-demo-{number:04}-acme",
        "cve_id": f"CVE-2026-{9000 + number}",
        "summary": f"A hole in {package}",
        "description": "DEMO DATA",
        "vulnerabilities": [vulnerability],
        "severity": severity,
        "cvss": {"score": 8.1, "vector_string": None},
        "cwes": [],
        "identifiers": [],
        "references": [],
        "published_at": created,
        "updated_at": created,
        "withdrawn_at": None,
    }
    return {
        "number": number,
        "state": "open",
        "dependency": {
            "package": {"ecosystem": "pip", "name": package},
            "manifest_path": "requirements.txt",
            "scope": "runtime",
        },
        "security_advisory": advisory,
        "security_vulnerability": vulnerability,
        "url": url,
        "html_url": f"{where['html_url']}/security/dependabot/{number}",
        "created_at": created,
        "updated_at": created,
        "dismissed_at": None,
        "dismissed_by": None,
        "dismissed_reason": None,
        "dismissed_comment": None,
        "fixed_at": None,
        "repository": where,
    }


def code_alert(where: dict[str, Any], number: int, severity: str, created: str) -> dict[str, Any]:
    """Return an open alert of code scanning."""
    url = f"{where['url']}/code-scanning/alerts/{number}"
    return {
        "number": number,
        "created_at": created,
        "updated_at": created,
        "url": url,
        "html_url": f"{where['html_url']}/security/code-scanning/{number}",
        "instances_url": f"{url}/instances",
        "state": "open",
        "dismissed_by": None,
        "dismissed_at": None,
        "dismissed_reason": None,
        "rule": {
            "id": "py/sql-injection", "name": "py/sql-injection", "severity": "error",
            "security_severity_level": severity, "description": "SQL query built from what users sent",
        },
        "tool": {"name": "CodeQL", "guid": None, "version": "2.20.0"},
        "most_recent_instance": {"ref": "refs/heads/main", "state": "open"},
        "repository": where,
    }  # fmt: skip


def secret_alert(where: dict[str, Any], number: int, created: str) -> dict[str, Any]:
    """Return an open alert of secret scanning; the secret is worthless."""
    return {
        "number": number,
        "created_at": created,
        "updated_at": created,
        "url": f"{where['url']}/secret-scanning/alerts/{number}",
        "html_url": f"{where['html_url']}/security/secret-scanning/{number}",
        "state": "open",
        "resolution": None,
        "secret_type": "slack_incoming_webhook_url",
        "secret_type_display_name": "Slack Incoming Webhook URL",
        "secret": "DEMO-worthless-secret",
        "validity": "active",
        "push_protection_bypassed": True,
        "push_protection_bypassed_by": user("linus", 5003),
        "publicly_leaked": False,
        "repository": where,
    }


def hook(org: str, number: int, url: str, insecure: str, created: str) -> dict[str, Any]:
    """Return a webhook of an organisation."""
    base = f"{API}/orgs/{org}/hooks/{number}"
    return {
        "id": number, "url": base, "ping_url": f"{base}/pings", "type": "Organization", "name": "web",
        "active": True, "events": ["push", "repository"], "created_at": created, "updated_at": created,
        "config": {"url": url, "content_type": "json", "insecure_ssl": insecure, "secret": "********"},
    }  # fmt: skip


def installation(
    org: dict[str, Any], number: int, slug: str, permissions: dict[str, str], created: str
) -> dict[str, Any]:
    """Return an App's installation for all repositories."""
    base = f"{API}/app/installations/{number}"
    return {
        "id": number, "app_id": number + 1, "app_slug": slug, "account": org, "target_id": org["id"],
        "target_type": "Organization", "repository_selection": "all", "permissions": permissions,
        "access_tokens_url": f"{base}/access_tokens", "repositories_url": f"{API}/installation/repositories",
        "html_url": f"{WEB}/organizations/{org['login']}/settings/installations/{number}", "events": [],
        "single_file_name": None, "created_at": created, "updated_at": created, "suspended_at": None,
        "suspended_by": None,
    }  # fmt: skip
