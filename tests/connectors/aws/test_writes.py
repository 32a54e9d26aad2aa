import json
from pathlib import Path

import pytest

from proofwatch.connectors.aws.writes import CONTENTS, generate, may_write, reads, write_actions


def test_the_list_is_what_the_models_give_today():
    assert list(write_actions()) == generate()


def test_the_listed_names_are_actions_of_iam():
    folder = pytest.importorskip(
        "cfnlint.data.AdditionalSpecs", reason="cfn-lint's list of IAM actions"
    ).__path__[0]
    known = json.loads(Path(folder, "Policies.json").read_text(encoding="utf-8"))
    named = [*write_actions(), *CONTENTS]
    strange = [
        action
        for action in named
        if action.partition(":")[2].lower() not in known.get(action.partition(":")[0], {}).get("Actions", {})
    ]
    # A botocore may know operations that the list does not have yet.
    assert len(strange) < 20, strange


@pytest.mark.parametrize(
    "action",
    [
        "apigateway:POST",
        "cloudtrail:StopLogging",
        "ec2:TerminateInstances",
        "guardduty:DeleteDetector",
        "iam:AttachRolePolicy",
        "iam:CreateUser",
        "iam:PassRole",
        "kms:ScheduleKeyDeletion",
        "lambda:InvokeFunction",
        "logs:DeleteLogGroup",
        "rds:DeleteDBInstance",
        "s3:DeleteBucket",
        "s3:PutObject",
    ],
)
def test_what_does_harm_is_listed(action):
    assert action in write_actions()


@pytest.mark.parametrize(
    "pattern",
    ["s3:Get*", "s3:G*", "ec2:Describe*", "iam:Generate*", "apigateway:GET", "codedeploy:Batch*", "x:List*"],
)
def test_patterns_that_only_read(pattern):
    assert may_write(pattern) == []


@pytest.mark.parametrize("pattern", ["sagemaker:*", "sagemaker:Create*", "ec2:PauseVolumeIO", "x:G*"])
def test_what_the_list_does_not_have_is_judged_by_its_verb(pattern):
    assert may_write(pattern) == [pattern]


def test_a_star_covers_every_listed_action():
    assert may_write("*") == list(write_actions())


@pytest.mark.parametrize(
    "action", ["ec2:GetConsoleOutput", "logs:StartQuery", "config:DeliverConfigSnapshot"]
)
def test_reading_despite_the_name(action):
    assert reads(action)
