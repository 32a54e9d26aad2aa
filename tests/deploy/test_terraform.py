"""The Terraform modules: their permissions are the connectors' own, and their members those of the providers.

The providers' plugins cannot be had here, so `terraform validate` and `plan` were never run on them. What is
known of their members comes from the types that HashiCorp publishes on npm for its CDK (`@cdktf/provider-…`).
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from proofwatch.connectors.aws.policy import parse
from proofwatch.connectors.aws.template import BASE
from tests import servers
from tests.deploy import terraform

MODULES = sorted(path.name for path in terraform.MODULES.iterdir())
PROVIDERS = {"aws": "21.22.1", "google": "16.12.1", "azuread": "14.3.1", "azurerm": "14.23.1"}
META = {"for_each", "count", "lifecycle", "depends_on", "provider"}
BLOCK = re.compile(r'^(resource|data) "([a-z0-9_]+)" "[a-z_]+" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)


def test_what_the_modules_give_is_what_the_connectors_need() -> None:
    wanted = {name: terraform.text(body) for name, body in terraform.files().items()}
    kept = {
        str(path.relative_to(terraform.MODULES)): path.read_text("utf-8")
        for path in terraform.MODULES.glob("*/*.json")
    }
    assert kept == wanted, "run `python -m tests.deploy.terraform`"


def test_every_file_that_a_module_names_is_there_and_is_used() -> None:
    for module in MODULES:
        folder = terraform.MODULES / module
        text = (folder / "main.tf").read_text("utf-8")
        named = set(re.findall(r"\$\{path\.module\}/([\w.$\{\}-]+)\"", text))
        spread = {name.replace("${number}", number) for name in named for number in "12"}
        assert spread == {path.name for path in folder.glob("*.json")}, module


def test_aws_is_allowed_exactly_what_the_tables_declare() -> None:
    needed = {name for table in terraform.tables("aws") for name in table.permissions}
    given: set[str] = set()
    for number in (1, 2):
        for statement in parse((terraform.MODULES / "aws" / f"policy-{number}.json").read_text("utf-8")):
            assert statement.effect == "Allow" and not any("*" in action for action in statement.actions)
            given |= set(statement.actions)
    assert needed <= given
    assert given - needed == set(BASE) - needed


def test_azures_reader_covers_every_permission_that_a_table_names() -> None:
    main = (terraform.MODULES / "azure" / "main.tf").read_text("utf-8")
    assert re.findall(r'role_definition_name\s+= "([^"]+)"', main) == ["Reader"]
    needed = {name for table in terraform.tables("azure") for name in table.permissions}
    assert needed and all(name.endswith("/read") for name in needed), "Reader is */read"


def test_a_members_template_takes_the_parameters_that_the_stack_set_gives() -> None:
    main = (terraform.MODULES / "aws-organization" / "main.tf").read_text("utf-8")
    given = set(re.findall(r"^\s+(\w+)\s+= ", main.split("parameters = {", 1)[1].split("}", 1)[0], re.M))
    assert given == set(terraform.member_role()["Parameters"])
    body = json.dumps(terraform.member_role(), indent=2)
    assert len(body) < 51_200, "the most that CloudFormation takes as a text"


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not here")
def test_terraform_reads_the_modules_and_has_nothing_to_format() -> None:
    done = subprocess.run(
        ["terraform", "fmt", "-check", "-recursive", "-diff", str(terraform.MODULES)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not here")
@pytest.mark.parametrize("module", MODULES)
def test_terraform_evaluates_variables_and_their_conditions(module: str, tmp_path: Path) -> None:
    """Without the providers' blocks Terraform validates the rest: variables, conditions, types."""
    shutil.copy(terraform.MODULES / module / "variables.tf", tmp_path)
    done = subprocess.run(
        ["terraform", "validate", "-json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    told = json.loads(done.stdout)
    assert told["valid"], told


def test_every_variable_is_used_and_every_reference_leads_somewhere() -> None:
    for module in MODULES:
        folder = terraform.MODULES / module
        text = "".join(path.read_text("utf-8") for path in sorted(folder.glob("*.tf")))
        declared = set(re.findall(r'^variable "(\w+)"', text, re.MULTILINE))
        body = "".join((folder / name).read_text("utf-8") for name in ("main.tf", "outputs.tf"))
        assert set(re.findall(r"\bvar\.(\w+)", body)) == declared, module
        made = set(re.findall(r'^resource "(\w+)" "(\w+)"', text, re.MULTILINE))
        named = set(re.findall(r"(?<![\w.])((?:aws|google|azuread|azurerm)_\w+)\.(\w+)", body))
        assert named <= made, (module, named - made)
        local = set(re.findall(r"\blocal\.(\w+)", body))
        assert local <= set(re.findall(r"^  (\w+)\s+=", text, re.MULTILINE)), module


def top_level(body: str) -> set[str]:
    """Return the members and blocks of a resource that stand in its own level."""
    return set(re.findall(r'^  (?:dynamic ")?([a-z0-9_]+)(?:"? \{|\s+=)', body, re.MULTILINE))


def types_of(provider: str, kind: str) -> str:
    source, _, name = kind.partition(":")
    owner, _, rest = name.partition("_")
    folder = f"data-{owner}-{rest}" if source == "data" else rest
    package = f"@cdktf/provider-{provider}@{PROVIDERS[provider]}"
    return (kept(package) / f"{folder.replace('_', '-')}.d.ts").read_text("utf-8")


def described(provider: str, kind: str) -> tuple[set[str], set[str]]:
    """Return the members that a resource may have, and those that it must, by the provider's types."""
    config = (
        types_of(provider, kind)
        .split("Config extends cdktf.TerraformMetaArguments {", 1)[1]
        .split("\n}", 1)[0]
    )
    found = re.findall(r"#([a-z0-9_]+) \w+#\w+\}.*?readonly (\w+)(\??):", config, re.DOTALL)
    return {name for name, _, _ in found}, {name for name, _, optional in found if not optional}


def kept(package: str) -> Path:
    """Keep the types of one provider's resources; of the package, which is large, nothing else."""

    def fill(fresh: Path) -> None:
        servers._run([servers._npm_itself(), "pack", "--ignore-scripts", package], fresh)
        archive = next(fresh.glob("*.tgz"))
        with tarfile.open(archive) as opened:
            for member in opened:
                parts = member.name.split("/")
                if len(parts) == 4 and parts[3] == "index.d.ts":
                    found = opened.extractfile(member)
                    assert found is not None, member.name
                    (fresh / f"{parts[2]}.d.ts").write_bytes(found.read())
        archive.unlink()

    return servers._once(f"{servers._plain(package)}-types", fill)


def blocks() -> Iterator[tuple[str, set[str]]]:
    """Yield each resource and data source, with the members of its own level and of its blocks."""
    for path in sorted(terraform.MODULES.glob("*/main.tf")):
        for source, kind, body in BLOCK.findall(path.read_text("utf-8")):
            yield f"{source}:{kind}", top_level(body) - META


def inner() -> Iterator[tuple[str, set[str]]]:
    """Yield each resource with the members of the blocks in it, but for those that are Terraform's own."""
    for path in sorted(terraform.MODULES.glob("*/main.tf")):
        for source, kind, body in BLOCK.findall(path.read_text("utf-8")):
            for name, within in re.findall(r"^  (\w+) \{\n(.*?)^  \}", body, re.MULTILINE | re.DOTALL):
                if name not in META:
                    yield f"{source}:{kind}", set(re.findall(r"^    (\w+)\s+=", within, re.MULTILINE))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_member_is_one_that_the_provider_describes(provider: str) -> None:
    checked = 0
    for kind, members in blocks():
        if kind.partition(":")[2].startswith(f"{provider}_"):
            known, required = described(provider, kind)
            assert members <= known, (kind, members - known)
            assert required <= members, (kind, required - members)
            checked += 1
    assert checked
    for kind, members in inner():
        if kind.partition(":")[2].startswith(f"{provider}_"):
            known = set(re.findall(r"#([a-z0-9_]+) \w+#\w+\}", types_of(provider, kind)))
            assert members <= known, (kind, members - known)


def test_every_block_is_found() -> None:
    """The pattern is ours: it must see every block that the files have."""
    texts = [path.read_text("utf-8") for path in terraform.MODULES.glob("*/main.tf")]
    found = re.findall(r"^(?:resource|data) .*\{$", "\n".join(texts), re.MULTILINE)
    assert sum(1 for _ in blocks()) == len(found) > 15
