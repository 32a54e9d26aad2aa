"""GitHub of the simulated company. All of it is DEMO DATA.

Deliberate faults: `billing-api` takes changes without a review, and linus merged one there; linus has no
second factor; Mary, who left, is still a member and may write to `firmware`; a critical hole in `billing-api`
waits for 60 days; a webhook does not check certificates; a secret was pushed although GitHub warned.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import Any

from proofwatch.demo.fakes import github_shapes as shapes
from proofwatch.demo.fakes.base import Asked, Fake, Said, page_of
from proofwatch.demo.fakes.github_graph import Graph
from proofwatch.demo.staff import STAFF

ORG = "acme-robotics"
TOKEN = "DEMO-github-token-worthless"  # noqa: S105 - of the simulated company
NAMES = (
    "billing-api", "firmware", "fleet-manager", "web-shop", "telemetry", "docs", "infrastructure",
    *(f"service-{number:02}" for number in range(1, 54)),
)  # fmt: skip
MEMBERS = tuple(person for person in STAFF if person.login != "barbara")
OUTSIDE = "dana-freelance"
PERMISSIONS = {
    "members": "read", "metadata": "read", "administration": "read", "organization_administration": "read",
    "organization_hooks": "read", "contents": "read", "pull_requests": "read", "environments": "read",
    "vulnerability_alerts": "read", "security_events": "read", "secret_scanning_alerts": "read",
    "repository_hooks": "read", "checks": "read", "statuses": "read",
}  # fmt: skip


class FakeGithub(Fake):
    """The company's GitHub: REST and GraphQL under one address.

    Args:
        now: the time that ages are counted from; the real one by default.
        names: of the repositories.
        kept: whether only the faults that `seeds.kept` lists are left.
    """

    def __init__(self, now: datetime | None = None, names: Sequence[str] = NAMES, kept: bool = False) -> None:
        super().__init__()
        self.kept = kept
        self.now = (now or datetime.now(UTC)).replace(microsecond=0)
        self.names = tuple(names)
        self.graph = Graph(ORG, self.names, self.now, MEMBERS)
        self._routes_of_rest()

    def settings(self) -> dict[str, Any]:
        """Return what connects to it."""
        return {
            "organizations": [ORG], "token": "env:DEMO_GITHUB_TOKEN", "base_url": f"{self.url}/api/v3",
            "repository_webhooks": False,
        }  # fmt: skip

    @staticmethod
    def environment() -> dict[str, str]:
        """Return the variables that its settings name."""
        return {"DEMO_GITHUB_TOKEN": TOKEN}

    def answer(self, asked: Asked) -> Said:
        """Answer whoever brings a credential."""
        scheme, _, given = asked.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not given or given == "revoked":
            self.asked.append(asked)
            return Said(
                {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"}, 401
            )
        said = super().answer(asked)
        limits = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "4990", "x-oauth-scopes": self.scopes}
        return Said(said.body, said.status, {**limits, **said.headers})

    scopes = "read:org, read:user"

    @cached_property
    def org(self) -> dict[str, Any]:
        """The organisation as an account."""
        return shapes.user(ORG, 77, "Organization")

    def ago(self, days: float) -> str:
        """Return a moment so many days ago."""
        return (self.now - timedelta(days=days)).isoformat().replace("+00:00", "Z")

    def repository(self, name: str) -> dict[str, Any]:
        """Return a repository as REST has it."""
        number = 1000 + self.names.index(name)
        scanned = "disabled" if name == "docs" and not self.kept else "enabled"
        return shapes.repository(
            self.org, name, number, visibility="public" if name == "docs" else "private", archived=False,
            pushed_at=self.ago(1),
            security_and_analysis={
                "secret_scanning": {"status": "enabled"},
                "secret_scanning_push_protection": {"status": scanned},
                "advanced_security": {"status": "enabled"},
                "dependabot_security_updates": {"status": "enabled"},
            },
        )  # fmt: skip

    def _plain(self, name: str) -> dict[str, Any]:
        """Return a repository as alerts name it."""
        return shapes.repository(self.org, name, 1000 + self.names.index(name))

    def _routes_of_rest(self) -> None:
        add, api, org = self.route, "/api/v3", f"/api/v3/orgs/{ORG}"
        add("POST /api/graphql", lambda asked: Said(self.graph.answer(asked.json() or {})))
        me = shapes.myself("ada", 5001, self.ago(2000))
        add(f"GET {api}/user", lambda asked: Said(me))
        add(f"GET {api}/user/orgs", lambda asked: Said([{"login": ORG, "id": 77}]))
        add(f"GET {api}/app", lambda asked: Said({"id": 9, "slug": "proofwatch", "owner": self.org}))
        own = shapes.installation(self.org, 900, "proofwatch", PERMISSIONS, self.ago(200))
        add(f"GET {api}/app/installations", lambda asked: Said([own]))
        add(f"POST {api}/app/installations/900/access_tokens", self._installation_token)
        add(f"GET {org}", lambda asked: Said(self._organization()))
        add(f"GET {org}/installations", self._installations)
        actions = {**ACTIONS, "allowed_actions": "local_only"} if self.kept else ACTIONS
        add(f"GET {org}/actions/permissions", lambda asked: Said(actions))
        add(f"GET {org}/actions/permissions/workflow", lambda asked: Said(WORKFLOW))
        for name, items in self._lists().items():
            add(f"GET {org}/{name}", partial(self._list, items))
        add(f"GET {org}/teams/{{slug}}/members", self._team)
        add(f"GET {org}/outside_collaborators", self._outside)
        add(f"GET {api}/repos/{ORG}/{{name}}/hooks", lambda asked: Said([]))

    def _lists(self) -> dict[str, list[dict[str, Any]]]:
        billing, firmware = self._plain("billing-api"), self._plain("firmware")
        teams = [self._one_team(slug, number) for number, slug in enumerate(("engineering", "security"), 300)]
        insecure = "0" if self.kept else "1"
        return {
            "repos": [self.repository(name) for name in self.names],
            "hooks": [
                shapes.hook(ORG, 1, "https://ci.acme-robotics.example/hook", "0", self.ago(300)),
                shapes.hook(ORG, 2, "https://old.acme-robotics.example/hook", insecure, self.ago(900)),
            ],
            "rulesets": [
                {
                    "id": 41, "name": "default branches", "source": ORG, "source_type": "Organization",
                    "target": "branch", "enforcement": "active", "created_at": self.ago(400),
                }
            ],
            "invitations": [
                {
                    "id": 71, "login": None, "email": "new@acme-robotics.example", "role": "direct_member",
                    "created_at": self.ago(2), "inviter": shapes.user("ada", 5001), "team_count": 0,
                    "node_id": "I_71",
                    "invitation_teams_url": f"{shapes.API}/organizations/77/invitations/71/teams",
                }
            ],
            "teams": teams,
            "dependabot/alerts": [
                shapes.dependabot_alert(billing, 1, "requests-toolbelt", "critical", self.ago(60)),
                shapes.dependabot_alert(firmware, 2, "pyserial", "medium", self.ago(5)),
            ],
            "code-scanning/alerts": [shapes.code_alert(firmware, 1, "medium", self.ago(3))],
            "secret-scanning/alerts": []
            if self.kept
            else [shapes.secret_alert(billing, 1, self.ago(12))],
        }  # fmt: skip

    def _one_team(self, slug: str, number: int) -> dict[str, Any]:
        base = f"{shapes.API}/organizations/77/team/{number}"
        return {
            "id": number, "node_id": f"T_{number}", "url": base, "name": slug.title(), "slug": slug,
            "html_url": f"{shapes.WEB}/orgs/{ORG}/teams/{slug}", "members_url": f"{base}/members{{/member}}",
            "repositories_url": f"{base}/repos", "description": None, "permission": "pull",
            "privacy": "closed", "parent": None, "type": "organization", "organization_id": 77,
        }  # fmt: skip

    def _organization(self) -> dict[str, Any]:
        base = f"{shapes.API}/orgs/{ORG}"
        urls = ("repos_url", "events_url", "hooks_url", "issues_url", "members_url", "public_members_url")
        return {
            **{name: f"{base}/{name.removesuffix('_url')}" for name in urls},
            "login": ORG, "id": 77, "node_id": "O_77", "url": base, "html_url": f"{shapes.WEB}/{ORG}",
            "avatar_url": "https://avatars.githubusercontent.com/u/77", "description": "DEMO DATA",
            "has_organization_projects": False, "has_repository_projects": False, "public_repos": 1,
            "public_gists": 0, "followers": 3, "following": 0, "type": "Organization", "archived_at": None,
            "created_at": self.ago(2500), "updated_at": self.ago(1), "is_verified": True,
            "two_factor_requirement_enabled": False, "default_repository_permission": "read",
            "members_can_create_repositories": True, "members_can_create_public_repositories": False,
            "members_can_create_public_pages": False, "members_can_fork_private_repositories": False,
            "members_can_delete_repositories": False, "members_can_change_repo_visibility": False,
            "members_can_invite_outside_collaborators": False, "web_commit_signoff_required": False,
            "deploy_keys_enabled_for_repositories": True, "name": "Acme Robotics",
            "advanced_security_enabled_for_new_repositories": True,
            "dependabot_alerts_enabled_for_new_repositories": True,
            "dependabot_security_updates_enabled_for_new_repositories": True,
            "secret_scanning_enabled_for_new_repositories": True,
            "secret_scanning_push_protection_enabled_for_new_repositories": True,
            "plan": {"name": "team", "space": 9765624, "private_repos": 9999, "filled_seats": 7, "seats": 10},
        }  # fmt: skip

    def _installations(self, asked: Asked) -> Said:
        mine = shapes.installation(self.org, 900, "proofwatch", PERMISSIONS, self.ago(200))
        robot = shapes.installation(self.org, 901, "merge-robot", {"contents": "write"}, self.ago(700))
        return Said({"total_count": 2, "installations": [mine, robot]})

    def _installation_token(self, asked: Asked) -> Said:
        ends = (self.now + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
        return Said({"token": TOKEN, "expires_at": ends, "permissions": PERMISSIONS}, 201)

    def _team(self, asked: Asked) -> Said:
        logins = [item.login for item in MEMBERS if item.admin or asked.parts["slug"] == "engineering"]
        return self._list([shapes.user(login, 5000 + len(login)) for login in logins], asked)

    def _outside(self, asked: Asked) -> Said:
        people = [] if asked.query.get("filter") == "2fa_disabled" else [shapes.user(OUTSIDE, 6001)]
        return self._list(people, asked)

    def _list(self, items: Sequence[Any], asked: Asked) -> Said:
        """Return a page, with the next one in Link, as GitHub does."""
        found, more = page_of(items, asked, "page", "per_page")
        if not more:
            return Said(found)
        query = {**asked.query, "page": str(int(asked.query.get("page", "1")) + 1)}
        text = "&".join(f"{name}={value}" for name, value in query.items())
        return Said(found, 200, {"Link": f'<{asked.base}{asked.path}?{text}>; rel="next"'})


ACTIONS = {"enabled_repositories": "all", "allowed_actions": "all", "sha_pinning_required": False}
WORKFLOW = {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": False}
