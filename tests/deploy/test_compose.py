"""The compose file: by the schema of compose itself, and by what it promises. It was never started here."""

from __future__ import annotations

import json
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from proofwatch.config import VARIABLES
from tests import servers

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
COMPOSE = "docker-compose==1.29.2"
LATER = ("name",)
"""Members that compose took in after this schema was published."""


@pytest.fixture(scope="module")
def made() -> Any:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))


def schema() -> Any:
    """Return the schema of compose files, out of the last compose that was written in Python."""

    def fill(fresh: Path) -> None:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", COMPOSE, "--dest", str(fresh)]
        servers._run(pip, fresh)
        with zipfile.ZipFile(next(fresh.glob("*.whl"))) as wheel:
            (fresh / "schema.json").write_bytes(wheel.read("compose/config/compose_spec.json"))

    return json.loads((servers._once("docker-compose-1.29.2-schema", fill) / "schema.json").read_bytes())


def test_it_has_the_form_of_a_compose_file(made: Any) -> None:
    known = {key: value for key, value in made.items() if key not in LATER}
    errors = [
        f"{list(error.instance_path)}: {error.message}"
        for error in jsonschema_rs.validator_for(schema()).iter_errors(known)
    ]
    assert errors == []


def test_every_service_is_shut_in(made: Any) -> None:
    for name, service in made["services"].items():
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"]), f"{name} would be root"
        assert any(mount.startswith("/tmp") for mount in service["tmpfs"]), name
        assert not service.get("privileged") and "network_mode" not in service, name
        assert ":" in service["image"] or service["image"] == "proofwatch", f"{name} has no version"
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name} is open to the network"


def test_what_serves_is_looked_after_and_waits_for_what_it_needs(made: Any) -> None:
    services = made["services"]
    assert all("healthcheck" in services[name] for name in ("web", "database", "s3"))
    for name in ("web", "worker"):
        assert services[name]["depends_on"] == {"init": {"condition": "service_completed_successfully"}}
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)


def test_secrets_are_files_and_every_one_is_declared_and_used(made: Any) -> None:
    used = {name for service in made["services"].values() for name in service.get("secrets", [])}
    assert used == set(made["secrets"])
    read = {f"/run/secrets/{name}" for name in used}
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    assert set(re.findall(r"/run/secrets/\w+", text)) == read
    environment = made["services"]["worker"]["environment"]
    assert {key for key in environment if not key.startswith("AWS_")} <= set(VARIABLES)
    for service in made["services"].values():
        for key, value in service.get("environment", {}).items():
            secret = re.search(r"PASSWORD|TOKEN|DATABASE_URL|ROOT_USER", key)
            assert not secret or str(value).startswith(("file:/run/secrets/", "/run/secrets/")), key
