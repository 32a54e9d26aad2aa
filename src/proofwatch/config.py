"""Settings from the environment.

Only the command line and the web read this; everyone else is handed values.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from proofwatch.errors import ProofwatchError
from proofwatch.outbound.secrets import reveal


class ConfigError(ProofwatchError):
    """The environment or `proofwatch.yaml` is wrong. The message names the variable or the field."""


@dataclass(frozen=True, slots=True)
class Oidc:
    """A sign-in service that speaks OpenID Connect.

    Attributes:
        url: of the service: where `/.well-known/openid-configuration` is found below.
        client: our id there.
        secret: our secret there, as `env:NAME` or `file:/path`.
        title: what the button says.
    """

    url: str
    client: str
    secret: str
    title: str = "single sign-on"


@dataclass(frozen=True, slots=True)
class Saml:
    """A sign-in service that speaks SAML 2.0.

    Attributes:
        metadata: address of its metadata: where its sign-in is, and the certificate that signs.
        entity: its entity id, as the metadata has it.
        email: name of the attribute with a person's address; "" for the usual ones.
        title: what the button says.
    """

    metadata: str
    entity: str
    email: str = ""
    title: str = "single sign-on"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is decided before anything runs.

    Attributes:
        home: folder of the state: database, objects, keys, working files.
        database_url: `sqlite:///…` or `postgres://…`.
        objects: folder or `s3://bucket/prefix` of the write-once objects.
        objects_endpoint: S3 endpoint for `objects`, empty for AWS's own.
        executor: `threads:N`, `processes:N`, or the address of a Dask scheduler.
        executor_tls: files of the authority, our certificate and its key, for a scheduler that speaks TLS.
        exchange: where workers leave what they read: a folder that all see, or `s3://bucket/prefix`.
        checks: folder of the user's own checks; it need not exist.
        allow_hosts: hosts that channels and trackers may reach although they are not public.
        url: where people reach this installation; "" where links would lead nowhere.
        mark: a label that every message and page bears, as in a demo.
        require_mfa: whether everybody needs a second factor to see the pages.
        oidc: the sign-in service that speaks OpenID Connect, if there is one.
        saml: the one that speaks SAML, if there is one.
        organization: whose controls these are, as exports name it.
        retain_years: how long after its end a period's evidence is held.
        browser: program that takes pictures of pages; "" looks for one.
        history_months: whole months of history that stay in the database; 0 for all.
    """

    home: Path
    database_url: str
    objects: str
    objects_endpoint: str
    executor: str
    checks: Path
    executor_tls: tuple[str, str, str] | None = None
    exchange: str = ""
    allow_hosts: tuple[str, ...] = ()
    url: str = ""
    mark: str = ""
    require_mfa: bool = False
    oidc: Oidc | None = None
    saml: Saml | None = None
    organization: str = ""
    retain_years: int = 7
    browser: str = ""
    history_months: int = 13

    @property
    def exports(self) -> Path:
        """Return the folder of the binders that were made."""
        return self.home / "exports"

    @property
    def secret_file(self) -> Path:
        """Return the path of the keys that sign the sessions of the pages."""
        return self.home / "keys" / "web.secret"

    @property
    def key_file(self) -> Path:
        """Return the path of the log's signing key."""
        return self.home / "keys" / "log.skey"

    @property
    def work(self) -> Path:
        """Return the folder of sweeps in progress."""
        return self.home / "work"

    @property
    def cache(self) -> Path:
        """Return the folder of rebuilt tables; it may be deleted at any time."""
        return self.home / "cache"


