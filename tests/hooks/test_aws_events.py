"""Every table is reached by an event that AWS really sends; what reads or is refused reaches none."""

import botocore.session
import pytest

from proofwatch.connectors.registry import connector_class
from proofwatch.hooks import aws_rules
from proofwatch.hooks.aws_events import hints_of, tables_of
from proofwatch.hooks.base import HookError
from proofwatch.hooks.rules import Rules

TABLES = {name: table for name, table in connector_class("aws").tables().items() if not table.derived}
ONLY_IN_EVENTS = {
    "ec2.amazonaws.com": ("EC2 Instance State-change Notification", "EBS Volume Notification"),
    "inspector2.amazonaws.com": ("Inspector2 Coverage",),
    "s3.amazonaws.com": ("PutAccountPublicAccessBlock", "LifecycleExpiration:Delete", "s3:TestEvent"),
    "ssm.amazonaws.com": ("UpdateInstanceInformation",),
}
"""Names that CloudTrail or EventBridge use and that are no operation of the API."""


def operations(source):
    """The names of all operations of a service, as its own API model has them."""
    session = botocore.session.get_session()
    services = aws_rules.RULES[source][0].split()
    found = [name for service in services for name in session.get_service_model(service).operation_names]
    return [*found, *ONLY_IN_EVENTS.get(source, ())]


@pytest.fixture(scope="module")
def names():
    return {source: operations(source) for source in aws_rules.RULES}


def test_every_table_is_reached_by_an_operation_of_its_service(names):
    reached = {table for source, all_ in names.items() for name in all_ for table in tables_of(source, name)}
    assert set(TABLES) - reached == set()
    assert reached - set(TABLES) == set()


def test_every_table_is_reached_by_a_pattern_or_is_all_that_its_service_has_left(names):
    """The fallback to all tables must not be the only way to a table of a service with many."""
    by_pattern = set()
    for source, all_ in names.items():
        rules = Rules((), aws_rules.RULES[source][1], "aws_")
        by_pattern |= {table for name in all_ for table in rules.known(name) or ()}
    many = ("aws_ec2_", "aws_iam_", "aws_rds_", "aws_backup_", "aws_config_", "aws_efs_", "aws_ssm_")
    assert {table for table in TABLES if table.startswith(many)} - by_pattern == set()


def test_every_service_of_the_connector_has_its_events():
    known = {service for services, _ in aws_rules.RULES.values() for service in services.split()}
    assert known == {table.service for table in TABLES.values()}


def test_no_pattern_is_dead(names):
    for source, all_ in names.items():
        lines = aws_rules.RULES[source][1]
        rules = Rules((), lines, "aws_")
        plain = ["".join(c for c in name if c.isalnum()) for name in all_]
        hit = {next((n for n, (p, _) in enumerate(rules.compiled) if p.search(name)), -1) for name in plain}
        assert {lines[n] for n in set(range(len(lines))) - hit} == set(), source


def test_nothing_that_reads_touches_a_table(names):
    for source, all_ in names.items():
        for name in all_:
            if name.startswith(("Get", "List", "Describe", "Head", "BatchGet")):
                assert tables_of(source, name) == (), (source, name)


def test_an_unknown_name_of_a_known_service_touches_all_of_it_and_an_unknown_service_nothing():
    backup = {name for name, table in TABLES.items() if table.service == "backup"}
    assert set(tables_of("backup.amazonaws.com", "FrobnicateAll")) == backup
    assert tables_of("backup.amazonaws.com", "FrobnicateAll", reads=True) == ()
    assert tables_of("quantum.amazonaws.com", "FrobnicateAll") == ()
    assert tables_of("", "") == ()


@pytest.mark.parametrize(
    ("source", "name", "expected"),
    [
        ("s3.amazonaws.com", "PutBucketPolicy", "s3_bucket"),
        ("s3.amazonaws.com", "PutObject", ""),
        ("ec2.amazonaws.com", "AuthorizeSecurityGroupIngress", "ec2_security_group ec2_security_group_rule"),
        ("ec2.amazonaws.com", "DisableEbsEncryptionByDefault", "ec2_ebs_encryption_by_default"),
        ("ec2.amazonaws.com.cn", "CreateVolume", "ec2_volume ec2_instance"),
        ("aws.ec2", "EBS Snapshot Notification", "ec2_snapshot"),
        ("iam.amazonaws.com", "CreateAccessKey", "iam_access_key iam_credential_report iam_account_summary"),
        ("iam.amazonaws.com", "UpdateAssumeRolePolicy", "iam_role"),
        ("lambda.amazonaws.com", "UpdateFunctionConfiguration20150331v2", "lambda_function"),
        ("lambda.amazonaws.com", "ListFunctions20150331", ""),
        ("kms.amazonaws.com", "Decrypt", ""),
        ("cloudtrail.amazonaws.com", "StopLogging", "cloudtrail_trail"),
        ("aws.cloudwatch", "CloudWatch Alarm State Change", "cloudwatch_alarm cloudwatch_composite_alarm"),
        ("aws.guardduty", "GuardDuty Finding", ""),
        (
            "elasticache.amazonaws.com",
            "TestFailover",
            "elasticache_cache_cluster elasticache_replication_group",
        ),
        ("cloudfront.amazonaws.com", "CreateStreamingDistribution", "cloudfront_distribution"),
        ("ssm.amazonaws.com", "UpdateInstanceInformation", ""),
    ],
)
def test_an_event_touches_just_its_tables(source, name, expected):
    assert tables_of(source, name) == tuple(f"aws_{table}" for table in expected.split())


