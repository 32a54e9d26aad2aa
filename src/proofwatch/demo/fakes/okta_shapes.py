"""What Okta's answers look like, filled with the simulated company. All of it is DEMO DATA."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from proofwatch.demo.staff import LEAVER, STAFF, Person

BOT = "proofwatch"
SYSTEM = datetime(2019, 2, 1, 9, 0, tzinfo=UTC)


def ident(prefix: str, name: str) -> str:
    """Return an id as Okta makes them, always the same for a name."""
    return f"{prefix}{hashlib.sha256(name.encode()).hexdigest()[: 20 - len(prefix)]}"


def moment(at: datetime | date) -> str:
    """Return a time as Okta writes it."""
    if not isinstance(at, datetime):
        at = datetime.combine(at, time(8, 0), UTC)
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def users(now: datetime) -> list[dict[str, Any]]:
    """Return everybody, and the account that Proofwatch's token belongs to."""
    return [*(_user(person, now) for person in STAFF), _bot(now)]


def _user(person: Person, now: datetime) -> dict[str, Any]:
    gone = person == LEAVER
    return {
        "id": ident("00u", person.login), "status": "DEPROVISIONED" if gone else "ACTIVE",
        "created": moment(person.started), "activated": moment(person.started),
        "statusChanged": moment(person.ended or person.started),
        "lastLogin": moment(person.ended or now - timedelta(hours=5)),
        "lastUpdated": moment(now - timedelta(hours=1)), "passwordChanged": moment(now - timedelta(days=60)),
        "type": {"id": ident("oty", "default")},
        "profile": {
            "firstName": person.given, "lastName": person.family, "login": person.email,
            "email": person.email, "title": person.title, "mobilePhone": None, "secondEmail": None,
            "userType": "Contractor" if person.title == "Contractor" else "Employee",
            "managerId": person.manager or None, "department": "Finance" if person.title == "Finance"
            else "Engineering",
        },
        "credentials": {"password": {}, "provider": {"type": "OKTA", "name": "OKTA"}},
        "_links": {"self": {"href": f"https://acme.okta.com/api/v1/users/{ident('00u', person.login)}"}},
    }  # fmt: skip


def _bot(now: datetime) -> dict[str, Any]:
    found = _user(Person(BOT, "Proof", "Watch", "Service account", SYSTEM.date()), now)
    found["profile"] |= {"userType": "Service", "managerId": "katherine", "department": None}
    del found["profile"]["department"]
    return found


def group(name: str, members: int, admin: bool, kind: str = "OKTA_GROUP") -> dict[str, Any]:
    """Return a group with its numbers."""
    number = ident("00g", name)
    return {
        "id": number, "created": moment(SYSTEM), "lastUpdated": moment(SYSTEM),
        "lastMembershipUpdated": moment(SYSTEM), "objectClass": ["okta:user_group"], "type": kind,
        "profile": {"name": name, "description": None if kind == "BUILT_IN" else f"{name} of Acme"},
        "_embedded": {
            "stats": {
                "usersCount": members, "appsCount": 2, "groupPushMappingsCount": 0,
                "hasAdminPrivilege": admin, "_links": {},
            },
        },
        "_links": {"users": {"href": f"https://acme.okta.com/api/v1/groups/{number}/users"}},
    }  # fmt: skip


def role(kind: str, label: str, by: str = "USER") -> dict[str, Any]:
    """Return an admin role as it is assigned."""
    return {
        "id": ident("ra1" if by == "USER" else "grA", f"{kind} {by}"), "label": label, "type": kind,
        "status": "ACTIVE", "created": moment(SYSTEM), "lastUpdated": moment(SYSTEM), "assignmentType": by,
    }  # fmt: skip


def factor(login: str, kind: str, provider: str) -> dict[str, Any]:
    """Return a second factor that is enrolled."""
    return {
        "id": ident("fuf", f"{login} {kind}"), "factorType": kind, "provider": provider,
        "vendorName": provider, "status": "ACTIVE", "created": moment(SYSTEM),
        "lastUpdated": moment(SYSTEM), "profile": {},
    }  # fmt: skip


