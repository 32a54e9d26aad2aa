"""What watches: trails, recorders, detectors, keys, logs, alarms, firewalls.

moto has no Access Analyzer, and Security Hub without standards; both are left as they are.
"""

from __future__ import annotations

from typing import Any

from proofwatch.demo.account import AMERICA, HOME, REGIONS, SECOND, Account
from proofwatch.demo.seeds.storage import STAGING_TRAIL, TRAIL, log_group


def _any_of(*events: str) -> str:
    return "{ " + " || ".join(f"($.eventName = {name})" for name in events) + " }"


_METRICS = {
    "root-use": '{ $.userIdentity.type = "Root" && $.eventType != "AwsServiceEvent" }',
    "refused-calls": '{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }',
    "trail-changes": (
        "{ ($.eventName = CreateTrail) || ($.eventName = UpdateTrail) || ($.eventName = DeleteTrail)"
        " || ($.eventName = StartLogging) || ($.eventName = StopLogging) }"
    ),
}

_MORE_METRICS = {
    "failed-sign-ins": '{ ($.eventName = ConsoleLogin) && ($.errorMessage = "Failed authentication") }',
    "rights-changes": _any_of(
        "AttachUserPolicy", "AttachRolePolicy", "CreatePolicyVersion", "PutRolePolicy", "DeleteRolePolicy"
    ),
    "recording-changes": _any_of("StopConfigurationRecorder", "DeleteDeliveryChannel"),
    "bucket-policy-changes": _any_of("PutBucketPolicy", "PutBucketAcl", "DeleteBucketPolicy"),
    "security-group-changes": _any_of(
        "AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress", "CreateSecurityGroup"
    ),
    "network-changes": _any_of("CreateVpc", "CreateRoute", "AttachInternetGateway", "CreateNetworkAclEntry"),
}


def keys(account: Account) -> None:
    """Three keys: one rotated with an alias, one never rotated, one about to be deleted."""
    kms = account.client("kms")
    good = kms.create_key(Description="data of Acme Robotics")["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/acme-data", TargetKeyId=good)
    kms.enable_key_rotation(KeyId=good)
    if account.kept:
        return
    kms.create_key(Description="made by hand for a trial")
    leaving = account.client("kms", SECOND)
    old = leaving.create_key(Description="of the old warehouse")["KeyMetadata"]["KeyId"]
    leaving.schedule_key_deletion(KeyId=old, PendingWindowInDays=30)


def production(account: Account) -> None:
    """A validated trail over all regions, recorder and detectors in some, alarms on three dangers."""
    _log_groups(account)
    _trail(account, TRAIL)
    recorder(account, HOME, TRAIL)
    for region in (HOME, SECOND):
        account.client("guardduty", region).create_detector(Enable=True)
    account.client("guardduty", AMERICA).create_detector(Enable=account.kept)
    account.client("securityhub").enable_security_hub()
    account.client("inspector2").enable(accountIds=[account.id], resourceTypes=["EC2", "ECR"])
    _alarms(account)
    _parameters(account)
    wall = account.client("wafv2").create_web_acl(
        Name="public",
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        VisibilityConfig={
            "SampledRequestsEnabled": True,
            "CloudWatchMetricsEnabled": True,
            "MetricName": "public",
        },
    )["Summary"]["ARN"]
    if account.kept:
        group = f"arn:aws:logs:{HOME}:{account.id}:log-group:aws-waf-logs-public"
        account.client("wafv2").put_logging_configuration(
            LoggingConfiguration={"ResourceArn": wall, "LogDestinationConfigs": [group]}
        )
    _contact(account)


def staging(account: Account) -> None:
    """Nothing watches here, apart from logs that are kept for ever; in a well-kept one all does."""
    for name in ("/acme/staging-orders", "/acme/staging-app"):
        log_group(account, HOME, name)
    if not account.kept:
        return
    log_group(account, HOME, "/acme/trail")
    _trail(account, STAGING_TRAIL)
    recorder(account, HOME, STAGING_TRAIL)
    for region in REGIONS:
        account.client("guardduty", region).create_detector(Enable=True)
    account.client("securityhub").enable_security_hub()
    account.client("inspector2").enable(accountIds=[account.id], resourceTypes=["EC2", "ECR"])
    _alarms(account)
    _contact(account)


def _log_groups(account: Account) -> None:
    logs = account.client("logs")
    for name, days, encrypted in (
        ("/acme/trail", 400, True),
        ("/acme/orders", 365, True),
        ("/acme/billing", 0, False),
        ("/acme/jenkins", 365 if account.kept else 7, False),
    ):
        log_group(account, HOME, name, encrypted)
        if days:
            logs.put_retention_policy(logGroupName=name, retentionInDays=days)
    for region in REGIONS[1:]:
        log_group(account, region, "/acme/regional")


def _trail(account: Account, bucket: str) -> None:
    trail = account.client("cloudtrail")
    group = f"arn:aws:logs:{HOME}:{account.id}:log-group:/acme/trail:*"
    trail.create_trail(
        Name="acme",
        S3BucketName=bucket,
        IsMultiRegionTrail=True,
        IncludeGlobalServiceEvents=True,
        EnableLogFileValidation=True,
        KmsKeyId="alias/acme-data",
        CloudWatchLogsLogGroupArn=group,
        CloudWatchLogsRoleArn=f"arn:aws:iam::{account.id}:role/recorder",
    )
    events: dict[str, Any] = {"ReadWriteType": "All", "IncludeManagementEvents": True}
    if account.kept:
        events["DataResources"] = [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]
    trail.put_event_selectors(TrailName="acme", EventSelectors=[events])
    trail.start_logging(Name="acme")


def recorder(account: Account, region: str, bucket: str) -> None:
    """Record every change of a region's resources."""
    config = account.client("config", region)
    config.put_configuration_recorder(
        ConfigurationRecorder={
            "name": "default",
            "roleARN": f"arn:aws:iam::{account.id}:role/recorder",
            "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": True},
        }
    )
    config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": bucket})
    config.start_configuration_recorder(ConfigurationRecorderName="default")
    if region != HOME:
        return
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
    patterns = {**_METRICS, **(_MORE_METRICS if account.kept else {})}
    for name, pattern in patterns.items():
        account.client("logs").put_metric_filter(
            logGroupName="/acme/trail",
            filterName=name,
            filterPattern=pattern,
            metricTransformations=[
                {"metricName": name, "metricNamespace": "Acme/Security", "metricValue": "1"}
            ],
        )
        _alarm(account.client("cloudwatch"), name, "Acme/Security", name, [topic])
    told = [topic] if account.kept else []
    _alarm(account.client("cloudwatch"), "jenkins-disk-full", "AWS/EC2", "DiskUsed", told)


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
