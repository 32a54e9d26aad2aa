import json

import pytest

from proofwatch.connectors.aws.connector import AwsConnector
from proofwatch.connectors.aws.template import (
    BASE,
    MAX_POLICY,
    cloudformation,
    policy_actions,
    policy_document,
    policy_documents,
)
from proofwatch.connectors.aws.writes import reads
from proofwatch.connectors.base import ConnectorError


def all_tables():
    return list(AwsConnector.tables().values())


def test_the_policy_is_exactly_what_the_tables_declare():
    table = AwsConnector.tables()["aws_sqs_queue"]
    (statement,) = policy_document([table])["Statement"]
    assert set(statement["Action"]) == {*BASE, "sqs:ListQueues", "sqs:GetQueueAttributes"}
    assert (statement["Effect"], statement["Resource"]) == ("Allow", "*")


def test_no_table_needs_a_permission_that_writes():
    assert [action for action in policy_actions(all_tables()) if not reads(action)] == []


@pytest.mark.parametrize("limit", [MAX_POLICY, 1500])
def test_every_part_fits_a_managed_policy_and_nothing_is_lost(limit):
    parts = policy_documents(all_tables(), limit)
    assert all(len(json.dumps(part, separators=(",", ":"))) <= limit for part in parts)
    assert limit == MAX_POLICY or len(parts) > 3
    actions = [action for part in parts for action in part["Statement"][0]["Action"]]
    assert actions == policy_actions(all_tables())


def test_every_declared_permission_is_an_action_of_iam():
    specs = pytest.importorskip("cfnlint.data.AdditionalSpecs", reason="cfn-lint's list of IAM actions")
    from pathlib import Path

    known = json.loads(Path(specs.__path__[0], "Policies.json").read_text(encoding="utf-8"))
    strange = [
        action
        for action in policy_actions(all_tables())
        if action.partition(":")[2].lower() not in known.get(action.partition(":")[0], {}).get("Actions", {})
    ]
    assert strange == []


def test_the_template_passes_cfn_lint(tmp_path):
    api = pytest.importorskip("cfnlint.api", reason="cfn-lint checks the template")
    for members in (False, True):
        text = json.dumps(cloudformation(all_tables(), members=members))
        assert [str(match) for match in api.lint_all(text) if match.rule.id.startswith("E")] == []


def test_the_role_is_trusted_under_an_external_id_only():
    role = cloudformation(all_tables(), "Auditor")["Resources"]["Role"]["Properties"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": {"Ref": "ExternalId"}}}
    assert role["RoleName"] == "Auditor"
    assert "Policies" not in role


def test_more_policies_than_a_role_can_hold_are_refused(monkeypatch):
    monkeypatch.setattr("proofwatch.connectors.aws.template.policy_documents", lambda _: [{}] * 11)
    with pytest.raises(ConnectorError, match="more than the ten"):
        cloudformation(all_tables())


def test_a_template_that_is_changed_leaves_the_next_one_as_it_was():
    first = cloudformation(all_tables())
    first["Parameters"]["RoleName"] = {"Type": "String"}
    assert "RoleName" not in cloudformation(all_tables())["Parameters"]
