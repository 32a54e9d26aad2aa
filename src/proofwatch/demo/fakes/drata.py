"""A Drata that answers for Acme Robotics. All of it is DEMO DATA.

Two workspaces; version 1 knows the tests of the first one only. Mostly tidy. Deliberate faults:
- Users sign in to AWS without a second factor, linus among them: there Drata and we agree.
- A test was switched off without a word, and something was taken out of another without one.
- Drata's connection to GitHub is misconfigured, and the report of the penetration test has run out.
- The laptop of alan is not compliant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from proofwatch.demo.fakes.base import Asked, Fake, Said
from proofwatch.demo.staff import EMPLOYED, STAFF

KEY = "drata-demo-key-worthless"
MOST = 3
"""Items of a page, however many are asked for: so that paging happens."""
FIRST, SECOND = 1, 2
_TESTS = (
    (88, "MFA on infrastructure console", "FAILED", "ENABLED"),
    (90, "Cloud storage is encrypted", "PASSED", "ENABLED"),
    (91, "Cloud audit log is on", "PASSED", "ENABLED"),
    (92, "Version control access is reviewed", "READY", "DISABLED"),
    (93, "Security training is done", "PASSED", "ENABLED"),
)
_KEPT_TESTS = tuple(
    (number, name, "PASSED", "ENABLED") if status == "DISABLED" else (number, name, result, status)
    for number, name, result, status in _TESTS
)
_WEEKLY = 93


class FakeDrata(Fake):
    """Drata's interface for one tenant.

    Args:
        now: the time that its last run counts from; the present by default.
        account_id: of the AWS account that it monitors.
        largest: items of a page that may be asked for; more is refused.
        version_1: whether the older interface still lists tests.
        kept: whether only the faults that `seeds.kept` lists are left.
    """

    def __init__(
        self,
        now: datetime | None = None,
        account_id: str = "123456789012",
        largest: int = 500,
        version_1: bool = True,
        kept: bool = False,
    ) -> None:
        super().__init__()
        self.kept = kept
        self.rows = _KEPT_TESTS if kept else _TESTS
        self.now, self.account_id, self.largest = now or datetime.now(UTC), account_id, largest
        self.route("GET /public/v2/company", lambda _: Said({"id": 7, "name": "Acme Robotics"}))
        workspaces = [
            {"id": FIRST, "primary": True, "name": "Acme Robotics", "createdAt": self._ago(days=900)},
            {"id": SECOND, "primary": False, "name": "Acme Labs", "createdAt": self._ago(days=90)},
        ]
        self.route("GET /public/v2/workspaces", self._by_cursor(lambda _: workspaces))
        if version_1:
            self.route("GET /public/monitors", self._by_number(self._monitors()))
        self.route("GET /public/connections", self._by_number(self._connections()))
        of = "GET /public/v2/workspaces/{workspace}"
        tests = f"{of}/monitoring-tests"
        self.route(tests, self._by_cursor(lambda asked: self._tests(int(asked.parts["workspace"]))))
        self.route(
            f"{tests}/{{test}}/failures", self._by_cursor(self._failures, lastCheck=self._ago(hours=3))
        )
        self.route(f"{tests}/{{test}}/passes", self._by_cursor(self._passes, lastCheck=self._ago(hours=3)))
        self.route(f"{tests}/{{test}}/exclusions", self._by_cursor(self._exclusions))
        self.route(f"{of}/controls", self._by_cursor(lambda _: self._controls()))
        self.route(f"{of}/evidence", self._by_cursor(lambda _: self._evidence()))
        self.route("GET /public/v2/events", self._by_cursor(lambda _: self._events()))
        self.route("GET /public/v2/personnel", self._by_cursor(lambda _: self._personnel()))
        self.route("GET /public/v2/devices", self._by_cursor(lambda _: self._devices()))

    def settings(self) -> dict[str, Any]:
        """Return the settings that connect to it; it runs."""
        return {"api_key": "env:DEMO_DRATA_KEY", "base_url": self.url, "requests_per_minute": 60000}

    def environment(self) -> dict[str, str]:
        """Return the variables that the settings name."""
        return {"DEMO_DRATA_KEY": KEY}

    def answer(self, asked: Asked) -> Said:
        """Answer whoever has the key."""
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            self.asked.append(asked)
            return _error("UnauthorizedException", 401, "Invalid API key")
        if int(asked.query.get("size", "1")) > self.largest:
            self.asked.append(asked)
            return _error("BadRequestException", 400, f"size must not be greater than {self.largest}")
        return super().answer(asked)

    def unknown(self, asked: Asked) -> Said:
        """Answer as Drata does."""
        return _error("NotFoundException", 404, f"Cannot GET {asked.path}")

    def _by_cursor(self, items: Callable[[Asked], Sequence[Any]], **more: Any) -> Callable[[Asked], Said]:
        def answer(asked: Asked) -> Said:
            found, cursor = items(asked), asked.query.get("cursor", "")
            at = int(cursor.removeprefix("at-") or 0)
            per = min(int(asked.query.get("size", "50")), MOST)
            following = f"at-{at + per}" if at + per < len(found) else None
            page = list(found[at : at + per])
            return Said({"data": page, "pagination": {"cursor": following}, **more})

        return answer

    def _by_number(self, items: Sequence[Any]) -> Callable[[Asked], Said]:
        def answer(asked: Asked) -> Said:
            page, limit = int(asked.query.get("page", "1")), int(asked.query.get("limit", "20"))
            found = list(items[(page - 1) * limit : page * limit])
            return Said({"data": found, "page": page, "limit": limit, "total": len(items)})

        return answer

    def _ago(self, **span: float) -> str:
        return (self.now - timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def _tests(self, workspace: int) -> list[dict[str, Any]]:
        return [
            {
                "id": workspace * 1000 + number, "testId": number, "name": name, "description": f"{name}.",
                "checkResultStatus": result, "checkStatus": status, "testSource": "DRATA",
                "createdAt": self._ago(days=800), "updatedAt": self._ago(hours=3),
                "lastPassedAt": self._ago(hours=3) if result == "PASSED" else self._ago(days=20),
                "failedSince": self._ago(days=20) if result == "FAILED" else None,
                "monitorInstances": [
                    {
                        "id": workspace * 10000 + number, "checkResultStatus": result,
                        "checkTypes": ["INFRASTRUCTURE"], "collectionDescription": name,
                        "createdAt": self._ago(days=800), "updatedAt": self._ago(hours=3),
                    }
                ],
                "controls": [_control(number)],
                "disabledByUser": {"id": 3, "email": STAFF[4].email} if status == "DISABLED" else None,
            }
            for number, name, result, status in self.rows
        ]  # fmt: skip

    def _monitors(self) -> list[dict[str, Any]]:
        return [
            {
                "id": FIRST * 1000 + number, "name": name, "description": f"{name}.",
                "checkResultStatus": result, "checkStatus": status, "disabledMessage": None,
                "lastCheck": self._ago(days=4) if number == _WEEKLY else self._ago(hours=3),
                "priority": "NORMAL", "autoEnabledAt": self._ago(days=800), "testId": number,
                "createdAt": self._ago(days=800), "updatedAt": self._ago(hours=3),
                "monitorInstances": [self._instance(number, result)],
                "disablingUser": self._administrator(), "controls": [], "monitorInstanceExclusions": [],
                "graph": {},
                "eventTypes": [],
            }
            for number, name, result, status in self.rows
        ]  # fmt: skip

    def _administrator(self) -> dict[str, Any]:
        person = STAFF[4]
        return {
            "id": 3, "email": person.email, "createdAt": self._ago(days=800),
            "updatedAt": self._ago(days=800), "roles": ["ADMIN"], "identities": [], "firstName": person.given,
            "lastName": person.family, "jobTitle": person.title, "avatarUrl": None,
            "drataTermsAgreedAt": self._ago(days=800), "backgroundChecks": [],
        }  # fmt: skip

    def _instance(self, number: int, result: str) -> dict[str, Any]:
        return {
            "id": 10000 + number, "checkResultStatus": result,
            "checkFrequency": "WEEKLY" if number == _WEEKLY else "DAILY", "monitorInstanceCheckTypes": [],
            "autopilotTaskType": number, "failedTestDescription": "It failed.",
            "evidenceCollectionDescription": "It is collected.", "remedyDescription": "Mend it.",
            "metadata": [], "enabled": True, "url": None, "createdAt": self._ago(days=800),
            "updatedAt": self._ago(hours=3),
        }  # fmt: skip

    def _failures(self, asked: Asked) -> list[dict[str, Any]]:
        if asked.parts["test"] != "88" or asked.parts["workspace"] != str(FIRST):
            return []
        names = ("linus", "departed-contractor", "temporary-admin")
        return [self._user(name) for name in (names[:2] if self.kept else names)]

    def _passes(self, asked: Asked) -> list[dict[str, Any]]:
        found = asked.parts["test"] == "88" and asked.parts["workspace"] == str(FIRST)
        return [self._user(name) for name in ("ada", "grace", "margaret")] if found else []

    def _user(self, name: str) -> dict[str, Any]:
        return {
            "id": f"user-{name}", "providerName": "AWS", "resourceName": name, "accountName": "production",
            "clientId": self.account_id, "resourceArn": f"arn:aws:iam::{self.account_id}:user/{name}",
            "organizationalUnitId": None, "region": "global", "tags": [], "cause": ["No MFA device"],
        }  # fmt: skip

    def _exclusions(self, asked: Asked) -> list[dict[str, Any]]:
        if asked.parts["test"] != "88" or asked.parts["workspace"] != str(FIRST):
            return []
        why = "Signs in from the build farm only; approved by katherine until its role is ready"
        return [
            {
                "id": number, "targetId": f"user-{name}", "targetName": name, "exclusionReason": reason,
                "createdAt": self._ago(days=30), "updatedAt": self._ago(days=30),
                "connection": {"clientType": "AWS", "clientAlias": "production", "state": "ACTIVE"},
            }
            for number, name, reason in ((5, "ci-deployer", why), (6, "load-tester", None))
            if reason or not self.kept
        ]  # fmt: skip

    def _connections(self) -> list[dict[str, Any]]:
        github = ("ACTIVE", None) if self.kept else ("MISCONFIGURED", self._ago(days=2))
        return [
            {
                "id": number, "clientType": kind, "state": state, "connected": state == "ACTIVE",
                "connectedAt": self._ago(days=600), "failedAt": failed, "clientId": client,
                "clientAlias": alias, "aliasUpdatedAt": None, "deletedAt": None, "code": None,
                "providerTypes": [], "groupLabel": None,
            }
            for number, kind, state, client, alias, failed in (
                (3, "AWS", "ACTIVE", self.account_id, "production", None),
                (4, "GITHUB", github[0], "acme-robotics", "acme-robotics", github[1]),
                (5, "GOOGLE", "ACTIVE", "acme-robotics.example", "workspace", None),
            )
        ]  # fmt: skip

    def _controls(self) -> list[dict[str, Any]]:
        return [
            {
                **_control(number), "question": None, "activity": None, "rationale": None, "archivedAt": None,
                "frameworkTags": ["SOC_2"], "topics": [],
                "requirements": [{"id": number, "name": "CC6.1", "frameworkTag": "SOC_2"}],
                "testIds": {"passing": [number] if result == "PASSED" else [],
                            "failing": [number] if result == "FAILED" else [], "monitored": [number]},
                "evidenceIds": {}, "owners": {"data": [], "totalCount": 0}, "flags": {"isReady": True},
            }
            for number, _, result, _ in self.rows
        ]  # fmt: skip

    def _evidence(self) -> list[dict[str, Any]]:
        return [
            {
                "id": number, "name": name, "description": f"{name}.", "renewalDate": self._ago(days=-days),
                "renewalScheduleType": "ONE_YEAR", "status": status, "artifacts": [],
            }
            for number, name, days, status in (
                (1, "Quarterly access review", 40, "READY"),
                (2, "Penetration test report", *((350, "READY") if self.kept else (-15, "EXPIRED"))),
                (3, "Risk assessment", 12, "EXPIRING_SOON"),
                (4, "Incident response drill", 200, "READY"),
            )
        ]  # fmt: skip

    def _events(self) -> list[dict[str, Any]]:
        return [
            {
                "id": f"00000000-0000-4000-8000-00000000{number:04d}", "type": "AUTOPILOT_TASK",
                "category": "AUTOPILOT", "source": "AUTOPILOT", "description": f"Ran test {number}",
                "status": result, "createdAt": self._ago(hours=3), "testId": number, "testName": name,
                "connectionId": 3, "issues": [],
            }
            for number, name, result, status in self.rows
            if status == "ENABLED"
        ]  # fmt: skip

    def _personnel(self) -> list[dict[str, Any]]:
        return [
            {
                "id": number, "employmentStatus": "FORMER_CONTRACTOR" if person.ended else "CURRENT_EMPLOYEE",
                "userId": number, "startedAt": f"{person.started}T00:00:00.000Z",
                "separatedAt": f"{person.ended}T00:00:00.000Z" if person.ended else None,
                "complianceChecks": [],
                "user": {"id": number, "email": person.email, "firstName": person.given},
            }
            for number, person in enumerate(STAFF, 1)
        ]  # fmt: skip

    def _devices(self) -> list[dict[str, Any]]:
        return [
            {
                "id": number, "serialNumber": f"C02{person.login.upper()[:6]}", "model": "MacBook Pro",
                "osVersion": "26.1", "lastCheckedAt": self._ago(hours=20), "sourceType": "AGENT",
                "isDeviceCompliant": self.kept or person.login != "alan", "encryptionEnabled": True,
                "firewallEnabled": self.kept or person.login != "alan", "antivirusEnabled": True,
                "autoUpdateEnabled": True, "passwordManagerEnabled": True, "screenLockTime": 5,
                "deletedAt": None,
            }
            for number, person in enumerate(EMPLOYED, 1)
        ]  # fmt: skip


def _control(number: int) -> dict[str, Any]:
    return {
        "id": number, "code": f"DCF-{number}", "slug": f"dcf-{number}", "name": f"Control {number}",
        "description": f"Control {number}.", "isReady": True,
    }  # fmt: skip


def _error(name: str, status: int, message: str) -> Said:
    return Said({"name": name, "statusCode": status, "message": message, "code": status}, status)
