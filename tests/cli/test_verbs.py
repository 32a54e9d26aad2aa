"""The verbs, as a person or a script types them, over a home that was swept once."""

import csv
import json
import shutil

import pytest

from proofwatch.connectors.registry import CONNECTORS
from tests.companies import proofwatch


@pytest.fixture
def home(undisturbed, tmp_path):
    shutil.copytree(undisturbed, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def ask(company, home):
    def call(*arguments, code=0):
        done = proofwatch(company, home, *arguments, check=False)
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    return call


def lines(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_results_say_everything_about_a_verdict(ask):
    found = lines(ask("results", "--json"))
    assert {item["status"] for item in found} >= {"pass", "fail"}
    wanted = {"check", "resource", "account", "region", "status", "reason", "check_version"}
    wanted |= {"observed_at", "same_as"}
    assert all(wanted <= set(item) for item in found)
    assert all(item["reason"] for item in found)


def test_results_are_filtered(ask):
    found = lines(ask("results", "--json", "--check", "aws.ec2.ebs-volume-encrypted", "--status", "fail"))
    assert found
    assert {(item["check"], item["status"]) for item in found} == {("aws.ec2.ebs-volume-encrypted", "fail")}
    one = found[0]["resource"]
    assert {item["resource"] for item in lines(ask("results", "--json", "--resource", one))} == {one}


def test_the_number_of_results_is_the_same_everywhere(ask, tmp_path):
    found = lines(ask("results", "--json"))
    ask("export", "csv", "results", "--out", str(tmp_path / "out"))
    with (tmp_path / "out" / "results.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == len(found)
    meta = json.loads((tmp_path / "out" / "results.meta.json").read_text("utf-8"))
    assert meta["rows"] == len(found)
    controls = json.loads(ask("status", "--json", code=1).stdout)["controls"]
    failing = [item for item in controls if item["status"] == "failing"]
    assert failing
    assert controls[0]["status"] == "failing"


def test_status_ends_as_its_controls_stand(ask):
    assert ask("status", code=1).stdout
    ask("status", "--fail-on", "never")


def test_findings_name_what_fails(ask):
    found = json.loads(ask("findings", "--json").stdout)
    assert found
    assert all(item["state"] == "open" and item["check"] and item["account"] for item in found)


def test_a_query_sees_the_snapshot_and_nothing_else(ask, tmp_path):
    rows = json.loads(ask("snapshot", "query", "SELECT count(*) AS n FROM aws_ec2_volume", "--json").stdout)
    assert rows[0]["n"] > 0
    assert "did you mean" in ask("snapshot", "query", "SELECT * FROM aws_ec2_volum", code=2).stderr.lower()
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n", "utf-8")
    for hostile in (f"SELECT * FROM '{secret}'", f"SELECT * FROM read_csv('{secret}')", "ATTACH 'x.db'"):
        ask("snapshot", "query", hostile, code=2)
    past = ask("snapshot", "query", "SELECT 1 FROM aws_ec2_volume", "--at", "2020-01-01", code=2)
    assert "aws_ec2_volume" in past.stderr


def test_the_log_is_verified_and_tampering_is_found(ask, home):
    assert ask("evidence", "verify").returncode == 0
    kept = ask("evidence", "checkpoint").stdout
    (home / "kept.txt").write_text(kept, "utf-8")
    ask("evidence", "verify", "--checkpoint", str(home / "kept.txt"))
    victim = next(path for path in sorted((home / "objects").glob("*/*")) if path.is_file())
    victim.chmod(0o644)
    victim.write_bytes(victim.read_bytes()[:-1] + b"!")
    done = ask("evidence", "verify", code=1)
    assert victim.parent.name + victim.name in done.stdout.replace("\n", "")


def test_an_entry_comes_with_a_proof_that_verifies(ask, home):
    from proofwatch.evidence.merkle import leaf_hash
    from proofwatch.evidence.note import parse_vkey
    from proofwatch.evidence.proof import verify_proof
    from tests.test_pipeline import query

    newest = json.loads(ask("evidence", "list", "--json", "--limit", "1").stdout)[0]["index"]
    text = ask("evidence", "show", str(newest), "--proof").stdout
    ((entry,),) = query(
        home, "select entry from store_logentry where 'index' = 'index' order by rowid desc limit 1"
    )
    key = json.loads(ask("evidence", "list", "--json", "--kind", "key.created").stdout)[0]["data"]["vkey"]
    assert verify_proof(text, leaf_hash(bytes(entry)), [parse_vkey(key)]).size > newest


def test_a_check_is_disabled_only_with_a_reason_and_its_control_says_so(ask):
    ask("checks", "disable", "aws.kms.key-rotation", code=2)
    listed = json.loads(ask("checks", "list", "--table", "aws_ec2_volume", "--json").stdout)
    name = next(item["check"] for item in listed)
    ask("checks", "disable", name, "--reason", "no volumes hold data")
    shown = json.loads(ask("checks", "show", name, "--json").stdout)
    assert shown["enabled"] is False
    assert "no volumes hold data" in shown["reason"]
    kinds = [item["kind"] for item in json.loads(ask("evidence", "list", "--json", "--limit", "5").stdout)]
    assert any(kind.startswith("check.") for kind in kinds)
    ask("checks", "enable", name, "--reason", "they do now")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("checks", "show", "aws.ec2.ebs-volume-encryptd"), "aws.ec2.ebs-volume-encrypted"),
        (("results", "--check", "aws.ec2.ebs-volume-encryptd"), "aws.ec2.ebs-volume-encrypted"),
        (("controls", "show", "NOPE-99"), "there is no control"),
        (("sweep", "awz"), "'aws'"),
        (("sweep", "aws", "--tables", "aws_ec2_volum"), "aws_ec2_volume"),
        (("connect", "aws", "--regions", "eu-wst-1"), "eu-west-1"),
        (("connect", "aws", "--accounts", "123"), "twelve digits"),
        (("connect", "aws", "--role-arn", "nonsense"), "not a role ARN"),
        (("connect", "aws", "--profile", "nobody-has-this"), "nobody-has-this"),
        (("config", "plan", "none.yaml"), "none.yaml"),
        (("evidence", "show", "999999"), "no entry 999999"),
        (("evidence", "cat", "abc"), "not a SHA-256"),
        (("results", "--at", "yesterday"), "is no moment"),
        (("controls", "import", "none.yaml"), "none.yaml"),
    ],
)
def test_bad_input_gets_one_clear_error_and_changes_nothing(ask, home, arguments, said):
    from tests.test_pipeline import query

    before = query(home, "select count(*), max(rowid) from store_logentry")
    done = ask(*arguments, code=2)
    assert said in " ".join(done.stderr.split())
    assert query(home, "select count(*), max(rowid) from store_logentry") == before


