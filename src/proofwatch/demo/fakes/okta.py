"""Okta of the simulated company. All of it is DEMO DATA.

Deliberate faults: Mary, who left and was deactivated, is still assigned to one application; ada, a super
administrator, has no factor that resists phishing; the phone is still an authenticator; an API token is old,
works from anywhere and may do everything. linus has no second factor at all.
"""

from __future__ import annotations

import json
import secrets
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from proofwatch.demo.fakes import okta_shapes as shapes
from proofwatch.demo.fakes.base import Asked, Fake, Said
from proofwatch.demo.staff import EMPLOYED, LEAVER, STAFF

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

ORG, CLIENT, KEY = "00oacme0robotics0001", "0oaproofwatch0000001", "DEMO-key-1"
TOKEN = "DEMO-okta-token-worthless"  # noqa: S105 - of the simulated company
PAGE = 3
"""Items of a page, whatever is asked for: so that there are pages."""
SCOPE_OF = (
    ("/api/v1/apps/{app}/grants", "okta.appGrants.read"), ("/api/v1/apps", "okta.apps.read"),
    ("/api/v1/users/{user}/roles", "okta.roles.read"), ("/api/v1/users", "okta.users.read"),
    ("/api/v1/groups/{group}/roles", "okta.roles.read"), ("/api/v1/groups", "okta.groups.read"),
    ("/api/v1/iam", "okta.roles.read"), ("/oauth2/v1/clients", "okta.roles.read"),
    ("/api/v1/policies", "okta.policies.read"), ("/api/v1/authenticators", "okta.authenticators.read"),
    ("/api/v1/zones", "okta.networkZones.read"), ("/api/v1/logs", "okta.logs.read"),
    ("/api/v1/threats", "okta.threatInsights.read"), ("/api/v1/api-tokens", "okta.apiTokens.read"),
    ("/api/v1/org", "okta.orgs.read"),
)  # fmt: skip


