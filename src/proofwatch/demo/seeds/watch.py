"""What watches: trails, recorders, detectors, keys, logs, alarms, firewalls.

moto has no Access Analyzer, and Security Hub without standards; both are left as they are.
"""

from __future__ import annotations

from typing import Any

from proofwatch.demo.account import AMERICA, HOME, REGIONS, SECOND, Account
from proofwatch.demo.seeds.storage import TRAIL

_METRICS = {
    "root-use": '{ $.userIdentity.type = "Root" && $.eventType != "AwsServiceEvent" }',
    "refused-calls": '{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }',
    "trail-changes": (
        "{ ($.eventName = CreateTrail) || ($.eventName = UpdateTrail) || ($.eventName = DeleteTrail)"
        " || ($.eventName = StartLogging) || ($.eventName = StopLogging) }"
    ),
}


def keys(account: Account) -> None:
    """Three keys: one rotated with an alias, one never rotated, one about to be deleted."""
    kms = account.client("kms")
    good = kms.create_key(Description="data of Acme Robotics")["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/acme-data", TargetKeyId=good)
    kms.enable_key_rotation(KeyId=good)
    kms.create_key(Description="made by hand for a trial")
    leaving = account.client("kms", SECOND)
    old = leaving.create_key(Description="of the old warehouse")["KeyMetadata"]["KeyId"]
    leaving.schedule_key_deletion(KeyId=old, PendingWindowInDays=30)


def production(account: Account) -> None:
    """A validated trail over all regions, recorder and detectors in some, alarms on three dangers."""
    _log_groups(account)
    _trail(account)
    _recorder(account)
    for region in (HOME, SECOND):
        account.client("guardduty", region).create_detector(Enable=True)
    account.client("guardduty", AMERICA).create_detector(Enable=False)
    account.client("securityhub").enable_security_hub()
    account.client("inspector2").enable(accountIds=[account.id], resourceTypes=["EC2", "ECR"])
    _alarms(account)
    _parameters(account)
    account.client("wafv2").create_web_acl(
        Name="public",
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        VisibilityConfig={
            "SampledRequestsEnabled": True,
            "CloudWatchMetricsEnabled": True,
            "MetricName": "public",
        },
    )
    _contact(account)


def staging(account: Account) -> None:
    """Nothing watches here, apart from logs that are kept for ever."""
    logs = account.client("logs")
    for name in ("/acme/staging-orders", "/acme/staging-app"):
        logs.create_log_group(logGroupName=name)


def _log_groups(account: Account) -> None:
    logs = account.client("logs")
    key = account.client("kms").describe_key(KeyId="alias/acme-data")["KeyMetadata"]["Arn"]
    for name, days, encrypted in (
        ("/acme/trail", 400, True),
        ("/acme/orders", 365, True),
        ("/acme/billing", 0, False),
        ("/acme/jenkins", 7, False),
    ):
        logs.create_log_group(logGroupName=name, **({"kmsKeyId": key} if encrypted else {}))
        if days:
            logs.put_retention_policy(logGroupName=name, retentionInDays=days)
    for region in REGIONS[1:]:
        account.client("logs", region).create_log_group(logGroupName="/acme/regional")


def _trail(account: Account) -> None:
    trail = account.client("cloudtrail")
    group = f"arn:aws:logs:{HOME}:{account.id}:log-group:/acme/trail:*"
    trail.create_trail(
        Name="acme",
        S3BucketName=TRAIL,
        IsMultiRegionTrail=True,
        IncludeGlobalServiceEvents=True,
        EnableLogFileValidation=True,
        KmsKeyId="alias/acme-data",
        CloudWatchLogsLogGroupArn=group,
        CloudWatchLogsRoleArn=f"arn:aws:iam::{account.id}:role/recorder",
    )
    trail.put_event_selectors(
        TrailName="acme",
        EventSelectors=[{"ReadWriteType": "All", "IncludeManagementEvents": True}],
    )
    trail.start_logging(Name="acme")


def _recorder(account: Account) -> None:
    config = account.client("config")
    config.put_configuration_recorder(
        ConfigurationRecorder={
            "name": "default",
            "roleARN": f"arn:aws:iam::{account.id}:role/recorder",
            "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": True},
        }
    )
    config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": TRAIL})
    config.start_configuration_recorder(ConfigurationRecorderName="default")
    config.put_config_rule(
        ConfigRule={
            "ConfigRuleName": "encrypted-volumes",
            "Source": {"Owner": "AWS", "SourceIdentifier": "ENCRYPTED_VOLUMES"},
        }
    )


def _alarms(account: Account) -> None:
    topic = account.client("sns").create_topic(
        Name="security-alarms", Attributes={"KmsMasterKeyId": "alias/acme-data"}
    )["TopicArn"]
    account.client("sns").subscribe(
        TopicArn=topic, Protocol="email", Endpoint="security@acme-robotics.example"
    )
    for name, pattern in _METRICS.items():
        account.client("logs").put_metric_filter(
            logGroupName="/acme/trail",
            filterName=name,
            filterPattern=pattern,
            metricTransformations=[
                {"metricName": name, "metricNamespace": "Acme/Security", "metricValue": "1"}
            ],
        )
        _alarm(account.client("cloudwatch"), name, "Acme/Security", name, [topic])
    _alarm(account.client("cloudwatch"), "jenkins-disk-full", "AWS/EC2", "DiskUsed", [])


def _alarm(cloudwatch: Any, name: str, namespace: str, metric: str, actions: list[str]) -> None:
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace=namespace,
        MetricName=metric,
        Statistic="Sum",
        Period=300,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        ActionsEnabled=True,
        AlarmActions=actions,
    )


def _parameters(account: Account) -> None:
    ssm = account.client("ssm")
    ssm.put_parameter(Name="/orders/feature-flags", Value="{}", Type="String")
    ssm.put_parameter(Name="/orders/partner-token", Value="demo", Type="SecureString")
    ssm.create_document(
        Name="restart-orders",
        DocumentType="Command",
        DocumentFormat="JSON",
        Content=(
            '{"schemaVersion": "2.2", "description": "Restart the shop", "mainSteps": '
            '[{"action": "aws:runShellScript", "name": "restart", '
            '"inputs": {"runCommand": ["systemctl restart orders"]}}]}'
        ),
    )


def _contact(account: Account) -> None:
    account.client("account", AMERICA).put_alternate_contact(
        AlternateContactType="SECURITY",
        EmailAddress="security@acme-robotics.example",
        Name="Security at Acme Robotics",
        PhoneNumber="+4930000000",
        Title="Security",
    )
