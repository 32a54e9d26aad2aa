"""Whatever goes wrong, a table is unread with the reason, never empty; wrong settings are refused."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
import yaml

from proofwatch.connectors.base import ConnectorError, Unread
from proofwatch.connectors.kubernetes import KubernetesConnector
from proofwatch.demo.fakes.base import Said
from proofwatch.demo.fakes.kubernetes import CONTEXT, FakeKubernetes, kubeconfig, refused
from tests.connectors.kubernetes.reading import connector, read
from tests.connectors.rest.certificates import ENDS, Authority, behind_tls

PODS, NODES = "/api/v1/pods", "/api/v1/nodes"
EMPTY = {"kind": "NodeList", "apiVersion": "v1", "metadata": {}, "items": []}


@pytest.mark.parametrize(
    ("said", "code", "words", "permanent"),
    [
        (refused(401, "Unauthorized", "Unauthorized"), "401", "does not accept the credential", True),
        (refused(403, "Forbidden", "nodes is forbidden"), "403", "list nodes is needed", True),
        (refused(404, "NotFound", "the server could not find"), "404", "could not find", True),
        (refused(410, "Expired", "The provided continue parameter is too old"), "410", "too old", False),
        (refused(422, "Invalid", "is invalid"), "422", "is invalid", True),
        (
            Said(refused(429, "TooManyRequests", "slow").body, 429, {"Retry-After": "900"}),
            "429",
            "900",
            False,
        ),
        (refused(500, "InternalError", "etcdserver: leader changed"), "500", "leader changed", False),
        (Said(b'{"kind": "NodeList", "items": [{"met'), "json", "no JSON", False),
        (Said({"kind": "NodeList", "apiVersion": "v1", "metadata": {}}), "schema", "no list", True),
        (Said({"kind": "Status", "items": []}), "schema", "no list", True),
        (Said([]), "schema", "no list", True),
        (Said({**EMPTY, "items": [{"spec": {}}]}), "schema", "no name", True),
        (Said({**EMPTY, "items": {"a": 1}}), "schema", "no list", True),
        (Said({**EMPTY, "metadata": {"continue": "same"}}), "loop", "read before", False),
        (Said(None, 302, {"Location": "https://evil.example/nodes"}), "host", "not the connection's", True),
    ],
)
def test_what_cannot_be_listed_is_unread(
    cluster: FakeKubernetes, said: Said, code: str, words: str, permanent: bool
) -> None:
    cluster.broken[NODES] = said
    with pytest.raises(Unread, match=words) as caught:
        read(connector(cluster), "kubernetes_node")
    assert (caught.value.code, caught.value.permanent) == (code, permanent)


def test_an_empty_list_is_empty_also_where_it_is_null(cluster: FakeKubernetes) -> None:
    for items in ([], None):
        cluster.broken[NODES] = Said({**EMPTY, "items": items})
        assert read(connector(cluster), "kubernetes_node") == []


def test_a_listing_that_grew_old_between_two_pages_leaves_nothing(cluster: FakeKubernetes) -> None:
    route = cluster._listed

    def second_is_gone(asked: Any) -> Said:
        gone = refused(410, "Expired", "The provided continue parameter is too old")
        return gone if "continue" in asked.query else route(asked)

    cluster.route(f"GET {NODES}", second_is_gone)
    cluster._routes.insert(0, cluster._routes.pop())
    with pytest.raises(Unread, match="grew too old while its pages were read") as caught:
        read(connector(cluster), "kubernetes_node")
    assert not caught.value.permanent


@pytest.mark.parametrize("path", [PODS, "/apis/apps/v1/replicasets", "/apis/batch/v1/jobs"])
def test_one_kind_that_is_missing_fails_the_workloads(cluster: FakeKubernetes, path: str) -> None:
    cluster.broken[path] = refused(403, "Forbidden", "forbidden")
    with pytest.raises(Unread, match="denies it"):
        read(connector(cluster), "kubernetes_workload")


def written(folder: Path, server: str, user: dict[str, Any], **entry: Any) -> dict[str, Any]:
    path = folder / "config"
    path.write_text(yaml.safe_dump(kubeconfig(server, user, **entry)), "utf-8")
    return {"kubeconfig": str(path)}


def made(given: dict[str, Any]) -> KubernetesConnector:
    return KubernetesConnector(KubernetesConnector.parse_settings(given))


@pytest.mark.parametrize(
    ("user", "entry", "words"),
    [
        ({"exec": {"command": "aws"}}, {}, r"starts a foreign program for a token \(exec\)"),
        ({"auth-provider": {"name": "gcp"}}, {}, "uses a plugin"),
        ({"username": "a", "password": "hunter2"}, {}, "signs in with a password"),
        ({"token": "t", "as": "admin"}, {}, "acts as somebody else"),
        ({"token": "t"}, {"insecure-skip-tls-verify": True}, "trusts whoever answers"),
        ({"token": "t"}, {"proxy-url": "http://p"}, "a proxy of its own"),
        ({"token": "t"}, {"tls-server-name": "other"}, "another name"),
        ({"token": "t"}, {"certificate-authority-data": "%%"}, "no base64 of PEM"),
        ({"token": "t"}, {"certificate-authority-data": b64encode(b"x").decode()}, "no PEM"),
        ({"token": "t"}, {"certificate-authority": "gone.pem"}, "No such file"),
        ({"client-certificate-data": b64encode(b"x").decode()}, {}, "there is only one"),
        ({}, {}, "neither a token nor a client certificate"),
    ],
)
def test_a_kubeconfig_that_would_do_more_or_too_little_is_refused(
    tmp_path: Path, user: dict[str, Any], entry: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConnectorError, match=words) as caught:
        made(written(tmp_path, "https://127.0.0.1:1", user, **entry)).identity()
    assert "hunter2" not in str(caught.value)


def test_a_kubeconfig_that_is_none_is_refused_without_its_text(tmp_path: Path) -> None:
    path = tmp_path / "config"
    for text, words in (
        ("token: 'hunter2\n", "no YAML"), ("hunter2", "no kubeconfig"), ("users: []", "no current-context"),
        ("current-context: x\ncontexts: [{name: y, context: {}}]", "no context 'x'; it has y"),
    ):  # fmt: skip
        path.write_text(text, "utf-8")
        with pytest.raises(ConnectorError, match=words) as caught:
            made({"kubeconfig": str(path)}).identity()
        assert "hunter2" not in str(caught.value)
    with pytest.raises(ConnectorError, match="not encrypted"):
        made(written(tmp_path, "http://10.0.0.1", {"token": "t"})).identity()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "give kubeconfig, or api_url"),
        ({"kubeconfig": "/a", "api_url": "https://a"}, "give kubeconfig, or api_url"),
        ({"kubeconfig": "relative/config"}, "env:NAME or file:/path"),
        ({"kubeconfig": "/a", "token": "env:T"}, "go with api_url"),
        ({"api_url": "https://a"}, "token: give the one"),
        ({"api_url": "https://a", "token": "env:T", "context": "c"}, "context goes with kubeconfig"),
        ({"api_url": "http://10.0.0.1", "token": "env:T"}, "not encrypted"),
        ({"api_url": "https://a", "token": "env:T", "ca_file": "ca.pem"}, "absolute path"),
        ({"kubeconfig": "/a", "exclude_namespaces": [{"id": "a"}]}, "reason"),
        (
            {"kubeconfig": "/a", "exclude_namespaces": [{"id": "a", "reason": "old"}] * 2},
            "stands there twice",
        ),
        ({"kube_config": "/a"}, "did you mean kubeconfig"),
    ],
)
def test_wrong_settings_are_refused_in_words(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConnectorError, match=words):
        KubernetesConnector.parse_settings(given)


def test_a_client_certificate_lets_us_in_and_tells_its_end(cluster: FakeKubernetes, tmp_path: Path) -> None:
    authority = Authority()
    url = behind_tls(cluster, tmp_path, authority, clients=True)
    chain, key = (b64encode(text.encode()).decode() for text in authority.issue("proofwatch"))
    ca = b64encode(authority.pem.encode()).decode()
    user = {"client-certificate-data": chain, "client-key-data": key}
    given = written(tmp_path, url, user, **{"certificate-authority-data": ca})
    # The fake knows tokens only, so that what is open to everybody shows that the certificate was taken.
    assert [row["version"] for row in read(made(given), "kubernetes_version")] == ["v1.37.1"]
    assert made(given).access.ends() == ENDS
    with pytest.raises(Unread, match="did not answer"):
        read(
            made(written(tmp_path, url, {"token": "t"}, **{"certificate-authority-data": ca})),
            "kubernetes_version",
        )


def test_files_beside_the_kubeconfig_and_a_token_that_is_renewed(
    cluster: FakeKubernetes, tmp_path: Path
) -> None:
    url = behind_tls(cluster, tmp_path, Authority())
    (tmp_path / "token").write_text("old", "utf-8")
    given = written(tmp_path, url, {"tokenFile": "token"}, **{"certificate-authority": "ca.pem"})
    one = made(given)
    with pytest.raises(Unread, match="does not accept"):
        read(one, "kubernetes_node")
    (tmp_path / "token").write_text(cluster.token, "utf-8")
    assert len(read(one, "kubernetes_node")) == 3


def test_an_address_with_a_token_and_an_authority(
    cluster: FakeKubernetes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = behind_tls(cluster, tmp_path, Authority())
    monkeypatch.setenv("CLUSTER_TOKEN", cluster.token)
    given = {"api_url": url, "token": "env:CLUSTER_TOKEN", "cluster_name": CONTEXT}
    assert len(read(made({**given, "ca_file": str(tmp_path / "ca.pem")}), "kubernetes_node")) == 3
    with pytest.raises(Unread, match="certificate verify failed"):
        read(made(given), "kubernetes_node")


def test_a_token_is_not_repeated(cluster: FakeKubernetes) -> None:
    one = connector(cluster)
    cluster.broken[NODES] = refused(403, "Forbidden", f"no: {cluster.token}")
    with pytest.raises(Unread) as caught:
        read(one, "kubernetes_node")
    assert cluster.token not in json.dumps(str(caught.value))
    assert cluster.token not in repr(one.access.target)


def test_a_kubeconfig_that_was_renewed_is_read_by_the_next_sweep(
    cluster: FakeKubernetes, tmp_path: Path
) -> None:
    authority = Authority()
    url = behind_tls(cluster, tmp_path, authority, clients=True)
    ca = {"certificate-authority": str(tmp_path / "ca.pem")}
    one = made(written(tmp_path, url, {"token": cluster.token}, **ca))
    one.begin("one")
    with pytest.raises(Unread, match="did not answer"):
        read(one, "kubernetes_node")
    chain, key = authority.issue("proofwatch")
    for name, text in (("chain.pem", chain), ("key.pem", key)):
        (tmp_path / name).write_text(text, "utf-8")
    user = {"token": cluster.token, "client-certificate": "chain.pem", "client-key": "key.pem"}
    written(tmp_path, url, user, **ca)
    one.begin("two")
    assert len(read(one, "kubernetes_node")) == 3
