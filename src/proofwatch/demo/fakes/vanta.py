"""A Vanta that answers for Acme Robotics. All of it is DEMO DATA.

Mostly tidy. Deliberate faults:
- It says that all buckets keep versions, and two at AWS do not: the one disagreement between Vanta and us.
- Three users sign in to AWS without a second factor (there we agree), one of them linus.
- One test was switched off, and nobody wrote down why; another has not run for nine days.
- Vanta's connection to Jira broke, a document is out of date, and one vulnerability is past its deadline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from proofwatch.demo.fakes.base import Asked, Fake, Said
from proofwatch.demo.staff import LEAVER, STAFF, Person

CLIENT_ID = "vci_demo_acme_robotics"
SECRET = "vcs_demo_worthless"  # noqa: S105 - demo text
SCOPE = "vanta-api.all:read"
MOST = 4
"""Items of a page, however many are asked for: so that paging happens."""
WITHOUT_FACTOR = ("linus", "departed-contractor", "temporary-admin")
_TIDY = (
    ("aws-root-mfa", "Root account has MFA", "aws"),
    ("aws-s3-buckets-versioned", "S3 buckets are versioned", "aws"),
    ("aws-cloudtrail-enabled", "CloudTrail is enabled", "aws"),
    ("aws-guardduty-enabled", "GuardDuty is enabled", "aws"),
    ("github-branch-protection", "Default branches are protected", "github"),
    ("google-workspace-mfa", "Google accounts have MFA", "gsuiteadmin"),
    ("employees-accepted-policies", "Employees accepted the policies", "vanta"),
    ("employees-security-training", "Employees finished security training", "vanta"),
)


class FakeVanta(Fake):
    """Vanta's interface for one account.

    Args:
        now: the time that its last run counts from; the present by default.
        account_id: of the AWS account that it monitors.
        named_scope: whether the answer with a token names its scope.
        kept: whether only the faults that `seeds.kept` lists are left.
    """

    def __init__(
        self,
        now: datetime | None = None,
        account_id: str = "123456789012",
        named_scope: bool = True,
        kept: bool = False,
    ) -> None:
        super().__init__()
        self.kept = kept
        self.without_factor = WITHOUT_FACTOR[:2] if kept else WITHOUT_FACTOR
        self.now, self.account_id, self.named_scope = now or datetime.now(UTC), account_id, named_scope
        self.given_out = 0
        """Tokens so far: each one revokes the one before."""
        self.tests, self.entities = self._tests(), self._entities()
        self.route("POST /oauth/token", self._token)
        for path, items in self._lists().items():
            self.route(f"GET /v1{path}", self._listing(items))
        self.route("GET /v1/tests", self._filtered)
        self.route("GET /v1/tests/{id}/entities", self._of_test)
        self.route("GET /v1/frameworks/{id}", lambda asked: Said(self._framework()))

    def settings(self) -> dict[str, Any]:
        """Return the settings that connect to it; it runs."""
        return {
            "client_id": CLIENT_ID,
            "client_secret": "env:DEMO_VANTA_SECRET",
            "organization": "Acme Robotics",
            "base_url": f"{self.url}/v1",
            "requests_per_minute": 6000,
            "same": [
                "aws.s3.bucket-versioning=aws-s3-buckets-versioned",
                "aws.iam.console-user-mfa=aws-iam-console-users-mfa",
            ],
        }

    def environment(self) -> dict[str, str]:
        """Return the variables that the settings name."""
        return {"DEMO_VANTA_SECRET": SECRET}

    def answer(self, asked: Asked) -> Said:
        """Answer whoever has the one live token."""
        token = asked.headers.get("authorization", "")
        if asked.path.startswith("/v1/") and (not self.given_out or token != f"Bearer vat_{self.given_out}"):
            self.asked.append(asked)
            return Said({"error": {"message": "Unauthorized", "code": "unauthorized"}}, 401)
        return super().answer(asked)

    def unknown(self, asked: Asked) -> Said:
        """Answer as Vanta does."""
        return Said({"error": {"message": "Not found", "code": "not_found"}}, 404)

    def _token(self, asked: Asked) -> Said:
        given = asked.json() or {}
        if (given.get("client_id"), given.get("client_secret")) != (CLIENT_ID, SECRET):
            words = "Client authentication failed"
            return Said({"error": "invalid_client", "error_description": words}, 401)
        if given.get("scope") != SCOPE or given.get("grant_type") != "client_credentials":
            words = "The requested scope is not allowed"
            return Said({"error": "invalid_scope", "error_description": words}, 400)
        self.given_out += 1
        told = {"access_token": f"vat_{self.given_out}", "expires_in": 3599, "token_type": "Bearer"}
        return Said(told | ({"scope": SCOPE} if self.named_scope else {}))

    def _filtered(self, asked: Asked) -> Said:
        rollout = asked.query.get("isInRollout") == "true"
        return _page(
            [item for item in self.tests if item["id"] == "aws-imdsv2"] if rollout else self.tests, asked
        )

    def _of_test(self, asked: Asked) -> Said:
        status = asked.query.get("entityStatus", "FAILING")
        found = self.entities.get(asked.parts["id"], ())
        return _page([item for item in found if item["entityStatus"] == status], asked)

    def _listing(self, items: Sequence[Any]) -> Any:
        return lambda asked: _page(items, asked)

    def _ago(self, **span: float) -> str:
        return _moment(self.now - timedelta(**span))

    def _test(self, key: str, name: str, integration: str, status: str = "OK", **more: Any) -> dict[str, Any]:
        return {
            "id": key, "name": name, "description": f"{name}.", "failureDescription": f"Not so: {name}.",
            "remediationDescription": "Mend it.", "category": "Infrastructure", "status": status,
            "integrations": [integration], "lastTestRunDate": self._ago(hours=2),
            "latestFlipDate": self._ago(days=40), "version": {"major": 1, "minor": 3},
            "deactivatedStatusInfo": {
                "isDeactivated": False, "deactivatedReason": None, "lastUpdatedDate": None,
            },
            "remediationStatusInfo": {"status": "PASS", "soonestRemediateByDate": None, "itemCount": 0},
            "owner": {"id": "u1", "displayName": STAFF[0].name, "emailAddress": STAFF[0].email}, **more,
        }  # fmt: skip

    def _tests(self) -> list[dict[str, Any]]:
        late = {
            "status": "OVERDUE", "soonestRemediateByDate": self._ago(days=3),
            "itemCount": len(self.without_factor),
        }  # fmt: skip
        why = "Nothing public is served from this account" if self.kept else None
        off = {"isDeactivated": True, "deactivatedReason": why, "lastUpdatedDate": self._ago(days=90)}
        return [
            *(self._test(key, name, integration) for key, name, integration in _TIDY),
            self._test(
                "aws-iam-console-users-mfa", "Console users have MFA", "aws", "NEEDS_ATTENTION",
                remediationStatusInfo=late,
            ),
            self._test(
                "aws-waf-enabled", "A WAF is in front of public services", "aws", "DEACTIVATED",
                deactivatedStatusInfo=off,
            ),
            self._test(
                "aws-inspector-enabled", "Inspector is enabled", "aws",
                lastTestRunDate=self._ago(hours=2) if self.kept else self._ago(days=9),
            ),
            self._test(
                "aws-imdsv2", "Instances demand IMDSv2", "aws", "IN_PROGRESS", owner=None,
                lastTestRunDate=None, latestFlipDate=None,
            ),
        ]  # fmt: skip

    def _entities(self) -> dict[str, list[dict[str, Any]]]:
        def one(number: int, status: str, name: str, kind: str, why: str | None = None) -> dict[str, Any]:
            return {
                "id": f"entity-{number}", "entityStatus": status, "displayName": name, "responseType": kind,
                "deactivatedReason": why, "createdDate": self._ago(days=40),
                "lastUpdatedDate": self._ago(hours=2),
            }  # fmt: skip

        arn = f"arn:aws:iam::{self.account_id}:user/"
        failing = [one(n, "FAILING", f"{arn}{name}", "IamUser") for n, name in enumerate(self.without_factor)]
        why = "Signs in from the build farm only; approved by katherine until its role is ready"
        excluded = one(9, "DEACTIVATED", f"{arn}ci-deployer", "IamUser", why)
        return {"aws-iam-console-users-mfa": [*failing, excluded]}

    def _lists(self) -> Mapping[str, Sequence[Any]]:
        broken = None if self.kept else "The refresh token was revoked"
        return {
            "/controls": self._controls(),
            "/frameworks": [{key: value for key, value in self._framework().items() if key[:4] != "requ"}],
            "/integrations": [
                _integration("aws", "AWS", ["S3Bucket", "IamUser"]),
                _integration("github", "GitHub", ["Repository"]),
                _integration("gsuiteadmin", "Google Workspace", ["GsuiteUser"]),
                _integration("jira", "Jira", ["JiraTask"], broken),
            ],
            "/documents": [
                self._document("access-review", "Quarterly access review", "OK"),
                self._document(
                    "penetration-test", "Penetration test report", "OK" if self.kept else "Needs update"
                ),
                self._document("incident-drill", "Incident response drill", "OK"),
                self._document("physical-access", "Visitor log of the office", "Not relevant"),
                self._document("risk-assessment", "Yearly risk assessment", "OK"),
            ],
            "/vulnerabilities": [
                self._vulnerability(1, "HIGH", -4), self._vulnerability(2, "MEDIUM", 20),
                self._vulnerability(3, "LOW", None),
            ],
            "/people": [self._person(person) for person in STAFF],
            "/monitored-computers": [self._computer(person) for person in STAFF if not person.ended],
        }  # fmt: skip

    def _controls(self) -> list[dict[str, Any]]:
        return [
            {
                "id": key, "externalId": external, "name": name, "description": f"{name}.", "source": "Vanta",
                "domains": ["IDENTIFICATION_&_AUTHENTICATION"], "owner": None, "role": None,
                "customFields": [], "creationDate": self._ago(days=700), "modificationDate": None,
            }
            for key, external, name in (
                ("access-approved", "IAM-1", "Access is approved"),
                ("mfa-everywhere", "IAM-2", "A second factor is needed everywhere"),
                ("changes-reviewed", "CHG-1", "Changes are reviewed"),
                ("logs-kept", "LOG-1", "Logs are kept"),
                ("backups-kept", "BCP-1", "Backups are kept"),
            )
        ]  # fmt: skip

    def _framework(self) -> dict[str, Any]:
        requirement = {
            "id": "r61", "name": "Logical access", "shorthand": "CC6.1", "description": None,
            "controls": [{"id": "mfa-everywhere"}, {"id": "access-approved"}],
        }  # fmt: skip
        return {
            "id": "soc2", "displayName": "SOC 2", "shorthandName": "SOC 2", "description": "SOC 2",
            "numControlsCompleted": 4, "numControlsTotal": 5, "numDocumentsPassing": 3,
            "numDocumentsTotal": 4, "numTestsPassing": 9, "numTestsTotal": 12,
            "requirementCategories": [
                {"id": "c6", "name": "Access", "shorthand": "CC6", "requirements": [requirement]}
            ],
        }  # fmt: skip

    def _document(self, key: str, title: str, status: str) -> dict[str, Any]:
        return {
            "id": key, "title": title, "description": f"{title}.", "category": "Engineering", "ownerId": "u1",
            "isSensitive": False, "uploadStatus": status, "uploadStatusDate": self._ago(days=12),
            "url": f"https://app.vanta.example/documents/{key}",
        }  # fmt: skip

    def _vulnerability(self, number: int, severity: str, days: int | None) -> dict[str, Any]:
        return {
            "id": f"vulnerability-{number}", "name": f"CVE-2026-000{number}", "description": None,
            "severity": severity, "vulnerabilityType": "COMMON", "integrationId": "inspector",
            "targetId": "orders-api", "packageIdentifier": f"package-{number}", "cvssSeverityScore": 7.5,
            "scannerScore": None, "isFixable": True, "fixedVersion": "1.2.4",
            "remediateByDate": None if days is None else self._ago(days=-days),
            "firstDetectedDate": self._ago(days=34), "sourceDetectedDate": self._ago(days=34),
            "lastDetectedDate": self._ago(hours=5), "scanSource": "Inspector", "externalURL": None,
            "relatedVulns": [], "relatedUrls": [], "deactivateMetadata": None,
        }  # fmt: skip

    def _person(self, person: Person) -> dict[str, Any]:
        ended = f"{person.ended}T00:00:00.000Z" if person.ended else None
        return {
            "id": f"person-{person.login}", "userId": f"user-{person.login}", "emailAddress": person.email,
            "name": {"first": person.given, "last": person.family, "display": person.name},
            "employment": {
                "status": "FORMER" if ended else "CURRENT", "startDate": f"{person.started}T00:00:00.000Z",
                "endDate": ended, "jobTitle": person.title,
            },
            "leaveInfo": None, "groupIds": ["contractors" if person == LEAVER else "employees"],
            "tasksSummary": {"status": "COMPLETE", "dueDate": None, "completionDate": None, "details": {}},
        }  # fmt: skip

    def _computer(self, person: Person) -> dict[str, Any]:
        good = {"outcome": "PASS"}
        return {
            "id": f"computer-{person.login}", "integrationId": "vanta", "lastCheckDate": self._ago(hours=9),
            "screenlock": good, "diskEncryption": good, "passwordManager": good,
            "antivirusInstallation": {"outcome": "NA"},
            "operatingSystem": {"type": "macOS", "version": "26.1"},
            "owner": {"id": f"user-{person.login}", "displayName": person.name, "emailAddress": person.email},
            "serialNumber": f"C02{person.login.upper()[:6]}", "udid": f"udid-{person.login}",
        }  # fmt: skip


def _integration(key: str, name: str, kinds: list[str], error: str | None = None) -> dict[str, Any]:
    connection = {"connectionId": f"{key}-1", "isDisabled": False, "connectionErrorMessage": error}
    return {"integrationId": key, "displayName": name, "resourceKinds": kinds, "connections": [connection]}


def _page(items: Sequence[Any], asked: Asked) -> Said:
    per = min(int(asked.query.get("pageSize", "10")), MOST)
    cursor = asked.query.get("pageCursor", "")
    at = int(cursor.removeprefix("after-")) if cursor else 0
    more = at + per < len(items)
    info = {
        "startCursor": f"after-{at}" if items else None, "endCursor": f"after-{at + per}" if more else None,
        "hasNextPage": more, "hasPreviousPage": at > 0,
    }  # fmt: skip
    return Said({"results": {"data": list(items[at : at + per]), "pageInfo": info}})


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
