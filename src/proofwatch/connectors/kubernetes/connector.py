"""The Kubernetes connector: one cluster, which is the account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

from proofwatch.connectors.base import GLOBAL, Document, Identity, Permission, Place, ReadOnlyProof, Scope
from proofwatch.connectors.kubernetes import proof
from proofwatch.connectors.kubernetes.access import Access, read_identity
from proofwatch.connectors.kubernetes.documents import documents
from proofwatch.connectors.kubernetes.settings import KubernetesSettings
from proofwatch.connectors.kubernetes.tables import TABLES
from proofwatch.connectors.rest.api import Api, Pace
from proofwatch.connectors.rest.connector import RestConnector
from proofwatch.connectors.rest.declare import RestTable


class KubernetesConnector(RestConnector):
    """One Kubernetes connection. Cheap to construct: the kubeconfig is read by the first question."""

    kind: ClassVar[str] = "kubernetes"
    title: ClassVar[str] = "Kubernetes"
    Settings: ClassVar[type[BaseModel]] = KubernetesSettings
    DECLARED: ClassVar[Sequence[RestTable]] = TABLES

    def __init__(self, settings: BaseModel) -> None:
        super().__init__(settings)
        self._pace = Pace(self.settings.requests_per_minute, f"kubernetes {self.settings.model_dump_json()}")

    @property
    def access(self) -> Access:
        """The credential, read anew by each sweep: certificates and kubeconfigs are renewed."""
        return self._held.once("access", lambda: Access(self.settings, self._pace))

    @classmethod
    def documents(cls) -> Sequence[Document]:
        """Return the manifest of an identity that only reads."""
        return documents()

    def make_api(self, account: str) -> Api:
        """Return the interface of the cluster."""
        return self.access.api(account)

    def identity(self) -> Identity:
        """Ask the cluster who we are."""
        return read_identity(self.access)

    def permissions(self, tables: Sequence[str]) -> list[Permission]:
        """Ask the cluster about every permission that `tables` need."""
        for name in tables:
            self._declared(name)
        return proof.permissions(self.access, tables)

    def prove_read_only(self) -> ReadOnlyProof:
        """Ask the cluster what this identity could write."""
        return proof.prove(self.access, self.place(self.access.target.name))

    def scope(self) -> Scope:
        """Return the cluster, and each namespace that is left out with its reason."""
        name = self.access.target.name
        left_out = tuple(
            Place(f"{name}.{item.id}", GLOBAL, f"namespace {item.id} of {name}", item.reason)
            for item in self.settings.exclude_namespaces
        )
        return Scope((Place(name, GLOBAL, name), *left_out))

    def names(self, account: str) -> Mapping[str, Any]:
        """Return what readers may know of the settings."""
        excluded = frozenset(item.id for item in self.settings.exclude_namespaces)
        return {"account": account, "excluded": excluded}