CALL = {
    "eventVersion": "1.08",
    "eventSource": "iam.amazonaws.com",
    "eventName": "CreateUser",
    "awsRegion": "us-east-1",
    "eventTime": "2026-11-23T11:59:00Z",
    "recipientAccountId": "111122223333",
    "userIdentity": {"type": "AssumedRole", "accountId": "999988887777"},
    "requestParameters": {"userName": "eve"},
}


def bus(detail, source="aws.iam", kind="AWS API Call via CloudTrail", **more):
    return {
        "id": "e1",
        "detail-type": kind,
        "source": source,
        "account": "111122223333",
        "region": "eu-west-1",
        "time": "2026-11-23T11:59:30Z",
        "resources": [],
        "detail": detail,
        **more,
    }


def test_a_call_says_account_place_resource_and_time():
    (hint,) = hints_of(bus(CALL))
    assert "aws_iam_user" in hint.tables and hint.region == "global" and hint.resource == "eve"
    assert (hint.account_id, hint.name, hint.at.isoformat()) == (
        "111122223333",
        "CreateUser",
        "2026-11-23T11:59:00+00:00",
    )


def test_tables_with_and_without_a_region_are_two_hints():
    event = {**CALL, "eventSource": "wafv2.amazonaws.com", "eventName": "UpdateWebACL"}
    assert {(hint.tables, hint.region) for hint in hints_of(event)} == {
        (("aws_wafv2_web_acl",), "us-east-1"),
        (("aws_wafv2_cloudfront_web_acl",), "global"),
    }


@pytest.mark.parametrize(
    "change",
    [
        {"errorCode": "AccessDenied"},
        {"errorCode": "Client.UnauthorizedOperation"},
        {"errorCode": "Client.DryRunOperation"},
        {"eventName": "GetUser"},
        {"eventName": "NewlyInventedRead", "readOnly": True},
    ],
)
def test_a_call_that_changed_nothing_is_no_hint(change):
    assert hints_of(bus({**CALL, **change})) == ()


def test_a_call_that_failed_half_way_is_a_hint():
    assert hints_of(bus({**CALL, "errorCode": "ServiceFailure"}))


def test_a_service_speaks_for_itself():
    arn = "arn:aws:ec2:eu-west-1:111122223333:instance/i-1"
    event = bus({}, "aws.ec2", "EC2 Instance State-change Notification", resources=[arn])
    (hint,) = hints_of(event)
    assert (hint.tables, hint.region, hint.resource) == (("aws_ec2_instance",), "eu-west-1", arn)


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        ("AWS::EC2::VPC", "aws_ec2_vpc"),
        ("AWS::EC2::EIP", "aws_ec2_address"),
        ("AWS::EC2::VPNConnection", "aws_ec2_vpn_connection"),
        ("AWS::EC2::SecurityGroup", "aws_ec2_security_group"),
        ("AWS::S3::Bucket", "aws_s3_bucket"),
        ("AWS::S3::AccountPublicAccessBlock", "aws_s3_account_public_access_block"),
        ("AWS::ElasticLoadBalancingV2::LoadBalancer", "aws_elbv2_load_balancer"),
        ("AWS::RDS::DBInstance", "aws_rds_db_instance"),
        ("AWS::EFS::FileSystem", "aws_efs_file_system"),
        ("AWS::StepFunctions::StateMachine", "aws_stepfunctions_state_machine"),
    ],
)
def test_a_notice_of_aws_config_names_a_type_of_resource(kind, table):
    item = {"resourceType": kind, "awsAccountId": "111122223333", "awsRegion": "eu-west-1", "resourceId": "x"}
    notice = {"messageType": "ConfigurationItemChangeNotification", "configurationItem": item}
    over_sns, over_bus = (
        hints_of(notice),
        hints_of(bus(notice, "aws.config", "Config Configuration Item Change")),
    )
    assert over_sns == tuple(hint for hint in over_sns if hint.account_id == "111122223333")
    assert any(table in hint.tables for hint in over_sns)
    assert [hint.tables for hint in over_bus] == [hint.tables for hint in over_sns]


def test_the_other_envelopes():
    compliance = {
        "messageType": "ComplianceChangeNotification",
        "configRuleName": "r",
        "awsRegion": "eu-west-1",
    }
    assert [hint.tables for hint in hints_of(compliance)] == [
        ("aws_config_rule", "aws_config_rule_evaluation")
    ]
    alarm = {"AlarmName": "a", "AlarmArn": "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:a"}
    assert hints_of({**alarm, "AWSAccountId": "111122223333"})[0].region == "eu-west-1"
    objects = {
        "Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "awsRegion": "eu-west-1"}]
    }
    assert hints_of(objects) == () == hints_of({"s3Bucket": "logs", "s3ObjectKey": ["a.json.gz"]})
    twice = hints_of({"Records": [CALL, CALL]})
    assert len(twice) == 1


@pytest.mark.parametrize("event", [{}, {"hello": "world"}, {"Records": "no"}, {"Records": [{}] * 1001}])
def test_what_is_no_event_of_aws_is_refused(event):
    with pytest.raises(HookError):
        hints_of(event)


def test_an_account_and_a_region_that_are_none_are_not_repeated():
    (hint,) = hints_of({**CALL, "recipientAccountId": "'; DROP", "userIdentity": "x", "awsRegion": "<b>"})
    assert hint.account_id == ""
    (hint,) = hints_of(
        {**CALL, "eventSource": "sqs.amazonaws.com", "eventName": "DeleteQueue", "awsRegion": "<b>"}
    )
    assert hint.region == ""