class FakeOkta(Fake):
    """The company's Okta.

    Args:
        now: the time that ages are counted from; the real one by default.
        kept: whether only the faults that `seeds.kept` lists are left.

    Attributes:
        public: address that links begin with, where a proxy stands before it.
        granted: scopes of the app.
        pipeline: which engine it says it is.
    """

    def __init__(self, now: datetime | None = None, kept: bool = False) -> None:
        super().__init__()
        self.kept = kept
        self.now = (now or datetime.now(UTC)).replace(microsecond=0)
        self.public, self.pipeline = "", "idx"
        self.granted: set[str] = {scope for _, scope in SCOPE_OF}
        self.role = shapes.role("READ_ONLY_ADMIN", "Read-only Administrator")
        self._tokens: dict[str, frozenset[str]] = {}
        self._people()
        self._organisation()

    @cached_property
    def key(self) -> RSAPrivateKey:
        """The app's key, made when it is first wanted."""
        from cryptography.hazmat.primitives.asymmetric import rsa

        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def settings(self) -> dict[str, Any]:
        """Return what connects to it."""
        return {
            "org_url": self.url, "client_id": CLIENT, "private_key": "env:DEMO_OKTA_KEY", "key_id": KEY,
            "requests_per_minute": 60_000, "factors": "all",
        }  # fmt: skip

    def environment(self) -> dict[str, str]:
        """Return the variables that its settings name."""
        from cryptography.hazmat.primitives import serialization as form

        pem = self.key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
        return {"DEMO_OKTA_KEY": pem.decode(), "DEMO_OKTA_TOKEN": TOKEN}

    def answer(self, asked: Asked) -> Said:
        """Answer whoever brings a credential with the scope."""
        if asked.path in ("/oauth2/v1/token", "/.well-known/okta-organization"):
            return super().answer(asked)
        scheme, _, given = asked.headers.get("authorization", "").partition(" ")
        scopes = self._tokens.get(given) if scheme == "Bearer" else None
        if scopes is None and (scheme, given) != ("SSWS", TOKEN):
            self.asked.append(asked)
            return refuse(401, "E0000011", "Invalid token provided")
        needed = next((scope for path, scope in SCOPE_OF if _below(path, asked.path)), "")
        if scopes is not None and needed not in scopes:
            self.asked.append(asked)
            return refuse(403, "E0000006", "You do not have permission to perform the requested action")
        said = super().answer(asked)
        limits = {"X-Rate-Limit-Limit": "600", "X-Rate-Limit-Remaining": "590"}
        return Said(said.body, said.status, {**limits, **said.headers})

    def unknown(self, asked: Asked) -> Said:
        """Answer as Okta does for what it does not have."""
        return refuse(404, "E0000007", f"Not found: Resource not found: {asked.path} (Unknown)")

    def _listed(self, path: str, items: Callable[[Asked], Sequence[Any]]) -> None:
        self.route(f"GET {path}", lambda asked: self._page(asked, items(asked)))

    def _page(self, asked: Asked, items: Sequence[Any]) -> Said:
        at, size = int(asked.query.get("after", "0")), min(int(asked.query.get("limit", "99")), PAGE)
        links = [f'<{self._link(asked, dict(asked.query))}>; rel="self"']
        if at + size < len(items):
            links.append(f'<{self._link(asked, {**asked.query, "after": str(at + size)})}>; rel="next"')
        return Said(list(items[at : at + size]), 200, {"Link": ", ".join(links)})

    def _link(self, asked: Asked, query: Mapping[str, str]) -> str:
        return f"{self.public or asked.base}{asked.path}?{urlencode(query)}"

    def _people(self) -> None:
        self.users = shapes.users(self.now)
        bot = shapes.ident("00u", shapes.BOT)
        supers = [shapes.ident("00u", person.login) for person in STAFF if person.admin]
        self.groups = {
            "Everyone": list(EMPLOYED),
            "Engineering": [person for person in EMPLOYED if person.title != "Finance"],
            "Help desk": [person for person in EMPLOYED if person.login in ("grace", "margaret")],
            "Finance": [person for person in EMPLOYED if person.title == "Finance"],
        }
        helpers = [shapes.ident("00u", person.login) for person in self.groups["Help desk"]]
        by_group = shapes.role("HELP_DESK_ADMIN", "Help Desk Administrator", "GROUP")
        own = shapes.role("SUPER_ADMIN", "Super Administrator")
        self.roles: dict[str, list[Any]] = {user: [own] for user in supers}
        self.roles |= {user: [by_group] for user in helpers} | {bot: [self.role]}
        self._listed("/api/v1/users", self._some_users)
        self.route("GET /api/v1/users/{id}", self._one_user)
        self._listed("/api/v1/users/{id}/factors", lambda asked: self._factors(asked.parts["id"]))
        self._listed("/api/v1/users/{id}/roles", lambda asked: self.roles.get(asked.parts["id"], []))
        self._listed("/api/v1/groups", lambda asked: self._groups())
        self._listed("/api/v1/groups/{id}/users", self._members)
        desk = shapes.ident("00g", "Help desk")
        self._listed("/api/v1/groups/{id}/roles", lambda a: [by_group] if a.parts["id"] == desk else [])
        self.route("GET /api/v1/iam/assignees/users", partial(self._assignees, [*supers, bot]))

    def _some_users(self, asked: Asked) -> list[Any]:
        gone = asked.query.get("filter") == 'status eq "DEPROVISIONED"'
        return [user for user in self.users if (user["status"] == "DEPROVISIONED") is gone]

    def _one_user(self, asked: Asked) -> Said:
        wanted = asked.parts["id"]
        wanted = shapes.ident("00u", shapes.BOT) if wanted == "me" else wanted
        found = next((user for user in self.users if user["id"] == wanted), None)
        return Said(found) if found else self.unknown(asked)

    def _factors(self, user: str) -> list[Any]:
        logins = {shapes.ident("00u", person.login): person for person in STAFF}
        person = logins.get(user)
        if user == shapes.ident("00u", shapes.BOT):
            return [shapes.factor(shapes.BOT, "webauthn", "FIDO")]
        if person is None or not person.second_factor:
            return []
        found = [shapes.factor(person.login, "push", "OKTA")]
        if person.login != "ada" or self.kept:
            found.append(shapes.factor(person.login, "webauthn", "FIDO"))
        return found

    def _groups(self) -> list[Any]:
        kinds = {"Everyone": "BUILT_IN"}
        return [
            shapes.group(name, len(members), name == "Help desk", kinds.get(name, "OKTA_GROUP"))
            for name, members in self.groups.items()
        ]

    def _members(self, asked: Asked) -> list[Any]:
        ids = {shapes.ident("00g", name): members for name, members in self.groups.items()}
        wanted = {shapes.ident("00u", person.login) for person in ids.get(asked.parts["id"], [])}
        return [user for user in self.users if user["id"] in wanted]

    def _assignees(self, users: Sequence[str], asked: Asked) -> Said:
        at, size = int(asked.query.get("after", "0")), 2
        links = {}
        if at + size < len(users):
            links["next"] = {"href": self._link(asked, {**asked.query, "after": str(at + size)})}
        return Said({"value": [{"id": user} for user in users[at : at + size]], "_links": links})

    def _organisation(self) -> None:
        later = shapes.moment(self.now + timedelta(days=30))
        office = {"connection": "ZONE", "include": [shapes.ident("nzo", "Office")]}
        self.tokens = [
            {"id": shapes.ident("00T", name), "name": name, "userId": shapes.ident("00u", who),
             "clientName": "Okta API", "tokenWindow": "P30D", "network": network,
             "created": shapes.moment(self.now - timedelta(days=age)),
             "lastUpdated": shapes.moment(self.now), "expiresAt": later}
            for name, who, age, network in (
                ("old-import", "katherine", 700, {"connection": "ANYWHERE"}),
                ("hr-sync", shapes.BOT, 40, office),
            )
        ]  # fmt: skip
        fixed: dict[str, Any] = {
            "/api/v1/org": {
                "id": ORG, "subdomain": "acme-robotics", "companyName": "Acme Robotics", "status": "ACTIVE",
                "created": shapes.moment(shapes.SYSTEM), "lastUpdated": shapes.moment(self.now),
                "website": "https://acme-robotics.example", "phoneNumber": "",
            },
            "/api/v1/org/privacy/oktaSupport": {"support": "DISABLED", "expiration": None},
            "/api/v1/threats/configuration": {
                "action": "block", "excludeZones": [], "created": shapes.moment(shapes.SYSTEM),
                "lastUpdated": shapes.moment(self.now),
            },
        }  # fmt: skip
        for path, body in fixed.items():
            self.route(f"GET {path}", lambda asked, body=body: Said(body))  # type: ignore[misc]
        self.route("GET /.well-known/okta-organization", self._told_to_all)
        self.route("POST /oauth2/v1/token", self._token)
        self._listed("/api/v1/api-tokens", lambda asked: self.tokens[:PAGE])
        self._listed("/api/v1/zones", lambda asked: self._zones())
        self._listed("/api/v1/logs", self._events)
        self._listed("/api/v1/apps/{id}/grants", lambda asked: self._grants())
        self._listed("/oauth2/v1/clients/{id}/roles", lambda asked: [self.role])
        self._applications()
        self._policies()

    def _told_to_all(self, asked: Asked) -> Said:
        return Said({"id": ORG, "pipeline": self.pipeline, "settings": {"analyticsCollectionEnabled": False}})

    def _grants(self) -> list[Any]:
        return [{"id": shapes.ident("oag", name), "scopeId": name, "status": "ACTIVE"}
                for name in sorted(self.granted)]  # fmt: skip

    def _zones(self) -> list[Any]:
        made = [("Office", "POLICY", "203.0.113.0/24"), ("BlockedIpZone", "BLOCKLIST", "198.51.100.7/32")]
        return [
            {"id": shapes.ident("nzo", name), "name": name, "type": "IP", "status": "ACTIVE", "usage": usage,
             "system": name == "BlockedIpZone", "created": shapes.moment(shapes.SYSTEM),
             "lastUpdated": shapes.moment(shapes.SYSTEM), "gateways": [{"type": "CIDR", "value": cidr}],
             "proxies": None}
            for name, usage, cidr in made
        ]  # fmt: skip

    def _events(self, asked: Asked) -> list[Any]:
        found = shapes.events(self.now, EMPLOYED)
        if asked.query.get("sortOrder") == "DESCENDING":
            return found[::-1]
        begin = [part.split('"')[1] for part in asked.query.get("filter", "").split(" or ") if '"' in part]
        since, until = asked.query.get("since", ""), asked.query.get("until", "9")
        return [
            event for event in found
            if since <= event["published"] < until and event["eventType"].startswith(tuple(begin) or ("",))
        ]  # fmt: skip

    def _applications(self) -> None:
        self.apps = [
            shapes.app("amazon_aws", "AWS", "SAML_2_0"), shapes.app("github", "GitHub", "SAML_2_0"),
            shapes.app("fleet", "Fleet manager", "OPENID_CONNECT"),
            shapes.app("figma", "Figma", "SAML_2_0"),
            shapes.app("old_wiki", "Old wiki", "SAML_2_0", "INACTIVE"),
        ]  # fmt: skip
        self._listed("/api/v1/apps", lambda asked: self.apps)
        self._listed("/api/v1/apps/{id}/users", self._users_of)

    def _users_of(self, asked: Asked) -> list[Any]:
        app = next((app["name"] for app in self.apps if app["id"] == asked.parts["id"]), "old_wiki")
        people = [] if app == "old_wiki" else list(EMPLOYED)
        return [shapes.assignment(person) for person in [*people, *([LEAVER] if app == "figma" else [])]]

    def _policies(self) -> None:
        policy, rule = shapes.policy, shapes.rule
        enrol, change = {"enroll": {"self": "CHALLENGE"}}, {"passwordChange": {"access": "ALLOW"}}
        made = [
            (policy("OKTA_SIGN_ON", "Default Policy"), rule("SIGN_ON", "Everybody", shapes.SIGN_ON)),
            (policy("PASSWORD", "Default Policy", shapes.PASSWORD), rule("PASSWORD", "Default", change)),
            (policy("MFA_ENROLL", "Default Policy", shapes.ENROL), rule("MFA_ENROLL", "Default", enrol)),
            *(
                (policy("ACCESS_POLICY", name), rule("ACCESS_POLICY", name, shapes.TWO_FACTORS))
                for name in ("Okta Admin Console", "Any two factors", "Okta Dashboard", "Fleet manager")
            ),
        ]
        self.policies = {policy["id"]: (policy, [rule]) for policy, rule in made}
        self._listed("/api/v1/policies", self._some_policies)
        self._listed("/api/v1/policies/{id}/rules", lambda asked: self.policies[asked.parts["id"]][1])
        self.authenticators = [
            shapes.authenticator("okta_password", "password", "Password"),
            shapes.authenticator("okta_email", "email", "Email", {"allowedFor": "recovery"}),
            shapes.authenticator("okta_verify", "app", "Okta Verify"),
            shapes.authenticator("webauthn", "security_key", "FIDO2 (WebAuthn)"),
            shapes.authenticator(
                "phone_number", "phone", "Phone", {"allowedFor": "recovery" if self.kept else "any"}
            ),
        ]
        methods = {"phone_number": ["sms", "voice"], "okta_verify": ["push", "signed_nonce"]}
        by_id = {item["id"]: methods.get(str(item["key"]), ["other"]) for item in self.authenticators}
        # Okta gives all authenticators at once.
        self.route("GET /api/v1/authenticators", lambda asked: Said(self.authenticators))
        self.route(
            "GET /api/v1/authenticators/{id}/methods",
            lambda asked: Said([{"type": name, "status": "ACTIVE"} for name in by_id[asked.parts["id"]]]),
        )

    def _some_policies(self, asked: Asked) -> list[Any]:
        return [item for item, _ in self.policies.values() if item["type"] == asked.query.get("type")]

    def _token(self, asked: Asked) -> Said:
        form = asked.form()
        problem = self._wrong(form.get("client_assertion", ""), asked.base)
        if problem:
            return Said({"error": "invalid_client", "error_description": problem}, 401)
        scopes = frozenset(form.get("scope", "").split())
        if not scopes <= self.granted:
            text = "One or more scopes are not configured for the authorization server resource."
            return Said({"error": "invalid_scope", "error_description": text}, 400)
        token = f"DEMO-{secrets.token_urlsafe(16)}"
        self._tokens[token] = scopes
        told = {"token_type": "Bearer", "expires_in": 3600, "scope": " ".join(sorted(scopes))}
        return Said({**told, "access_token": token})

    def _wrong(self, assertion: str, base: str) -> str:
        """Return what is wrong with a signed assertion, in Okta's words."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import padding
        from cryptography.hazmat.primitives.hashes import SHA256

        try:
            head, claims, signature = assertion.split(".")
            told, header = json.loads(_decoded(claims)), json.loads(_decoded(head))
            public = self.key.public_key()
            public.verify(_decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), SHA256())
        except (ValueError, InvalidSignature):
            return "The client_assertion signature is invalid."
        if header.get("kid") not in (None, KEY):
            return "The client_assertion token's kid is not one of the client's keys."
        if told.get("iss") != CLIENT or told.get("sub") != CLIENT:
            return "The client_assertion token's issuer is not the client."
        if told.get("aud") != f"{self.public or base}/oauth2/v1/token" or told.get("exp", 0) < time.time():
            return "The audience or the time of the client_assertion is invalid."
        return ""


def refuse(status: int, code: str, text: str) -> Said:
    """Return a refusal in Okta's form."""
    body = {
        "errorCode": code,
        "errorSummary": text,
        "errorLink": code,
        "errorId": "oaeDEMO",
        "errorCauses": [],
    }
    return Said(body, status)


def _below(path: str, asked: str) -> bool:
    steps, given = path.strip("/").split("/"), asked.strip("/").split("/")
    pairs = zip(steps, given, strict=False)
    return len(given) >= len(steps) and all(step == part or step.startswith("{") for step, part in pairs)


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