def app(name: str, label: str, mode: str, status: str = "ACTIVE") -> dict[str, Any]:
    """Return an application."""
    found: dict[str, Any] = {
        "id": ident("0oa", name), "name": name, "label": label, "status": status,
        "created": moment(SYSTEM), "lastUpdated": moment(SYSTEM), "signOnMode": mode, "features": [],
        "accessibility": {"selfService": False, "errorRedirectUrl": None, "loginRedirectUrl": None},
        "visibility": {"autoSubmitToolbar": False, "hide": {"iOS": False, "web": False}},
        "credentials": {"userNameTemplate": {"template": "${source.login}", "type": "BUILT_IN"}},
        "settings": {"app": {}},
    }  # fmt: skip
    if mode == "BROWSER_PLUGIN":
        found["credentials"]["scheme"] = "EDIT_USERNAME_AND_PASSWORD"
    if mode == "OPENID_CONNECT":
        found["credentials"]["oauthClient"] = {
            "client_id": found["id"], "client_secret": "DEMO-client-secret-worthless",
            "token_endpoint_auth_method": "client_secret_basic", "autoKeyRotation": True,
        }  # fmt: skip
        found["settings"]["oauthClient"] = {
            "application_type": "web", "grant_types": ["authorization_code"], "response_types": ["code"],
            "redirect_uris": ["https://fleet.acme-robotics.example/callback"], "consent_method": "TRUSTED",
        }  # fmt: skip
        found["name"] = "oidc_client"
    return found


def assignment(person: Person) -> dict[str, Any]:
    """Return that a person may use an application."""
    return {
        "id": ident("00u", person.login), "externalId": None, "created": moment(person.started),
        "lastUpdated": moment(person.started), "scope": "USER", "status": "ACTIVE",
        "statusChanged": moment(person.started), "passwordChanged": None, "syncState": "DISABLED",
        "credentials": {"userName": person.email}, "profile": {},
    }  # fmt: skip


def policy(kind: str, name: str, settings: Any = None, *, system: bool = True) -> dict[str, Any]:
    """Return a policy."""
    found: dict[str, Any] = {
        "id": ident("00p", f"{kind} {name}"), "type": kind, "name": name, "status": "ACTIVE",
        "description": f"{name} of Acme", "priority": 1, "system": system, "created": moment(SYSTEM),
        "lastUpdated": moment(SYSTEM),
        "conditions": {"people": {"groups": {"include": [ident("00g", "Everyone")]}}},
    }  # fmt: skip
    if kind == "PASSWORD":
        found["conditions"]["authProvider"] = {"provider": "OKTA"}
    if kind == "ACCESS_POLICY":
        # As the service answers, whatever its description says: found["conditions"] is null there.
        del found["conditions"]
    if settings is not None:
        found["settings"] = settings
    return found


PASSWORD: dict[str, Any] = {
    "password": {
        "complexity": {
            "minLength": 14, "minLowerCase": 1, "minUpperCase": 1, "minNumber": 1, "minSymbol": 0,
            "excludeUsername": True, "excludeAttributes": ["firstName", "lastName"],
            "dictionary": {"common": {"exclude": True}},
        },
        "age": {"maxAgeDays": 365, "expireWarnDays": 5, "minAgeMinutes": 60, "historyCount": 8},
        "lockout": {
            "maxAttempts": 6, "autoUnlockMinutes": 30, "userLockoutNotificationChannels": ["EMAIL"],
            "showLockoutFailures": False,
        },
    },
    "recovery": {
        "factors": {
            "recovery_question": {"status": "INACTIVE"}, "okta_sms": {"status": "INACTIVE"},
            "okta_call": {"status": "INACTIVE"},
            "okta_email": {
                "status": "ACTIVE", "properties": {"recoveryToken": {"tokenLifetimeMinutes": 60}},
            },
        },
    },
    "delegation": {"options": {"skipUnlock": False}},
}  # fmt: skip
ENROL: dict[str, Any] = {
    "type": "AUTHENTICATORS",
    "authenticators": [
        {"key": "okta_password", "enroll": {"self": "REQUIRED"}},
        {"key": "okta_verify", "enroll": {"self": "REQUIRED"}},
        {"key": "webauthn", "enroll": {"self": "OPTIONAL"}},
        {"key": "phone_number", "enroll": {"self": "OPTIONAL"}},
    ],
}


