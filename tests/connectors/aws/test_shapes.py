from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from proofwatch.connectors.aws import shapes

SESSION = botocore.session.Session()


def output(service: str, op: str, path: str = "") -> Any:
    return shapes.at(SESSION.get_service_model(service).operation_model(op).output_shape, path)


def columns(service: str, op: str, path: str) -> dict[str, str]:
    return {each.column: each.type for each in shapes.members(output(service, op, path))}


def test_volumes_have_the_types_of_the_service_model() -> None:
    found = columns("ec2", "DescribeVolumes", "Volumes[]")
    assert found["volume_id"] == "VARCHAR"
    assert found["size"] == "BIGINT"
    assert found["encrypted"] == "BOOLEAN"
    assert found["create_time"] == "TIMESTAMPTZ"
    assert found["tags"] == "MAP(VARCHAR, VARCHAR)"
    assert found["attachments"].startswith("STRUCT(") and found["attachments"].endswith(")[]")


def test_reserved_words_are_quoted_inside_of_structures() -> None:
    found = columns("ec2", "DescribeSnapshotAttribute", "")
    assert found["create_volume_permissions"] == 'STRUCT(user_id VARCHAR, "group" VARCHAR)[]'


def test_tags_are_maps_whatever_a_service_calls_them() -> None:
    assert columns("rds", "DescribeDBInstances", "DBInstances[]")["tags"] == "MAP(VARCHAR, VARCHAR)"
    assert columns("ecs", "DescribeClusters", "clusters[]")["tags"] == "MAP(VARCHAR, VARCHAR)"
    assert columns("kms", "ListResourceTags", "")["tags"] == "MAP(VARCHAR, VARCHAR)"
    assert columns("autoscaling", "DescribeAutoScalingGroups", "AutoScalingGroups[]")["tags"].startswith(
        "MAP("
    )


def test_a_structure_that_contains_itself_is_json() -> None:
    assert columns("wafv2", "GetWebACL", "WebACL")["rules"].count("JSON") >= 1
    statement = output("wafv2", "GetWebACL", "WebACL.Rules[]").members["Statement"]
    assert shapes.type_of(statement) == "JSON"


def test_policies_of_iam_are_json() -> None:
    assert columns("iam", "ListRoles", "Roles[]")["assume_role_policy_document"] == "JSON"


def test_the_account_summary_has_a_column_for_each_key() -> None:
    found = columns("iam", "GetAccountSummary", "SummaryMap")
    assert found["account_mfa_enabled"] == "BIGINT"
    assert found["account_access_keys_present"] == "BIGINT"


@pytest.mark.parametrize(
    ("service", "op", "path", "secret"),
    [
        ("ec2", "DescribeVpnConnections", "VpnConnections[]", "customer_gateway_configuration"),
        ("ec2", "DescribeVpnConnections", "VpnConnections[]", "pre_shared_key"),
        ("ec2", "DescribeLaunchTemplateVersions", "LaunchTemplateVersions[]", "user_data"),
        ("iam", "ListVirtualMFADevices", "VirtualMFADevices[]", "base32_string_seed"),
        ("lambda", "ListFunctions", "Functions[]", "variables"),
        ("ecs", "DescribeTaskDefinition", "taskDefinition", "environment "),
        ("account", "GetAlternateContact", "AlternateContact", "phone_number"),
    ],
)
def test_what_aws_calls_sensitive_is_left_out(service: str, op: str, path: str, secret: str) -> None:
    found = columns(service, op, path)
    assert found
    assert secret not in found
    assert not any(secret in kind for kind in found.values())


def test_the_name_of_a_bucket_key_is_kept_though_it_is_marked() -> None:
    found = columns("s3", "GetBucketEncryption", "")
    assert "kms_master_key_id VARCHAR" in found["server_side_encryption_configuration"]


def test_a_path_that_leads_nowhere_names_the_step() -> None:
    with pytest.raises(KeyError, match="Volume has no member Colour"):
        output("ec2", "DescribeVolumes", "Volumes[].Colour")
    with pytest.raises(KeyError, match="NextToken is not a list"):
        output("ec2", "DescribeVolumes", "NextToken[]")


def test_a_description_is_one_plain_sentence_or_nothing() -> None:
    assert shapes.about("<p>The size, in <code>GiB</code>. More text.</p>") == "The size, in GiB"
    assert shapes.about("<note>Hidden.</note><p>Shown &amp; read.</p>") == "Shown & read"
    assert shapes.about("x" * 161) == ""
    assert shapes.about("") == ""
