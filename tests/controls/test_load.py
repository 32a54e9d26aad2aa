import pytest
import yaml

from proofwatch.controls.base import ControlError
from proofwatch.controls.load import as_body, controls_from, load_controls

CHECKS = {"aws.ec2.ebs-volume-encrypted"}
CRITERIA = {"CC6.1", "CC6.7"}
GOOD = {
    "framework": "soc2",
    "version": 3,
    "title": "Our list",
    "controls": [
        {
            "id": "ENC-01",
            "title": "Disks are encrypted",
            "statement": "Every disk that holds company data is encrypted.",
            "owner_role": "Platform lead",
            "criteria": ["CC6.1"],
            "checks": ["aws.ec2.ebs-volume-encrypted"],
            "data_sources": ["aws"],
            "frequency": "hourly",
            "manual": "",
        }
    ],
}


def write(tmp_path, body):
    path = tmp_path / "list.yaml"
    path.write_text(yaml.safe_dump(body), "utf-8")
    return path


def load(tmp_path, body):
    return load_controls(write(tmp_path, body), checks=CHECKS, criteria=CRITERIA)


def changed(**fields):
    return {**GOOD, "controls": [{**GOOD["controls"][0], **fields}]}


def test_a_list_survives_the_way_out_and_back(tmp_path):
    first = load(tmp_path, GOOD)
    again = controls_from(as_body(first), source="export", checks=CHECKS, criteria=CRITERIA)
    assert again == first
    assert first.version == "3"


def test_the_digest_changes_with_any_word(tmp_path):
    assert load(tmp_path, GOOD).sha256 != load(tmp_path, changed(manual="Sampled.")).sha256


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"criteria": ["CC6.9"]}, "control ENC-01: there is no criterion CC6.9 (did you mean CC6.7?)"),
        (
            {"checks": ["aws.ec2.ebs-volume-encryptd"]},
            "control ENC-01: there is no check aws.ec2.ebs-volume-encryptd "
            "(did you mean aws.ec2.ebs-volume-encrypted?)",
        ),
        ({"checks": []}, "control ENC-01 has neither a check nor a manual part: nobody would ever look"),
        ({"owner": "x"}, "control ENC-01, field owner: extra inputs are not permitted"),
        ({"criteria": ["CC6.1", "CC6.1"]}, "control ENC-01: criterion CC6.1 stands twice"),
    ],
)
def test_each_mistake_is_named(tmp_path, fields, sentence):
    with pytest.raises(ControlError) as caught:
        load(tmp_path, changed(**fields))
    assert sentence in caught.value.problem


def test_all_mistakes_are_named_at_once(tmp_path):
    with pytest.raises(ControlError) as caught:
        load(tmp_path, changed(criteria=["X1"], checks=["nothing.like.it"]))
    assert "criterion X1" in caught.value.problem
    assert "check nothing.like.it" in caught.value.problem


def test_a_control_twice_is_refused(tmp_path):
    with pytest.raises(ControlError, match="ENC-01 stands twice"):
        load(tmp_path, {**GOOD, "controls": GOOD["controls"] * 2})


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ControlError, match="No such file"):
        load_controls(tmp_path / "none.yaml", checks=CHECKS, criteria=CRITERIA)


def test_a_file_that_is_not_yaml_is_named(tmp_path):
    path = tmp_path / "list.yaml"
    path.write_text("controls: [", "utf-8")
    with pytest.raises(ControlError, match="is not YAML"):
        load_controls(path, checks=CHECKS, criteria=CRITERIA)
