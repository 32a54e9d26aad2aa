"""Acme Robotics at Google Workspace. All of it is DEMO DATA.

Faults on purpose: Linus has no 2-step verification and nobody makes him use it; Mary Departed left and can
still sign in; the group of the engineers holds an address of another company; one phone is not encrypted.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from proofwatch.demo.fakes.base import Asked, Said
from proofwatch.demo.fakes.google import FakeGoogle, paged, refusal
from proofwatch.demo.staff import DOMAIN, EMPLOYED, LEAVER, STAFF, Person

CUSTOMER = "C01acme42"
ADMIN = f"proofwatch@{DOMAIN}"
READING = (
    "admin.directory.user.readonly", "admin.directory.group.readonly",
    "admin.directory.group.member.readonly", "admin.directory.rolemanagement.readonly",
    "admin.directory.device.mobile.readonly", "admin.directory.orgunit.readonly",
    "admin.directory.domain.readonly", "admin.reports.audit.readonly",
)  # fmt: skip
SUPER, READER = "1850000000000000", "1850000000000001"
EXTERNAL = "freelancer@other-company.example"
V1 = "/admin/directory/v1"


class FakeGoogleWorkspace(FakeGoogle):
    """A customer with a few people, three groups, two roles and some phones; pages of three.

    Args:
        now: the time that ages are counted from; the real one by default.
        kept: whether only the faults that `seeds.kept` lists are left.
    """

    def __init__(self, now: datetime | None = None, kept: bool = False) -> None:
        super().__init__("proofwatch@acme-robotics-audit.iam.gserviceaccount.com", [ADMIN], READING)
        self.now = now or datetime.now(UTC).replace(microsecond=0)
        self.users = [_reader(self.now), *(_user(person, self.now) for person in STAFF)]
        self.users.sort(key=lambda user: user["primaryEmail"])
        self.groups = [_group(number, name) for number, name in enumerate(("all", "engineers", "finance"))]
        self.members = {group["id"]: list(_members(group["name"])) for group in self.groups}
        self.devices = [_device(number, person, self.now) for number, person in enumerate(EMPLOYED[:4])]
        if kept:
            self._tidy()
        self.logins = list(_logins(self.now))
        self.changes = list(_changes(self.now))
        lists: dict[str, tuple[str, list[Any]]] = {
            f"{V1}/users": ("users", self.users),
            f"{V1}/groups": ("groups", self.groups),
            f"{V1}/customer/my_customer/roles": ("items", _roles()),
            f"{V1}/customer/my_customer/roleassignments": ("items", _assignments()),
            f"{V1}/customer/my_customer/devices/mobile": ("mobiledevices", self.devices),
        }
        for path, (name, items) in lists.items():
            self.route(f"GET {path}", partial(paged, items, name=name, most=3))
        self.route(f"GET {V1}/groups/{{group}}/members", self._members)
        self.route(f"GET {V1}/users/{{user}}", self._user)
        self.route(f"GET {V1}/customer/my_customer/orgunits", lambda asked: Said(_org_units()))
        self.route(f"GET {V1}/customer/my_customer/domains", lambda asked: Said(_domains()))
        self.route("GET /admin/reports/v1/activity/users/all/applications/{name}", self._activity)

    def _tidy(self) -> None:
        """Encrypt every phone, leave nobody from outside in a group; who left still signs in."""
        for user in self.users:
            if user["primaryEmail"] == LEAVER.email:
                user["lastLoginTime"] = _moment(self.now - timedelta(days=2))
        for device in self.devices:
            device["encryptionStatus"] = "Encrypted"
        for group in self.groups:
            found = [item for item in self.members[group["id"]] if item.get("email") != EXTERNAL]
            self.members[group["id"]] = found
            group["directMembersCount"] = str(len(found))

    def settings(self) -> dict[str, Any]:
        """Return what connects to it."""
        return {
            "key": "env:DEMO_GOOGLE_WORKSPACE_KEY",
            "admin_email": ADMIN,
            "base_url": self.url,
            "token_url": f"{self.url}/token",
            "tokeninfo_url": f"{self.url}/tokeninfo",
        }

    def environment(self) -> dict[str, str]:
        """Return the variables that the settings name."""
        return {"DEMO_GOOGLE_WORKSPACE_KEY": self.key()}

    def _members(self, asked: Asked) -> Said:
        found = self.members.get(asked.parts["group"])
        if found is None:
            return refusal(404, "NOT_FOUND", "Resource Not Found: groupKey", "notFound")
        return paged(found, asked, "members", 3)

    def _user(self, asked: Asked) -> Said:
        for user in self.users:
            if asked.parts["user"] in (user["primaryEmail"], user["id"]):
                return Said(user)
        return refusal(404, "NOT_FOUND", "Resource Not Found: userKey", "notFound")

    def _activity(self, asked: Asked) -> Said:
        known = {"login": self.logins, "admin": self.changes}.get(asked.parts["name"])
        if known is None:
            return refusal(400, "INVALID_ARGUMENT", "Bad Request", "invalid")
        start = datetime.fromisoformat(asked.query.get("startTime", "2000-01-01T00:00:00Z"))
        later = [item for item in known if datetime.fromisoformat(item["id"]["time"]) >= start]
        return paged(later, asked, "items", 3)


def _moment(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _id(login: str) -> str:
    return f"1{sum(ord(sign) * 257**place for place, sign in enumerate(login[:8])) % 10**20:020d}"


def _user(person: Person, now: datetime) -> dict[str, Any]:
    seen = now - timedelta(hours=7)
    if person.ended:
        last = person.ended - timedelta(days=20)
        seen = datetime(last.year, last.month, last.day, 15, tzinfo=UTC)
    return {
        "kind": "admin#directory#user",
        "id": _id(person.login),
        "etag": f'"demo/{person.login}"',
        "primaryEmail": person.email,
        "name": {"givenName": person.given, "familyName": person.family, "fullName": person.name},
        "isAdmin": person.admin,
        "isDelegatedAdmin": False,
        "lastLoginTime": _moment(seen),
        "creationTime": f"{person.started.isoformat()}T08:00:00.000Z",
        "agreedToTerms": True,
        "suspended": False,
        "archived": False,
        "changePasswordAtNextLogin": False,
        "ipWhitelisted": False,
        "emails": [{"address": person.email, "primary": True}],
        "customerId": CUSTOMER,
        "orgUnitPath": "/Finance" if person.title == "Finance" else "/Engineering",
        "isMailboxSetup": True,
        "isEnrolledIn2Sv": person.second_factor,
        "isEnforcedIn2Sv": person.second_factor,
        "includeInGlobalAddressList": True,
        "recoveryEmail": f"{person.login}@private.example",
    }


def _reader(now: datetime) -> dict[str, Any]:
    person = Person("proofwatch", "Proof", "Watch", "Reader", datetime(2025, 1, 7, tzinfo=UTC).date())
    return {**_user(person, now), "isDelegatedAdmin": True, "orgUnitPath": "/"}


def _group(number: int, name: str) -> dict[str, Any]:
    count = len(list(_members(name)))
    return {
        "kind": "admin#directory#group",
        "id": f"01acmegroup{number}",
        "etag": f'"demo/{name}"',
        "email": f"{name}@{DOMAIN}",
        "name": name,
        "description": "",
        "directMembersCount": str(count),
        "adminCreated": True,
    }


def _members(name: str) -> Iterator[dict[str, Any]]:
    kind = {"kind": "admin#directory#member"}
    if name == "all":
        yield {**kind, "id": CUSTOMER, "role": "MEMBER", "type": "CUSTOMER"}
        return
    for person in EMPLOYED:
        if (person.title == "Finance") == (name == "finance"):
            role = "OWNER" if person.admin else "MEMBER"
            yield {
                **kind, "id": _id(person.login), "email": person.email, "role": role, "type": "USER",
                "status": "ACTIVE",
            }  # fmt: skip
    if name == "engineers":
        yield {**kind, "id": "109999999999999999999", "email": EXTERNAL, "role": "MEMBER", "type": "USER"}


def _roles() -> list[dict[str, Any]]:
    return [
        {
            "kind": "admin#directory#role", "roleId": SUPER, "roleName": "_SEED_ADMIN_ROLE",
            "roleDescription": "Google Workspace Administrator Seed Role", "isSystemRole": True,
            "isSuperAdminRole": True,
            "rolePrivileges": [{"privilegeName": "SUPER_ADMIN", "serviceId": "00haapch16h1ysv"}],
        },
        {
            "kind": "admin#directory#role", "roleId": READER, "roleName": "Reader",
            "roleDescription": "Reads for the monitor", "isSystemRole": False, "isSuperAdminRole": False,
            "rolePrivileges": [
                {"privilegeName": "USERS_RETRIEVE", "serviceId": "00haapch16h1ysv"},
                {"privilegeName": "GROUPS_RETRIEVE", "serviceId": "00haapch16h1ysv"},
            ],
        },
    ]  # fmt: skip


def _assignments() -> list[dict[str, Any]]:
    holders = [(person.login, SUPER) for person in EMPLOYED if person.admin] + [("proofwatch", READER)]
    return [
        {
            "kind": "admin#directory#roleAssignment",
            "roleAssignmentId": f"185000000000010{number}",
            "roleId": role,
            "assignedTo": _id(login),
            "assigneeType": "user",
            "scopeType": "CUSTOMER",
        }
        for number, (login, role) in enumerate(holders)
    ]


def _org_units() -> dict[str, Any]:
    return {
        "kind": "admin#directory#orgUnits",
        "organizationUnits": [
            {
                "kind": "admin#directory#orgUnit", "name": name, "description": "", "blockInheritance": False,
                "orgUnitId": f"id:03ph8a2z{number}", "orgUnitPath": f"/{name}",
                "parentOrgUnitId": "id:03ph8a2z", "parentOrgUnitPath": "/",
            }
            for number, name in enumerate(("Engineering", "Finance"))
        ],
    }  # fmt: skip


def _domains() -> dict[str, Any]:
    return {
        "kind": "admin#directory#domains",
        "domains": [
            {
                "kind": "admin#directory#domain", "domainName": DOMAIN, "isPrimary": True, "verified": True,
                "creationTime": "1551427200000",
                "domainAliases": [
                    {
                        "kind": "admin#directory#domainAlias", "domainAliasName": f"mail.{DOMAIN}",
                        "parentDomainName": DOMAIN, "verified": True, "creationTime": "1551427200000",
                    }
                ],
            }
        ],
    }  # fmt: skip


def _device(number: int, person: Person, now: datetime) -> dict[str, Any]:
    return {
        "kind": "admin#directory#mobiledevice",
        "resourceId": f"AFiQxQ8demo{number}",
        "deviceId": f"35d9f1demo{number}",
        "name": [person.name],
        "email": [person.email],
        "model": "Pixel 9",
        "os": "Android 16",
        "type": "ANDROID",
        "status": "APPROVED",
        "encryptionStatus": "Not Encrypted" if number == 3 else "Encrypted",
        "devicePasswordStatus": "On",
        "deviceCompromisedStatus": "No compromise detected",
        "firstSync": "2026-01-05T08:00:00.000Z",
        "lastSync": _moment(now - timedelta(hours=3 + number)),
        "securityPatchLevel": "1790812800000",
        "adbStatus": False,
        "imei": f"demo-imei-{number}",
    }


def _activity(application: str, number: int, when: datetime, actor: str, event: Any) -> dict[str, Any]:
    return {
        "kind": "admin#reports#activity",
        "id": {
            "time": _moment(when), "uniqueQualifier": str(7000 + number), "applicationName": application,
            "customerId": CUSTOMER,
        },
        "actor": {"email": actor, "profileId": _id(actor.partition("@")[0])},
        "ipAddress": "192.0.2.10",
        "events": [event],
    }  # fmt: skip


def _logins(now: datetime) -> Iterator[dict[str, Any]]:
    """Yield the sign-ins of the last weeks, newest first, as Google sorts them."""
    for number, day in enumerate(range(0, 21, 3)):
        for place, person in enumerate(EMPLOYED):
            if person.admin and day:
                continue
            event = {
                "type": "login",
                "name": "login_success",
                "parameters": [
                    {"name": "login_type", "value": "google_password"},
                    {"name": "login_challenge_method", "multiValue": ["password", "totp"]},
                    {"name": "is_suspicious", "boolValue": False},
                ],
            }
            when = now - timedelta(days=day, hours=1, minutes=place)
            yield _activity("login", 100 * number + place, when, person.email, event)


def _changes(now: datetime) -> Iterator[dict[str, Any]]:
    event = {
        "type": "SECURITY_SETTINGS",
        "name": "ENFORCE_STRONG_AUTHENTICATION",
        "parameters": [
            {"name": "ORG_UNIT_NAME", "value": "Engineering"},
            {"name": "OLD_VALUE", "value": "false"},
            {"name": "NEW_VALUE", "value": "true"},
        ],
    }
    yield _activity("admin", 9000, now - timedelta(days=2), STAFF[0].email, event)
    reset = {
        "type": "USER_SETTINGS",
        "name": "CHANGE_PASSWORD",
        "parameters": [{"name": "USER_EMAIL", "value": LEAVER.email}],
    }
    yield _activity("admin", 9001, now - timedelta(days=80), STAFF[0].email, reset)
