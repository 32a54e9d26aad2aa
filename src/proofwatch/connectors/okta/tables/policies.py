"""Policies, their rules, and the authenticators that they speak of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from proofwatch.connectors.naming import dig
from proofwatch.connectors.okta.walk import each, listed, of_one, once
from proofwatch.connectors.rest.collect import Place, path_of
from proofwatch.connectors.rest.declare import Call, Col, Raw, RestTable

READ = "okta.policies.read"
KINDS = ("OKTA_SIGN_ON", "PASSWORD", "MFA_ENROLL", "ACCESS_POLICY")
CLASSIC = "v1"
NO_SECOND = frozenset({"okta_password", "okta_email", "security_question", "okta_question"})
"""What a policy may require without a second factor coming of it: known, or as safe as a mailbox."""


def read_policies(place: Place) -> Iterator[Raw]:
    """Yield the policies of every kind; Classic Engine has no policies of single apps."""
    yield from once(place, "policies", lambda: _policies(place))


def _policies(place: Place) -> Iterator[Raw]:
    for kind in KINDS:
        if kind == "ACCESS_POLICY" and place.names["pipeline"]() == CLASSIC:
            continue
        for item in listed(place, "/api/v1/policies", READ, type=kind):
            yield {**item, **_enrolment(item)}


def _enrolment(policy: Mapping[str, Any]) -> Raw:
    """Return which authenticators a policy makes people enrol, in the form of either engine."""
    found: dict[str, Any] = {}
    authenticators = dig(policy, "settings.authenticators")
    factors = dig(policy, "settings.factors")
    if isinstance(authenticators, list):
        found = {str(item.get("key")): dig(item, "enroll.self") for item in authenticators}
    elif isinstance(factors, Mapping):
        found = {str(name): dig(item, "enroll.self") for name, item in factors.items()}
    else:
        return {}
    required = sorted(name for name, how in found.items() if how == "REQUIRED")
    return {
        "required": required,
        "optional": sorted(name for name, how in found.items() if how == "OPTIONAL"),
        "required_factors": [name for name in required if name not in NO_SECOND],
    }


def read_rules(place: Place) -> Iterator[Raw]:
    """Yield the rules of every policy."""

    def ask(policy: Raw) -> list[Raw]:
        return of_one(place, path_of("/api/v1/policies/{id}/rules", policy), READ)

    for policy, rules in each(read_policies(place), ask):
        for rule in rules:
            yield {
                **rule,
                "of": {name: policy.get(name) for name in ("id", "name", "type", "status")},
                "resists_phishing": _resists_phishing(rule),
            }


def _resists_phishing(rule: Mapping[str, Any]) -> bool | None:
    """Tell whether every way in that a rule of an app allows resists phishing; None where it has no ways."""
    method = dig(rule, "actions.appSignOn.verificationMethod")
    if not isinstance(method, Mapping) or method.get("type") != "ASSURANCE":
        return None
    ways = method.get("constraints") or []
    return bool(ways) and all(dig(way, "possession.phishingResistant") == "REQUIRED" for way in ways)


PASSWORD, SIGN_ON, APP = "settings.password", "actions.signon", "actions.appSignOn"

POLICIES = (
    RestTable(
        name="okta_policy", service="policies", path="/api/v1/policies", permission=READ, resource="{id}",
        about="Policies for sessions, passwords, enrolment and apps. Columns of another kind are NULL.",
        reader=read_policies,
        columns=(
            Col("policy_id", path="id"),
            Col("type", about=", ".join(KINDS)),
            Col("name"),
            Col("description"),
            Col("status", about="ACTIVE or INACTIVE"),
            Col("system", "BOOLEAN", "Made by Okta: the one for whom no other holds"),
            Col("priority", "BIGINT"),
            Col("groups", "VARCHAR[]", "Ids of the groups for whom it holds",
                "conditions.people.groups.include"),
            Col("password_provider", about="Whose passwords: OKTA, ACTIVE_DIRECTORY, LDAP",
                path="conditions.authProvider.provider"),
            Col("min_length", "BIGINT", path=f"{PASSWORD}.complexity.minLength"),
            Col("excludes_common", "BOOLEAN", "Refuses common passwords",
                f"{PASSWORD}.complexity.dictionary.common.exclude"),
            Col("excludes_username", "BOOLEAN", path=f"{PASSWORD}.complexity.excludeUsername"),
            Col("history_count", "BIGINT", path=f"{PASSWORD}.age.historyCount"),
            Col("max_age_days", "BIGINT", "0: for ever", f"{PASSWORD}.age.maxAgeDays"),
            Col("max_attempts", "BIGINT", "Until the account is locked; 0: never",
                f"{PASSWORD}.lockout.maxAttempts"),
            Col("auto_unlock_minutes", "BIGINT", "0: an administrator unlocks",
                f"{PASSWORD}.lockout.autoUnlockMinutes"),
            Col("recovery_by_sms", about="ACTIVE or INACTIVE",
                path="settings.recovery.factors.okta_sms.status"),
            Col("recovery_by_call", about="ACTIVE or INACTIVE",
                path="settings.recovery.factors.okta_call.status"),
            Col("recovery_question", about="ACTIVE or INACTIVE",
                path="settings.recovery.factors.recovery_question.status"),
            Col("required_authenticators", "VARCHAR[]", "Of an enrolment policy", "required"),
            Col("optional_authenticators", "VARCHAR[]", "Of an enrolment policy", "optional"),
            Col("required_factors", "VARCHAR[]",
                "Of the required ones, those that are a second factor: no password, mail or question"),
        ),
        drop=("lastUpdated", "required", "optional", "required_factors"),
    ),
    RestTable(
        name="okta_policy_rule", service="policies", path="/api/v1/policies/{id}/rules", permission=READ,
        resource="{of.id}/{id}", reader=read_rules,
        about="Rules of the policies: who gets in with what, and for how long.",
        columns=(
            Col("rule_id", path="id"),
            Col("name"),
            Col("status", about="ACTIVE or INACTIVE"),
            Col("system", "BOOLEAN"),
            Col("priority", "BIGINT"),
            Col("policy_id", path="of.id"),
            Col("policy_name", path="of.name"),
            Col("policy_type", about=", ".join(KINDS), path="of.type"),
            Col("policy_status", path="of.status"),
            Col("session_access", about="Of a session: ALLOW or DENY", path=f"{SIGN_ON}.access"),
            Col("require_factor", "BOOLEAN", "Of a session", f"{SIGN_ON}.requireFactor"),
            Col("primary_factor", about="Of a session", path=f"{SIGN_ON}.primaryFactor"),
            Col("factor_prompt_mode", about="ALWAYS, SESSION or DEVICE", path=f"{SIGN_ON}.factorPromptMode"),
            Col("max_session_idle_minutes", "BIGINT", path=f"{SIGN_ON}.session.maxSessionIdleMinutes"),
            Col("max_session_lifetime_minutes", "BIGINT", "0: for ever",
                f"{SIGN_ON}.session.maxSessionLifetimeMinutes"),
            Col("persistent_cookie", "BOOLEAN", "The session outlives the browser",
                f"{SIGN_ON}.session.usePersistentCookie"),
            Col("app_access", about="Of an app: ALLOW or DENY", path=f"{APP}.access"),
            Col("verification_type", about="Of an app: ASSURANCE, AUTH_METHOD_CHAIN, …",
                path=f"{APP}.verificationMethod.type"),
            Col("factor_mode", about="Of an app: 1FA or 2FA", path=f"{APP}.verificationMethod.factorMode"),
            Col("reauthenticate_in", about="Of an app: ISO 8601, PT0S is each time",
                path=f"{APP}.verificationMethod.reauthenticateIn"),
            Col("constraints", "JSON", "Of an app: what a factor must be",
                f"{APP}.verificationMethod.constraints"),
            Col("phishing_resistant", "BOOLEAN", "Of an app: each allowed way resists phishing",
                "resists_phishing"),
            Col("enroll", about="Of enrolment: when, or NEVER", path="actions.enroll.self"),
            Col("network_connection", about="ANYWHERE, ZONE, ON_NETWORK or OFF_NETWORK",
                path="conditions.network.connection"),
            Col("network_include", "VARCHAR[]", "Zones", "conditions.network.include"),
            Col("network_exclude", "VARCHAR[]", "Zones", "conditions.network.exclude"),
        ),
        drop=("lastUpdated", "of", "resists_phishing"),
    ),
    RestTable(
        name="okta_authenticator", service="policies", path="/api/v1/authenticators", resource="{id}",
        permission="okta.authenticators.read",
        about="What people can prove themselves with (Identity Engine).",
        columns=(
            Col("authenticator_id", path="id"),
            Col("key", about="okta_password, webauthn, phone_number, …"),
            Col("type"),
            Col("name"),
            Col("status", about="ACTIVE or INACTIVE"),
            Col("allowed_for", about="any, sso, recovery or none", path="settings.allowedFor"),
            Col("user_verification", about="Whether a PIN or finger is asked for",
                path="settings.userVerification"),
            Col("settings", "JSON"),
        ),
        calls=(
            Call(
                path="/api/v1/authenticators/{id}/methods", permission="okta.authenticators.read",
                columns=(
                    Col("methods", "STRUCT(type VARCHAR, status VARCHAR)[]", "sms, voice, push, …", "items"),
                ),
            ),
        ),
        drop=("lastUpdated",),
    ),
)  # fmt: skip
