"""Django's settings for the pages, made from ours. Verbs that need no pages never load these."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from proofwatch.config import ConfigError, Oidc, Saml
from proofwatch.evidence.durable import link
from proofwatch.outbound.secrets import reveal

if TYPE_CHECKING:
    from proofwatch.app import App

APPS = (
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "proofwatch.web",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
)
MIDDLEWARE = (
    "django.middleware.gzip.GZipMiddleware",
    "proofwatch.web.middleware.Headers",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "proofwatch.web.activity.Activity",
    "proofwatch.web.middleware.People",
)
SAML = "allauth.socialaccount.providers.saml"
HERE = Path(__file__).parent
HOURS = 12
"""A session ends after so many hours."""
LARGEST_FORM = 2 * 1024 * 1024
LARGEST_UPLOAD = 25 * 1024 * 1024


def setup(app: App) -> None:
    """Set Django up with the pages, before anything else uses the models."""
    from proofwatch.store import django

    if _is_set_up():
        django.setup(app.settings.database_url)
    else:
        apps = (*APPS, *([SAML] if app.settings.saml else []))
        django.setup(app.settings.database_url, apps=apps, extra=extra(app))


def _is_set_up() -> bool:
    from django.conf import settings

    return settings.configured and "proofwatch.web" in settings.INSTALLED_APPS


def extra(app: App) -> dict[str, Any]:
    """Return the further settings. Raises ConfigError if the key of the sessions cannot be read."""
    url = urlsplit(app.settings.url)
    secure = url.scheme == "https"
    key, *older = secret_keys(app.settings.secret_file)
    hosts = ["127.0.0.1", "localhost", "[::1]", *([url.hostname] if url.hostname else [])]
    return {
        "SECRET_KEY": key,
        "SECRET_KEY_FALLBACKS": older,
        "PROOFWATCH_SECRET_FILE": str(app.settings.secret_file),
        "DEBUG": False,
        "ALLOWED_HOSTS": hosts,
        "CSRF_TRUSTED_ORIGINS": [f"{url.scheme}://{url.netloc}"] if url.netloc else [],
        "ROOT_URLCONF": "proofwatch.web.urls",
        # `web.middleware.Headers` sends what these two ask for, and more; tests/web/test_deploy.py looks.
        "SILENCED_SYSTEM_CHECKS": ["security.W001", "security.W002"],
        "MIDDLEWARE": list(MIDDLEWARE),
        "TEMPLATES": [_templates()],
        "STATIC_URL": "/static/",
        "STATICFILES_DIRS": [],
        "WHITENOISE_USE_FINDERS": True,
        "WHITENOISE_MAX_AGE": 3600,
        "AUTH_USER_MODEL": "web.User",
        "AUTHENTICATION_BACKENDS": [
            "django.contrib.auth.backends.ModelBackend",
            "allauth.account.auth_backends.AuthenticationBackend",
        ],
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.Argon2PasswordHasher"],
        "AUTH_PASSWORD_VALIDATORS": [
            {
                "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
                "OPTIONS": {"min_length": 12},
            },
            {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
            {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
        ],
        "CACHES": {"default": {"BACKEND": "proofwatch.web.counts.Counts"}},
        "DATA_UPLOAD_MAX_MEMORY_SIZE": LARGEST_FORM,
        "DATA_UPLOAD_MAX_NUMBER_FIELDS": 2000,
        "FILE_UPLOAD_MAX_MEMORY_SIZE": 1024 * 1024,
        "FILE_UPLOAD_PERMISSIONS": 0o600,
        "LOGIN_URL": "account_login",
        "LOGIN_REDIRECT_URL": "/",
        "USE_I18N": False,
        "MESSAGE_STORAGE": "django.contrib.messages.storage.session.SessionStorage",
        **_cookies(secure),
        **_sign_in(app),
    }


def _templates() -> dict[str, Any]:
    return {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "proofwatch.web.context.shell",
            ],
            "builtins": ["proofwatch.web.templatetags.proofwatch"],
        },
    }


def _cookies(secure: bool) -> dict[str, Any]:
    """Return how cookies and transport are kept; the `__Host-` names work only over TLS."""
    prefix = "__Host-" if secure else "pw-"
    return {
        "SESSION_COOKIE_NAME": f"{prefix}session",
        "SESSION_COOKIE_SECURE": secure,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_AGE": HOURS * 3600,
        "CSRF_COOKIE_NAME": f"{prefix}csrf",
        "CSRF_COOKIE_SECURE": secure,
        "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_SAMESITE": "Lax",
        "CSRF_FAILURE_VIEW": "proofwatch.web.problems.csrf",
        "SECURE_HSTS_SECONDS": 365 * 86400 if secure else 0,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": secure,
        "SECURE_HSTS_PRELOAD": False,
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "SECURE_REFERRER_POLICY": "same-origin",
        "SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin",
        "X_FRAME_OPTIONS": "DENY",
    }


def _sign_in(app: App) -> dict[str, Any]:
    """Return how people sign in: password, TOTP, passkeys, and any OIDC provider that is set."""
    return {
        "ACCOUNT_ADAPTER": "proofwatch.web.sign_in.AccountAdapter",
        "SOCIALACCOUNT_ADAPTER": "proofwatch.web.sign_in.SocialAdapter",
        "ACCOUNT_LOGIN_METHODS": {"username", "email"},
        "ACCOUNT_SIGNUP_FIELDS": ["email*", "username*", "password1*", "password2*"],
        "ACCOUNT_EMAIL_VERIFICATION": "none",
        "ACCOUNT_LOGOUT_REDIRECT_URL": "/account/login/",
        "ACCOUNT_PREVENT_ENUMERATION": True,
        "ACCOUNT_REAUTHENTICATION_TIMEOUT": 900,
        "ACCOUNT_SESSION_REMEMBER": False,
        "ACCOUNT_RATE_LIMITS": {"login_failed": "10/m/ip,5/300s/key", "login": "30/m/ip"},
        "MFA_SUPPORTED_TYPES": ["totp", "webauthn", "recovery_codes"],
        "MFA_PASSKEY_LOGIN_ENABLED": True,
        "MFA_PASSKEY_SIGNUP_ENABLED": False,
        "MFA_TOTP_ISSUER": "Proofwatch",
        "MFA_TOTP_TOLERANCE": 1,  # clocks of phones differ by some seconds
        "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN": not app.settings.url.startswith("https://"),
        "USERSESSIONS_TRACK_ACTIVITY": True,
        "SOCIALACCOUNT_ONLY": False,
        "SOCIALACCOUNT_EMAIL_AUTHENTICATION": True,
        "SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT": True,
        "SOCIALACCOUNT_LOGIN_ON_GET": False,
        "SOCIALACCOUNT_STORE_TOKENS": False,
        "SOCIALACCOUNT_PROVIDERS": _services(app),
    }


def _services(app: App) -> dict[str, Any]:
    """Return the sign-in services that are set, by what they speak."""
    found: dict[str, Any] = {}
    if app.settings.oidc:
        found["openid_connect"] = {"OAUTH_PKCE_ENABLED": True, "APPS": [_service(app.settings.oidc)]}
    if app.settings.saml:
        found["saml"] = {"APPS": [_saml(app.settings.saml)]}
    return found


def _saml(saml: Saml) -> dict[str, Any]:
    """Return a SAML service as django-allauth wants to hear of it: only what it signed counts."""
    local = urlsplit(saml.metadata).hostname in ("localhost", "127.0.0.1")
    settings: dict[str, Any] = {
        "idp": {"entity_id": saml.entity, "metadata_url": saml.metadata},
        "verified_email": True,
        "advanced": {
            "strict": True, "want_assertion_signed": True, "reject_deprecated_algorithm": True,
            "reject_idp_initiated_sso": True, "allow_single_label_domains": local,
        },
    }  # fmt: skip
    if saml.email:
        settings["attribute_mapping"] = {"email": saml.email}
    return {"name": saml.title, "provider_id": saml.entity, "client_id": "sso", "settings": settings}


def _service(oidc: Oidc) -> dict[str, Any]:
    """Return the sign-in service as django-allauth wants to hear of it."""
    secret = reveal(oidc.secret, "reading PROOFWATCH_OIDC_SECRET")
    settings = {"server_url": oidc.url, "oauth_pkce_enabled": True}
    names = {"provider_id": "sso", "name": oidc.title, "client_id": oidc.client}
    return {**names, "secret": secret, "settings": settings}


def secret_keys(path: Path) -> list[str]:
    """Return the keys that sign sessions, the newest first; made at the first use.

    To rotate: put a new line at the top; sessions under the older ones still work until those go.
    """
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _make_key(path)
        found = path.read_text("ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            "reading the key of the sessions", f"{path}: {error}", "Make it readable."
        ) from None
    if not found or min(map(len, found)) < 32:
        raise ConfigError(
            "reading the key of the sessions", f"{path} holds a line that is too short", "Remove that line."
        )
    return found


def _make_key(path: Path) -> None:
    """Make the file whole, or leave the one of a process that was faster: it may be read at once."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
        link(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)
