import pickle
import subprocess
import sys

import pytest

from proofwatch.connectors.aws.connector import AwsConnector
from proofwatch.connectors.aws.settings import read_settings
from proofwatch.connectors.base import ConnectorError, Place, ReadStats, Scope, Shard, Unread
from proofwatch.connectors.registry import connector_class
from tests.connectors.aws.servers import allow, ec2_error, fault_server

OWN = "123456789012"
CALLER = (
    b"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/u</Arn>"
    b"<UserId>U</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
)
PAGE = (
    b"<DescribeVolumesResponse><volumeSet><item><volumeId>vol-1</volumeId></item></volumeSet>"
    b"<nextToken>two</nextToken></DescribeVolumesResponse>"
)


def connector(url="", **settings):
    return AwsConnector(read_settings({"endpoint_url": url, "regions": ["eu-west-1"], **settings}))


def read(reader, table, account=OWN, region="eu-west-1"):
    shard = Shard(account, region, AwsConnector.tables()[table].service, (table,))
    return list(reader.read(shard, table, ReadStats()))


def unread(reader, table="aws_ec2_volume", **place):
    with pytest.raises(Unread) as caught:
        read(reader, table, **place)
    return caught.value


def test_the_registry_finds_it():
    assert connector_class("aws") is AwsConnector


def test_naming_the_tables_imports_no_sdk():
    script = (
        "import sys; from proofwatch.connectors.aws import AwsConnector; AwsConnector.tables();"
        "sys.exit('botocore.session' in sys.modules or 'boto3' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_there_are_at_least_sixty_tables_of_the_services_that_matter():
    tables = AwsConnector.tables()
    assert len(tables) >= 60
    assert {"iam", "s3", "ec2", "rds", "cloudtrail", "config", "kms", "lambda", "organizations"} <= {
        table.service for table in tables.values()
    }


def test_settings_survive_pickling_and_give_the_same_connector():
    settings = read_settings({"regions": ["eu-west-1"], "external_id": "env:X"})
    assert AwsConnector(pickle.loads(pickle.dumps(settings))).settings == settings


def test_shards_are_one_per_account_region_and_service_and_global_ones_once_per_account():
    scope = Scope(
        (
            Place("111111111111", "global"),
            Place("111111111111", "eu-west-1"),
            Place("111111111111", "us-east-1"),
            Place("111111111111", "eu-north-1", gap="not selected"),
            Place("222222222222", "global", gap="not selected"),
            Place("333333333333", "global", gap="role … could not be assumed", wanted=True),
            Place("333333333333", "eu-west-1", gap="role … could not be assumed", wanted=True),
        )
    )
    shards = connector().shards(
        scope, ["aws_ec2_volume", "aws_ec2_snapshot", "aws_sqs_queue", "aws_iam_user"]
    )
    assert sorted((shard.id, shard.tables) for shard in shards) == [
        ("111111111111.eu-west-1.ec2", ("aws_ec2_volume", "aws_ec2_snapshot")),
        ("111111111111.eu-west-1.sqs", ("aws_sqs_queue",)),
        ("111111111111.global.iam", ("aws_iam_user",)),
        ("111111111111.us-east-1.ec2", ("aws_ec2_volume", "aws_ec2_snapshot")),
        ("111111111111.us-east-1.sqs", ("aws_sqs_queue",)),
        ("333333333333.eu-west-1.ec2", ("aws_ec2_volume", "aws_ec2_snapshot")),
        ("333333333333.eu-west-1.sqs", ("aws_sqs_queue",)),
        ("333333333333.global.iam", ("aws_iam_user",)),
    ]


def test_an_unknown_table_is_refused():
    with pytest.raises(ConnectorError, match="aws_ec2_volumes"):
        connector().shards(Scope(()), ["aws_ec2_volumes"])


def test_each_account_is_read_with_its_own_role(moto):
    reader = connector(moto.url, accounts=[OWN, "222222222222"])
    for account in (OWN, "222222222222"):
        reader.clients.client(account, "eu-west-1", "sqs").create_queue(QueueName=f"q-{account}")
    for account in (OWN, "222222222222"):
        (row,) = read(reader, "aws_sqs_queue", account)
        assert row["account_id"] == account
        assert row["queue_url"].endswith(f"/{account}/q-{account}")
        assert row["_unread"] is None


def test_no_secret_is_read(moto):
    moto.client("secretsmanager").create_secret(Name="s", SecretString="hunter2hunter2")
    moto.client("ssm").put_parameter(Name="/p", Value="hunter2hunter2", Type="SecureString")
    moto.client("autoscaling").create_launch_configuration(
        LaunchConfigurationName="lc",
        ImageId="ami-12345678",
        InstanceType="t3.micro",
        UserData="hunter2hunter2",
    )
    container = {
        "name": "n",
        "image": "i",
        "memory": 64,
        "environment": [{"name": "P", "value": "hunter2hunter2"}],
    }
    moto.client("ecs").register_task_definition(family="f", containerDefinitions=[container])
    reader = connector(moto.url)
    for table in (
        "aws_secretsmanager_secret",
        "aws_ssm_parameter",
        "aws_autoscaling_launch_configuration",
        "aws_ecs_task_definition",
    ):
        (row,) = read(reader, table)
        assert "hunter2" not in repr(row)


def test_a_missing_permission_is_named(moto, connect):
    key = moto.user("blind", allow("sts:GetCallerIdentity"))
    reader = AwsConnector(connect(moto.url, key).settings)
    with moto.enforced():
        found = unread(reader)
    assert found.permission == "ec2:DescribeVolumes"
    assert found.remedy == "Allow ec2:DescribeVolumes for this identity."
    assert found.permanent is True


def test_an_account_whose_role_is_closed_is_unread_and_not_empty(moto, connect):
    key = moto.user("alone", allow("sts:GetCallerIdentity"))
    reader = AwsConnector(connect(moto.url, key, accounts=["222222222222"]).settings)
    with moto.enforced():
        found = unread(reader, account="222222222222")
    assert found.code == "AccessDenied"
    assert "sts:AssumeRole" in found.problem


@pytest.mark.parametrize(
    ("answers", "words", "permanent"),
    [
        ([(403, ec2_error("UnauthorizedOperation", "You are not authorized."))], "AWS refused", True),
        ([(400, ec2_error("RequestExpired", "Request has expired."))], "credentials are not usable", True),
        (
            [(400, ec2_error("OptInRequired", "You are not subscribed to this service."))],
            "not subscribed",
            True,
        ),
        (
            [(401, ec2_error("AuthFailure", "Not validated in this region"))],
            "credentials are not usable",
            True,
        ),
        ([(200, PAGE), (403, ec2_error("UnauthorizedOperation", "no"))], "AWS refused", True),
        ([(200, PAGE), (200, PAGE[:60])], "broke off", False),
        ([(200, PAGE), (500, b"<html>")], "AWS failed on its side", False),
        ([(200, PAGE), 5.0], "no answer in time", False),
    ],
)
def test_every_failure_and_every_listing_that_breaks_half_way_is_unread(answers, words, permanent):
    with fault_server((200, CALLER), *answers) as faults:
        found = unread(connector(faults.url, read_timeout=0.3))
    assert words in found.problem
    assert found.permanent is permanent
