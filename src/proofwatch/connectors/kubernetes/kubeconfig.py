"""A kubeconfig file: which cluster, and by which credential. Nothing that it names is ever started."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from proofwatch.connectors.base import ConnectorError
from proofwatch.connectors.kubernetes.settings import KubernetesSettings
from proofwatch.connectors.rest.auth import secret
from proofwatch.outbound.session import origin

DOING = "reading the kubeconfig"
_REFUSED_USER = {
    "exec": "starts a foreign program for a token",
    "auth-provider": "uses a plugin for a token",
    "username": "signs in with a password",
    "password": "signs in with a password",
    "as": "acts as somebody else",
    "as-groups": "acts as somebody else",
    "as-uid": "acts as somebody else",
}
_REFUSED_CLUSTER = {
    "insecure-skip-tls-verify": "trusts whoever answers",
    "proxy-url": "goes through a proxy of its own",
    "tls-server-name": "expects another name in the certificate",
}
_USE_TOKEN = "Make a service account with a token, as the steps say, and put that into the kubeconfig."  # noqa: S105


@dataclass(frozen=True, slots=True)
class Target:
    """Where the cluster is, and what lets us in.

    Attributes:
        name: what it is called.
        server: its address.
        authorities: as PEM, the only ones that are trusted; "" for the public ones.
        token: itself, or a reference to where it is read each time.
        reference: whether `token` is a reference.
        cert: certificate chain and key, as PEM.
    """

    name: str
    server: str
    authorities: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    reference: bool = False
    cert: tuple[str, str] | None = field(default=None, repr=False)


def target(settings: KubernetesSettings) -> Target:
    """Return where the settings lead. Raises ConnectorError."""
    if settings.kubeconfig:
        return _from_file(settings, settings.kubeconfig)
    server = str(settings.api_url)
    name = settings.cluster_name or server.partition("://")[2]
    ca = _file(Path(settings.ca_file), "ca_file") if settings.ca_file else ""
    return Target(called(name), server, ca, str(settings.token), reference=True)


def called(name: str) -> str:
    """Return a name that may be an account's: a context may hold slashes, as those of EKS do."""
    return re.sub(r"[^A-Za-z0-9._@-]+", "-", name).strip("-.") or "cluster"


def _from_file(settings: KubernetesSettings, reference: str) -> Target:
    whole = _parsed(secret(reference, DOING))
    wanted = settings.context or str(whole.get("current-context") or "")
    if not wanted:
        raise _wrong("it has no current-context", "Name one in the setting context.")
    context = _named(whole, "contexts", "context", wanted)
    cluster = _named(whole, "clusters", "cluster", str(context.get("cluster") or ""))
    user = _named(whole, "users", "user", str(context.get("user") or ""))
    _refuse(cluster, _REFUSED_CLUSTER, f"the cluster of context {wanted!r}", "Correct the cluster's entry.")
    _refuse(user, _REFUSED_USER, f"the user of context {wanted!r}", _USE_TOKEN)
    kind, _, path = reference.partition(":")
    files = _Files(Path(path).expanduser().parent if kind == "file" else None)
    server = str(cluster.get("server") or "").rstrip("/")
    try:
        origin(server)
    except ValueError as error:
        raise _wrong(f"the server of context {wanted!r} is unusable: {error}") from None
    token, by_reference = _token(user, files)
    chain = files.text(user, "client-certificate", "client certificate")
    key = files.text(user, "client-key", "client key")
    if bool(chain) != bool(key):
        raise _wrong("of client-certificate and client-key there is only one", "Give both.")
    if not token and not chain:
        raise _wrong(
            f"the user of context {wanted!r} has neither a token nor a client certificate", _USE_TOKEN
        )
    return Target(
        called(settings.cluster_name or wanted), server,
        files.text(cluster, "certificate-authority", "certificate authority"), token, by_reference,
        (chain, key) if chain else None,
    )  # fmt: skip


def _token(user: Mapping[str, Any], files: _Files) -> tuple[str, bool]:
    # As kubectl does: the file, which somebody renews, goes before the text.
    if user.get("tokenFile"):
        return f"file:{files.path(str(user['tokenFile']), 'tokenFile')}", True
    return str(user.get("token") or ""), False


class _Files:
    """What an entry holds as base64 or names as a file, beside the kubeconfig where it is relative."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def text(self, entry: Mapping[str, Any], member: str, what: str) -> str:
        """Return PEM text, or "". Raises ConnectorError."""
        data = entry.get(f"{member}-data")
        if data:
            try:
                return b64decode(str(data), validate=True).decode("ascii")
            except ValueError:
                raise _wrong(f"{member}-data is no base64 of PEM") from None
        path = entry.get(member)
        return _file(self.path(str(path), member), what) if path else ""

    def path(self, name: str, member: str) -> Path:
        """Return an absolute path. Raises ConnectorError."""
        if Path(name).is_absolute():
            return Path(name)
        if self._folder is None:
            raise _wrong(f"{member} is a relative path, but the kubeconfig is no file", "Write it absolute.")
        return self._folder / name


def _file(path: Path, what: str) -> str:
    try:
        return path.read_text("ascii")
    except OSError as error:
        raise ConnectorError(f"reading the {what}", f"{path}: {error.strerror or 'unreadable'}") from None
    except UnicodeDecodeError:
        raise ConnectorError(f"reading the {what}", f"{path} is no PEM") from None


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        whole = yaml.safe_load(text)
    except yaml.YAMLError:
        # Its own words would show the lines around, which may hold the token.
        raise _wrong("it is no YAML") from None
    if not isinstance(whole, Mapping):
        raise _wrong("it is no kubeconfig")
    return whole


def _named(whole: Mapping[str, Any], plural: str, member: str, name: str) -> Mapping[str, Any]:
    entries = whole.get(plural)
    for entry in entries if isinstance(entries, list) else []:
        if (
            isinstance(entry, Mapping)
            and entry.get("name") == name
            and isinstance(entry.get(member), Mapping)
        ):
            found: Mapping[str, Any] = entry[member]
            return found
    known = [str(entry.get("name")) for entry in entries or [] if isinstance(entry, Mapping)]
    has = f"; it has {', '.join(sorted(known))}" if known else ""
    raise _wrong(f"it has no {member} {name!r}{has}", "Look at the setting context.")


def _refuse(entry: Mapping[str, Any], refused: Mapping[str, str], whose: str, remedy: str) -> None:
    for name, why in refused.items():
        if entry.get(name):
            raise _wrong(f"{whose} {why} ({name}), which is not done here", remedy)


def _wrong(problem: str, remedy: str = "") -> ConnectorError:
    return ConnectorError(DOING, problem, remedy)