def test_a_configuration_survives_the_way_out_and_back(ask, home):
    path = home / "proofwatch.yaml"
    path.write_text(ask("config", "export").stdout, "utf-8")
    assert json.loads(ask("config", "plan", str(path), "--json").stdout) == []
    text = (
        path.read_text("utf-8")
        + "checks:\n  aws.ec2.ebs-volume-encrypted: {enabled: false, reason: scratch only}\n"
    )
    path.write_text(text, "utf-8")
    assert [step["action"] for step in json.loads(ask("config", "plan", str(path), "--json").stdout)] == [
        "check.set"
    ]
    ask("config", "apply", str(path))
    assert json.loads(ask("config", "plan", str(path), "--json").stdout) == []


def test_a_configuration_is_applied_wholly_or_not_at_all(ask, home):
    path = home / "proofwatch.yaml"
    path.write_text(
        "connections: [{name: other, connector: aws, settings: {regions: [mars-1]}}]\n"
        "checks: {aws.ec2.ebs-volume-encrypted: {enabled: false, reason: x}}\n",
        "utf-8",
    )
    assert "mars-1" in ask("config", "apply", str(path), code=2).stderr
    assert (
        json.loads(ask("checks", "show", "aws.ec2.ebs-volume-encrypted", "--json").stdout)["enabled"] is True
    )


def test_controls_are_exported_imported_and_approved(ask, home):
    path = home / "controls.yaml"
    text = ask("controls", "export").stdout
    path.write_text(text.replace("version: 1", "version: 2", 1), "utf-8")
    assert json.loads(ask("controls", "import", str(path), "--json").stdout)["version"] == "2"
    ask("controls", "approve", "--note", "agreed")
    listed = json.loads(ask("controls", "list", "--json").stdout)
    assert (listed["version"], bool(listed["approved_by"])) == ("2", True)
    assert len(listed["controls"]) >= 25


def test_doctor_explains(ask):
    done = ask("doctor", "--json")
    assert {item["what"] for item in json.loads(done.stdout)} >= {
        "home",
        "state",
        "signing key",
        "evidence log",
    }


def test_a_connection_is_paused_resumed_and_removed(ask):
    paused = json.loads(ask("connections", "pause", "aws", "--reason", "maintenance", "--json").stdout)
    assert (paused["state"], paused["paused_reason"]) == ("paused", "maintenance")
    assert json.loads(ask("connections", "resume", "aws", "--json").stdout)["state"] != "paused"
    assert json.loads(ask("connections", "remove", "aws", "--reason", "sold", "--json").stdout)["removed"]
    assert json.loads(ask("connections", "list", "--json").stdout) == []
    assert json.loads(ask("findings", "--json").stdout)


def test_connectors_list_their_tables(ask):
    found = {item["connector"]: item["tables"] for item in json.loads(ask("connectors", "--json").stdout)}
    assert set(found) == set(CONNECTORS)
    assert len(found["aws"]) >= 60 and all(found.values())


def test_nothing_secret_reaches_any_output_or_file(ask, home, company):
    secret = company.secret_access_key.encode()
    outputs = [
        ask(*words).stdout
        for words in (("connections", "show", "aws", "--json"), ("evidence", "list", "--json"))
    ]
    assert not any(company.secret_access_key in text for text in outputs)
    assert not any(secret in path.read_bytes() for path in home.rglob("*") if path.is_file())


def test_keys_are_listed_by_name_and_replaced_for_a_reason(ask, home):
    before = json.loads(ask("keys", "list", "--json").stdout)
    assert [row["use"] for row in before] == ["signs the log", "seals stored secrets"]
    made = json.loads(ask("keys", "rotate", "--reason", "yearly", "--json").stdout)
    after = json.loads(ask("keys", "list", "--json").stdout)
    assert [row["key"] for row in after] == [before[0]["key"], made["key"], before[1]["key"]]
    lines_of = (home / "keys" / "web.secret").read_text().split()
    said = ask("keys", "list").stdout
    assert len(lines_of) == 2 and not any(line in said for line in lines_of)
    assert "yearly" in ask("evidence", "list", "--kind", "secrets.resealed", "--json").stdout
