import pytest

from proofwatch.connectors.aws.connector import AwsConnector
from proofwatch.connectors.aws.permissions import _listing_calls, check_permissions
from proofwatch.connectors.base import ConnectorError
from tests.connectors.aws.servers import ADMIN, allow

TABLES = ["aws_ec2_volume", "aws_s3_bucket", "aws_sqs_queue"]


def tables(*names):
    return [AwsConnector.tables()[name] for name in names or TABLES]


def by_name(permissions):
    return {each.name: each for each in permissions}


def test_simulation_answers_for_every_permission_by_name(ministack, connect):
    policy = allow("iam:SimulatePrincipalPolicy", "ec2:Describe*", "s3:ListAllMyBuckets")
    key = ministack.user("reader", policy)
    found = by_name(check_permissions(connect(ministack.url, key), tables()))
    needed = {name for table in tables() for name in table.permissions}
    assert set(found) == needed | {"ec2:DescribeRegions", "organizations:ListAccounts"}
    assert found["ec2:DescribeVolumes"].allowed is True
    assert found["ec2:DescribeVolumes"].how.startswith("simulated by AWS: allowed")
    assert found["ec2:DescribeVolumes"].tables == ("aws_ec2_volume",)
    assert found["ec2:DescribeVolumes"].account_id == "000000000000"
    assert found["sqs:ListQueues"].allowed is False
    assert found["sqs:ListQueues"].how == "simulated by AWS: implicitDeny"


def test_an_explicit_deny_is_told(ministack, connect):
    deny = {"Effect": "Deny", "Action": "sqs:ListQueues", "Resource": "*"}
    key = ministack.user(
        "denied",
        allow("iam:SimulatePrincipalPolicy", "sqs:*"),
        {"Version": "2012-10-17", "Statement": [deny]},
    )
    found = by_name(check_permissions(connect(ministack.url, key), tables("aws_sqs_queue")))
    assert found["sqs:ListQueues"].allowed is False
    assert "explicitDeny" in found["sqs:ListQueues"].how
    assert found["sqs:GetQueueAttributes"].allowed is True


def test_the_root_user_needs_no_simulation(ministack, connect):
    found = check_permissions(connect(ministack.url, ADMIN), tables())
    assert all(each.allowed for each in found)


def test_without_simulation_the_attached_policies_answer(moto, connect):
    key = moto.user("reader", allow("iam:Get*", "iam:List*"), allow("ec2:DescribeVolumes"))
    with moto.enforced():
        found = by_name(check_permissions(connect(moto.url, key), tables()))
    assert found["ec2:DescribeVolumes"].allowed is True
    assert found["ec2:DescribeVolumes"].how.startswith("allowed by inline1")
    assert found["s3:ListAllMyBuckets"].allowed is False
    assert found["s3:ListAllMyBuckets"].how == "no attached policy allows it"


def test_without_policies_the_listing_call_is_tried(moto, connect):
    key = moto.user("blind", allow("ec2:DescribeVolumes"))
    with moto.enforced():
        found = by_name(check_permissions(connect(moto.url, key), tables("aws_ec2_volume", "aws_sqs_queue")))
    assert found["ec2:DescribeVolumes"].allowed is True
    assert found["ec2:DescribeVolumes"].how == "tried DescribeVolumes: answered"
    assert found["sqs:ListQueues"].allowed is False
    assert found["sqs:ListQueues"].how.startswith("tried ListQueues: ")


def test_what_needs_a_resource_to_be_tried_cannot_be_told(moto, connect):
    key = moto.user("blind", allow("ec2:DescribeVolumes"))
    with moto.enforced():
        found = by_name(check_permissions(connect(moto.url, key), tables("aws_sqs_queue")))
    attributes = found["sqs:GetQueueAttributes"]
    assert attributes.allowed is None
    assert "needs a resource to try it on" in attributes.how
    assert "iam:SimulatePrincipalPolicy: AWS refused" in attributes.how


@pytest.mark.parametrize(
    ("policy", "allowed", "words"),
    [
        (allow("sqs:*", Condition={"Bool": {"aws:SecureTransport": "true"}}), None, "under a condition"),
        (allow("sqs:*", resource="arn:aws:sqs:*:*:one"), None, "for some resources only"),
    ],
)
def test_limits_of_a_policy_are_told(moto, connect, policy, allowed, words):
    key = moto.user("limited", allow("iam:Get*", "iam:List*"), policy)
    with moto.enforced():
        found = by_name(check_permissions(connect(moto.url, key), tables("aws_sqs_queue")))
    assert found["sqs:GetQueueAttributes"].allowed is allowed
    assert words in found["sqs:GetQueueAttributes"].how


def test_every_selected_account_is_tested(moto, connect):
    clients = connect(moto.url, accounts=["123456789012", "222222222222"])
    found = check_permissions(clients, tables("aws_ec2_volume"))
    volumes = [each.account_id for each in found if each.name == "ec2:DescribeVolumes"]
    assert volumes == ["123456789012", "222222222222"]


def test_an_account_that_cannot_be_entered_is_told_for_each_permission(moto, connect):
    key = moto.user("alone", allow("iam:Get*", "iam:List*"))
    clients = connect(moto.url, key, accounts=["222222222222"])
    with moto.enforced():
        found = check_permissions(clients, tables("aws_ec2_volume"))
    assert {each.allowed for each in found} == {None}
    assert all("sts:AssumeRole" in each.how for each in found)


def test_without_an_identity_nothing_is_tested(connect):
    with pytest.raises(ConnectorError):
        check_permissions(connect("http://127.0.0.1:9"), tables())


def test_a_table_that_is_made_from_what_was_read_needs_no_call():
    made = [table for table in AwsConnector.tables().values() if table.derived]
    assert made and _listing_calls(made) == {}