VARIABLES: dict[str, str] = {
    "PROOFWATCH_HOME": "Folder of the state. Default: the user's data folder.",
    "DATABASE_URL": "State: sqlite:///file or postgres://user@host/name, or file:/path with that in it. "
    "Default: SQLite in the home folder.",
    "PROOFWATCH_OBJECTS": "Evidence: a folder or s3://bucket/prefix. Default: objects/ in the home folder.",
    "PROOFWATCH_OBJECTS_ENDPOINT": "Endpoint of an S3 that is not AWS's. Default: AWS's own.",
    "PROOFWATCH_EXECUTOR": "Where collecting runs: threads:N, processes:N, or a Dask scheduler, as "
    "tcp://scheduler:8786 or tls://scheduler:8786 (pip install 'proofwatch[dask]'). Default: threads:8.",
    "PROOFWATCH_EXECUTOR_CA": "File of the authority that the cluster's certificates come from, for tls://.",
    "PROOFWATCH_EXECUTOR_CERT": "File of our own certificate at the cluster.",
    "PROOFWATCH_EXECUTOR_KEY": "File of its key.",
    "PROOFWATCH_EXCHANGE": "Where workers leave what they read until it is judged: a folder that all of them "
    "see, or s3://bucket/prefix of a bucket without Object Lock. Default: work/ in the home folder.",
    "PROOFWATCH_CHECKS": "Folder of your own checks. Default: checks/ in the home folder.",
    "PROOFWATCH_ALLOW_HOSTS": "Hosts (or host:port, with commas) that channels and trackers may reach "
    "although their address is not public. Default: none.",
    "PROOFWATCH_URL": "Where people reach this installation, as https://proofwatch.example.com, for the "
    "links in messages. Default: none, and messages have no links.",
    "PROOFWATCH_REQUIRE_MFA": "1: the pages are shown only to people with a second factor. Default: 0.",
    "PROOFWATCH_OIDC_URL": "Sign-in service that speaks OpenID Connect, as https://login.example.com. "
    "Default: none.",
    "PROOFWATCH_OIDC_CLIENT": "Our client id at the sign-in service.",
    "PROOFWATCH_OIDC_SECRET": "Our secret there, as env:NAME or file:/path.",
    "PROOFWATCH_OIDC_TITLE": "What its button says. Default: single sign-on.",
    "PROOFWATCH_SAML_METADATA": "Address of the metadata of a sign-in service that speaks SAML 2.0 "
    "(pip install 'proofwatch[saml]'). Default: none.",
    "PROOFWATCH_SAML_ENTITY": "Its entity id.",
    "PROOFWATCH_SAML_EMAIL": "Name of the attribute with a person's address. Default: the usual ones.",
    "PROOFWATCH_SAML_TITLE": "What its button says. Default: single sign-on.",
    "PROOFWATCH_ORGANIZATION": "Whose controls these are, as exports name it. Default: none.",
    "PROOFWATCH_RETAIN_YEARS": "Years after its end for which the evidence of a period is held. Default: 7.",
    "PROOFWATCH_HISTORY_MONTHS": "Whole months before this one whose history stays in the database; what is "
    "older goes to the object store. 0: nothing goes. Default: 13, so that a period of 12 months is at hand.",
    "PROOFWATCH_BROWSER": "Program that takes pictures of pages. Default: Chromium, where it is installed.",
    "PROOFWATCH_METRICS_TOKEN": "Token that /metrics asks for, or file:/path with it. Default: none: only "
    "this machine is told.",
    "PROOFWATCH_ACTOR": "Name written beside every change. Default: the system user's name.",
    "PROOFWATCH_LOG": "Level of the log on standard error: debug, info, warning, error. Default: warning.",
}
"""Every environment variable that Proofwatch reads; docs/reference/settings.md is made from it."""


