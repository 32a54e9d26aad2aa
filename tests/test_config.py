import json
from pathlib import Path

import pytest

from proofwatch.config import VARIABLES, ConfigError, load_settings
from proofwatch.configfile import ConfigFile, read_config_file
from proofwatch.errors import ProofwatchError


def test_the_state_lives_where_the_environment_says(tmp_path):
    settings = load_settings({"PROOFWATCH_HOME": str(tmp_path / "state")})
    assert settings.home == tmp_path / "state"
    assert settings.database_url == f"sqlite:///{tmp_path}/state/proofwatch.sqlite3"
    assert settings.objects == str(tmp_path / "state" / "objects")
    assert settings.executor == "threads:8"


def test_the_default_is_the_users_data_folder(tmp_path):
    assert load_settings({"XDG_DATA_HOME": str(tmp_path)}).home == tmp_path / "proofwatch"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("DATABASE_URL", "mysql://root:secret@host/db", "mysql is not one of sqlite, postgres"),
        ("DATABASE_URL", "nonsense", "no scheme is not one of"),
        ("PROOFWATCH_EXECUTOR", "rockets:3", "'rockets:3' is not threads:N"),
        ("PROOFWATCH_EXECUTOR", "threads:0", "'threads:0' is not threads:N"),
        ("PROOFWATCH_EXECUTOR", "threads:many", "'threads:many' is not threads:N"),
    ],
)
def test_a_wrong_setting_is_named_and_shows_no_password(variable, value, said):
    with pytest.raises(ConfigError) as caught:
        load_settings({variable: value})
    assert said in caught.value.problem
    assert variable in caught.value.doing
    assert "secret" not in str(caught.value)


def test_a_home_that_is_a_file_is_refused(tmp_path):
    path = tmp_path / "file"
    path.write_text("", "utf-8")
    with pytest.raises(ConfigError, match="is not a folder"):
        load_settings({"PROOFWATCH_HOME": str(path)})


def test_every_variable_that_is_read_is_described():
    import re

    source = "".join(path.read_text("utf-8") for path in Path("src/proofwatch").rglob("*.py"))
    read = set(re.findall(r"environ(?:\.get)?[\[(]\s*\"(PROOFWATCH_[A-Z_]+|DATABASE_URL)\"", source))
    assert read <= set(VARIABLES)


def write(tmp_path, text):
    path = tmp_path / "proofwatch.yaml"
    path.write_text(text, "utf-8")
    return path


GOOD = """
version: 1
connections:
  - {name: aws, connector: aws, interval_minutes: 30, settings: {regions: [eu-west-1]}}
checks:
  aws.ec2.ebs-volume-encrypted: {enabled: false, reason: scratch disks only}
"""


def test_a_file_is_read(tmp_path):
    found = read_config_file(write(tmp_path, GOOD))
    assert found.connections[0].interval_minutes == 30
    assert not found.checks["aws.ec2.ebs-volume-encrypted"].enabled


def test_an_empty_file_is_the_default(tmp_path):
    assert read_config_file(write(tmp_path, "")) == ConfigFile()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 2", "version: Input should be 1"),
        ("conections: []", "conections: Extra inputs are not permitted"),
        ("connections: [{name: A b, connector: aws}]", "connections.0.name"),
        ("connections: [{name: a, connector: aws, interval_minutes: 0}]", "connections.0.interval_minutes"),
        ("connections: [{name: a, connector: aws}, {name: a, connector: aws}]", "a stands twice"),
        ("checks: {x: {enabled: false}}", "no reason is given for x"),
        ("a: [", "is not YAML"),
    ],
)
def test_a_wrong_file_is_named_with_its_field(tmp_path, text, said):
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read_config_file(path)
    assert said in caught.value.problem
    assert str(path) in caught.value.doing


def test_the_published_schema_is_the_one_in_force():
    published = json.loads(Path("docs/reference/proofwatch.schema.json").read_text("utf-8"))
    assert published == ConfigFile.model_json_schema()


def test_a_saml_service_needs_its_entity_and_transport():
    given = {"PROOFWATCH_SAML_METADATA": "https://idp.example.com/metadata"}
    with pytest.raises(ConfigError, match="PROOFWATCH_SAML_ENTITY is missing"):
        load_settings(given)
    with pytest.raises(ConfigError, match="does not begin with https"):
        load_settings({**given, "PROOFWATCH_SAML_METADATA": "http://idp.example.com/metadata"})
    pytest.importorskip("onelogin")
    found = load_settings({**given, "PROOFWATCH_SAML_ENTITY": "urn:idp"}).saml
    assert (found.entity, found.title, found.email) == ("urn:idp", "single sign-on", "")


def test_the_address_of_the_database_may_stand_in_a_file(tmp_path):
    kept = tmp_path / "url"
    kept.write_text("postgres://user:hunter2@host/name\n", "utf-8")
    found = load_settings({"PROOFWATCH_HOME": str(tmp_path), "DATABASE_URL": f"file:{kept}"})
    assert found.database_url == "postgres://user:hunter2@host/name"
    kept.write_text("mysql://user:hunter2@host/name\n", "utf-8")
    for given, problem in ((kept, "mysql is not one of"), (tmp_path / "none", "No such file")):
        with pytest.raises(ProofwatchError, match=problem) as wrong:
            load_settings({"PROOFWATCH_HOME": str(tmp_path), "DATABASE_URL": f"file:{given}"})
        assert "hunter2" not in str(wrong.value)