def rule(kind: str, name: str, actions: Any, priority: int = 1) -> dict[str, Any]:
    """Return a rule of a policy."""
    return {
        "id": ident("0pr", f"{kind} {name}"), "type": kind, "name": name, "status": "ACTIVE",
        "priority": priority, "system": False, "created": moment(SYSTEM), "lastUpdated": moment(SYSTEM),
        "conditions": {"network": {"connection": "ANYWHERE"}}, "actions": actions,
    }  # fmt: skip


SIGN_ON: dict[str, Any] = {
    "signon": {
        "access": "ALLOW", "requireFactor": True, "primaryFactor": "PASSWORD_IDP_ANY_FACTOR",
        "factorPromptMode": "ALWAYS", "rememberDeviceByDefault": False,
        "session": {
            "usePersistentCookie": False, "maxSessionIdleMinutes": 60, "maxSessionLifetimeMinutes": 720,
        },
    },
}  # fmt: skip
TWO_FACTORS: dict[str, Any] = {
    "appSignOn": {
        "access": "ALLOW",
        "verificationMethod": {
            "type": "ASSURANCE", "factorMode": "2FA", "reauthenticateIn": "PT2H",
            "constraints": [{"possession": {"phishingResistant": "REQUIRED"}}],
        },
    },
}  # fmt: skip


def authenticator(key: str, kind: str, name: str, settings: Any = None) -> dict[str, Any]:
    """Return an authenticator that is on."""
    found = {
        "id": ident("aut", key), "key": key, "type": kind, "name": name, "status": "ACTIVE",
        "created": moment(SYSTEM), "lastUpdated": moment(SYSTEM),
    }  # fmt: skip
    return found if settings is None else {**found, "settings": settings}


def events(now: datetime, people: Sequence[Person]) -> list[dict[str, Any]]:
    """Return what happened lately, the oldest first."""
    kinds = (
        ("user.mfa.factor.activate", "Factor was activated", 20), ("policy.rule.update", "Rule changed", 14),
        ("application.lifecycle.update", "Application updated", 9), ("user.session.start", "Signed in", 5),
    )  # fmt: skip
    return [_event(kind, text, now - timedelta(hours=hours), people[0]) for kind, text, hours in kinds]


def _event(kind: str, text: str, at: datetime, who: Person) -> dict[str, Any]:
    return {
        "uuid": f"6f3a1c2e-0000-11ef-9c1f-{ident('', kind)[:12]}", "published": moment(at), "eventType": kind,
        "version": "0", "severity": "INFO", "legacyEventType": None, "displayMessage": text,
        "outcome": {"result": "SUCCESS", "reason": None},
        "actor": {
            "id": ident("00u", who.login), "type": "User", "alternateId": who.email, "displayName": who.name,
            "detailEntry": None,
        },
        "client": {
            "ipAddress": "192.0.2.17", "device": "Computer", "id": None, "zone": "null",
            "geographicalContext": {"country": "Germany", "city": "Berlin", "postalCode": None},
        },
        "target": [
            {"id": ident("0pr", kind), "type": "Thing", "alternateId": "unknown", "displayName": text,
             "detailEntry": None},
        ],
        "authenticationContext": {"externalSessionId": "DEMO-session", "authenticationStep": 0},
        "debugContext": {"debugData": {"requestId": "DEMO-request"}},
    }  # fmt: skip