DEMO_FILE, DEMO_MARK = "DEMO", "DEMO DATA"
"""A home folder with this file was made by the demo, and everything shown of it says so."""


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings. Raises ConfigError for a value that cannot be used."""
    home = Path(environ.get("PROOFWATCH_HOME") or _default_home(environ)).expanduser().absolute()
    if home.exists() and not home.is_dir():
        raise ConfigError(
            "reading PROOFWATCH_HOME", f"{home} is not a folder", "Name a folder; it is made if needed."
        )
    executor = environ.get("PROOFWATCH_EXECUTOR") or "threads:8"
    check_executor(executor)
    return Settings(
        home=home,
        database_url=_database(environ.get("DATABASE_URL") or f"sqlite:///{home / 'proofwatch.sqlite3'}"),
        objects=environ.get("PROOFWATCH_OBJECTS") or str(home / "objects"),
        objects_endpoint=environ.get("PROOFWATCH_OBJECTS_ENDPOINT", ""),
        executor=executor,
        executor_tls=_executor_tls(environ, executor),
        exchange=_exchange(environ.get("PROOFWATCH_EXCHANGE", "").strip()),
        checks=Path(environ.get("PROOFWATCH_CHECKS") or home / "checks").expanduser(),
        allow_hosts=tuple(filter(None, map(str.strip, environ.get("PROOFWATCH_ALLOW_HOSTS", "").split(",")))),
        url=_public_url(environ.get("PROOFWATCH_URL", "")),
        mark=DEMO_MARK if (home / DEMO_FILE).is_file() else "",
        require_mfa=_yes(environ, "PROOFWATCH_REQUIRE_MFA"),
        oidc=_oidc(environ),
        saml=_saml(environ),
        organization=environ.get("PROOFWATCH_ORGANIZATION", "").strip(),
        retain_years=_years(environ.get("PROOFWATCH_RETAIN_YEARS", "").strip() or "7"),
        browser=environ.get("PROOFWATCH_BROWSER", "").strip(),
        history_months=_months(environ.get("PROOFWATCH_HISTORY_MONTHS", "").strip() or "13"),
    )


def _years(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 100):
        raise ConfigError(
            "reading PROOFWATCH_RETAIN_YEARS", f"{text!r} is no number from 1 to 100", "Write 7."
        )
    return int(text)


def _months(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 1200):
        raise ConfigError(
            "reading PROOFWATCH_HISTORY_MONTHS",
            f"{text!r} is no number of months",
            "Write 13, or 0 to keep every month in the database.",
        )
    return int(text)


def _yes(environ: Mapping[str, str], name: str) -> bool:
    text = environ.get(name, "").strip().lower()
    if text not in ("", "0", "1", "no", "yes", "false", "true"):
        raise ConfigError(f"reading {name}", f"{text!r} is neither yes nor no", "Set it to 1 or 0.")
    return text in ("1", "yes", "true")


def _oidc(environ: Mapping[str, str]) -> Oidc | None:
    url = environ.get("PROOFWATCH_OIDC_URL", "").strip().rstrip("/")
    if not url:
        return None
    doing = "reading PROOFWATCH_OIDC_URL"
    if not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise ConfigError(doing, "it does not begin with https://", "A sign-in service needs TLS.")
    client = environ.get("PROOFWATCH_OIDC_CLIENT", "").strip()
    reference = environ.get("PROOFWATCH_OIDC_SECRET", "").strip()
    if not client or not reference:
        raise ConfigError(doing, "PROOFWATCH_OIDC_CLIENT or PROOFWATCH_OIDC_SECRET is missing", "Set both.")
    return Oidc(url, client, reference, environ.get("PROOFWATCH_OIDC_TITLE", "").strip() or "single sign-on")


def _saml(environ: Mapping[str, str]) -> Saml | None:
    metadata = environ.get("PROOFWATCH_SAML_METADATA", "").strip()
    if not metadata:
        return None
    doing = "reading PROOFWATCH_SAML_METADATA"
    if not metadata.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise ConfigError(doing, "it does not begin with https://", "A sign-in service needs TLS.")
    entity = environ.get("PROOFWATCH_SAML_ENTITY", "").strip()
    if not entity:
        raise ConfigError(doing, "PROOFWATCH_SAML_ENTITY is missing", "It stands in the metadata.")
    if find_spec("onelogin") is None:
        raise ConfigError(doing, "what reads SAML is not installed", "pip install 'proofwatch[saml]'")
    title = environ.get("PROOFWATCH_SAML_TITLE", "").strip() or "single sign-on"
    return Saml(metadata, entity, environ.get("PROOFWATCH_SAML_EMAIL", "").strip(), title)


def _public_url(text: str) -> str:
    url = text.strip().rstrip("/")
    if url and not url.startswith(("https://", "http://")):
        raise ConfigError(
            "reading PROOFWATCH_URL", f"{url!r} is no address", "Write https://proofwatch.example.com."
        )
    return url


def check_executor(text: str) -> tuple[str, int]:
    """Return (kind, workers) of an executor setting such as `threads:8`; of a cluster, (address, 0).

    Raises:
        ConfigError: it is neither, or what speaks to a cluster is not installed.
    """
    doing = "reading PROOFWATCH_EXECUTOR"
    kind, _, number = text.partition(":")
    if kind in ("tcp", "tls"):
        try:
            parts = urlsplit(text)
            whole = bool(parts.hostname and parts.port) and not parts.path
        except ValueError:
            whole = False
        if not whole:
            raise ConfigError(doing, f"{text!r} names no host and port", "Write tcp://scheduler:8786.")
        if find_spec("distributed") is None:
            raise ConfigError(doing, "Dask is not installed", "pip install 'proofwatch[dask]'")
        return text, 0
    if kind not in ("threads", "processes") or not number.isdigit() or not 1 <= int(number) <= 256:
        raise ConfigError(
            doing,
            f"{text!r} is not threads:N or processes:N with N from 1 to 256, nor tcp://host:port",
            "Set it to threads:8, or remove it.",
        )
    return kind, int(number)


def _executor_tls(environ: Mapping[str, str], executor: str) -> tuple[str, str, str] | None:
    names = ("PROOFWATCH_EXECUTOR_CA", "PROOFWATCH_EXECUTOR_CERT", "PROOFWATCH_EXECUTOR_KEY")
    if not executor.startswith("tls://"):
        return None
    ca, cert, key = (environ.get(name, "").strip() for name in names)
    for name, file in zip(names, (ca, cert, key), strict=True):
        if not file or not Path(file).is_file():
            problem = f"{file} is not a file" if file else "it is not set"
            raise ConfigError(f"reading {name}", problem, "tls:// needs all three, as PEM files.")
    return ca, cert, key


def _exchange(text: str) -> str:
    if "://" in text and not (text.startswith("s3://") and text.removeprefix("s3://").strip("/")):
        raise ConfigError(
            "reading PROOFWATCH_EXCHANGE",
            f"{text!r} is neither a folder nor s3://bucket/prefix",
            "Name a folder that every worker sees, or a bucket.",
        )
    return text


def _database(url: str) -> str:
    if url.startswith("file:"):
        url = reveal(url, "reading DATABASE_URL")
    if not url.startswith(("sqlite:///", "postgres://", "postgresql://")):
        scheme = url.partition("://")[0] if "://" in url else "no scheme"
        raise ConfigError(
            "reading DATABASE_URL",
            f"{scheme} is not one of sqlite, postgres",
            "Write sqlite:////path/to/file or postgres://user:password@host:5432/name.",
        )
    return url


def _default_home(environ: Mapping[str, str]) -> str:
    if sys.platform == "darwin":
        return "~/Library/Application Support/proofwatch"
    return str(Path(environ.get("XDG_DATA_HOME") or "~/.local/share") / "proofwatch")
