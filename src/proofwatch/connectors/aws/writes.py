"""Which actions write: told from the verb of the name, and listed for the services that we read.

`python -m proofwatch.connectors.aws.writes` writes the list again from botocore's service models.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from proofwatch.connectors.aws.policy import matches

LIST = "write_actions.txt"

PREFIXES = {
    "accessanalyzer": "access-analyzer",
    "account": "account",
    "acm": "acm",
    "autoscaling": "autoscaling",
    "backup": "backup",
    "cloudfront": "cloudfront",
    "cloudtrail": "cloudtrail",
    "cloudwatch": "cloudwatch",
    "config": "config",
    "dynamodb": "dynamodb",
    "ec2": "ec2",
    "ecr": "ecr",
    "ecs": "ecs",
    "efs": "elasticfilesystem",
    "eks": "eks",
    "elasticache": "elasticache",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "es": "es",
    "guardduty": "guardduty",
    "iam": "iam",
    "inspector2": "inspector2",
    "kinesis": "kinesis",
    "kms": "kms",
    "lambda": "lambda",
    "logs": "logs",
    "opensearch": "es",
    "organizations": "organizations",
    "rds": "rds",
    "redshift": "redshift",
    "route53": "route53",
    "secretsmanager": "secretsmanager",
    "securityhub": "securityhub",
    "sns": "sns",
    "sqs": "sqs",
    "ssm": "ssm",
    "stepfunctions": "states",
    "wafv2": "wafv2",
}
"""Botocore service → prefix of its IAM actions, where operations and actions share their names."""

NOT_AN_OPERATION = (
    "apigateway:DELETE",
    "apigateway:PATCH",
    "apigateway:POST",
    "apigateway:PUT",
    "dynamodb:PartiQLDelete",
    "dynamodb:PartiQLInsert",
    "dynamodb:PartiQLUpdate",
    "es:ESHttpDelete",
    "es:ESHttpPatch",
    "es:ESHttpPost",
    "es:ESHttpPut",
    "iam:PassRole",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "lambda:InvokeFunction",
    "s3:AbortMultipartUpload",
    "s3:BypassGovernanceRetention",
    "s3:CreateAccessPoint",
    "s3:CreateBucket",
    "s3:CreateJob",
    "s3:DeleteAccessPoint",
    "s3:DeleteAccessPointPolicy",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:DeleteBucketWebsite",
    "s3:DeleteObject",
    "s3:DeleteObjectTagging",
    "s3:DeleteObjectVersion",
    "s3:ObjectOwnerOverrideToBucketOwner",
    "s3:PutAccelerateConfiguration",
    "s3:PutAccessPointPolicy",
    "s3:PutAccountPublicAccessBlock",
    "s3:PutAnalyticsConfiguration",
    "s3:PutBucketAcl",
    "s3:PutBucketCORS",
    "s3:PutBucketLogging",
    "s3:PutBucketNotification",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketRequestPayment",
    "s3:PutBucketTagging",
    "s3:PutBucketVersioning",
    "s3:PutBucketWebsite",
    "s3:PutEncryptionConfiguration",
    "s3:PutInventoryConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:PutMetricsConfiguration",
    "s3:PutObject",
    "s3:PutObjectAcl",
    "s3:PutObjectLegalHold",
    "s3:PutObjectRetention",
    "s3:PutObjectTagging",
    "s3:PutReplicationConfiguration",
    "s3:ReplicateDelete",
    "s3:ReplicateObject",
    "s3:RestoreObject",
)
"""Actions that have no operation of their own name; all of S3, whose two sets of names differ most."""

_NO_ACTION = frozenset(
    {
        "cloudfront:CreateDistributionWithTags",
        "dynamodb:BatchExecuteStatement",
        "dynamodb:ExecuteStatement",
        "dynamodb:ExecuteTransaction",
        "dynamodb:TransactGetItems",
        "dynamodb:TransactWriteItems",
        "kms:ReEncrypt",
        "lambda:Invoke",
        "lambda:InvokeWithResponseStream",
        "sns:PublishBatch",
        "sqs:ChangeMessageVisibilityBatch",
        "sqs:DeleteMessageBatch",
        "sqs:SendMessageBatch",
    }
)
"""Operations that IAM knows by another name, listed above or by the operation without Batch."""

CONTENTS = (
    "athena:GetQueryResults",
    "dynamodb:BatchGetItem",
    "dynamodb:GetItem",
    "dynamodb:PartiQLSelect",
    "dynamodb:Query",
    "dynamodb:Scan",
    "ec2:GetPasswordData",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "kinesis:GetRecords",
    "kms:Decrypt",
    "lambda:GetFunction",
    "logs:FilterLogEvents",
    "logs:GetLogEvents",
    "logs:StartQuery",
    "rds:DownloadDBLogFilePortion",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "secretsmanager:BatchGetSecretValue",
    "secretsmanager:GetSecretValue",
    "sqs:ReceiveMessage",
    "ssm:GetParameter",
    "ssm:GetParameterHistory",
    "ssm:GetParameters",
    "ssm:GetParametersByPath",
)
"""Actions that do not write, yet show contents: no table needs them."""

_READ_VERB = re.compile(
    r"(Get|List|Describe|Head|BatchGet|BatchDescribe|BatchCheck|BatchDetect|BatchRead|Search|Lookup|Simulate"
    r"|View|Check|Validate|Verify|Query|Scan|Select|Read|Download|Filter|Test|Estimate|Preview|Retrieve|Count"
    r"|Detect|Discover|Decrypt|Receive|AdminGet|AdminList|Is(?=[A-Z]|$)|Are(?=[A-Z]|$)|Classify|Contains|Compare"
    r"|Generate\w*Report|GenerateServiceLastAccessedDetails|Evaluate(?=Expression)|PartiQLSelect|ESHttpGet"
    r"|ESHttpHead|Recognize|Resolve|Probe|Sample|GitPull|DomainMetadata)"
)
_READS_DESPITE_NAME = frozenset(
    name.lower()
    for name in (
        "athena:Batch*",
        "cloudwatch:GenerateQuery",
        "cloudwatch:GenerateQueryResultsSummary",
        "codedeploy:Batch*",
        "config:Deliver*",
        "config:DeliverConfigSnapshot",
        "devops-guru:StartCostEstimation",
        "elasticbeanstalk:Request*",
        "iam:Generate*",
        "logs:StartLiveTail",
        "logs:StartQuery",
        "logs:StopLiveTail",
        "logs:StopQuery",
        "polly:SynthesizeSpeech",
        "servicequotas:StartQuotaUtilizationReport",
        "sts:AssumeRole",
        "sts:DecodeAuthorizationMessage",
        "wellarchitected:ExportLens",
        "xray:CancelTraceRetrieval",
        "xray:StartTraceRetrieval",
    )
)
"""What AWS itself puts into ReadOnlyAccess and SecurityAudit though the verb says otherwise."""


@lru_cache(maxsize=1)
def write_actions() -> tuple[str, ...]:
    """Return every known writing action of the services that we read, sorted."""
    text = files("proofwatch.connectors.aws").joinpath(LIST).read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


def reads(action: str) -> bool:
    """Tell whether an action, or every action that a pattern can mean, only reads, by its name."""
    if action.lower() in _READS_DESPITE_NAME:
        return True
    name = action.partition(":")[2]
    literal = re.split(r"[*?]", name, maxsplit=1)[0]
    # IAM ignores case, and policies are written in any; names in capitals are HTTP's (apigateway:GET).
    spelt = literal[:1].upper() + literal[1:]
    return bool(_READ_VERB.match(spelt)) or spelt == "GET"


def may_write(pattern: str) -> list[str]:
    """Return the listed writing actions that a pattern covers, or itself where its name tells of a write.

    Our list knows every short pattern of its own services (`s3:G*` covers no write there); elsewhere, and for
    an action that the list lacks, the verb decides.
    """
    listed = [action for action in write_actions() if matches(pattern, action)]
    if listed or reads(pattern):
        return listed
    service, _, name = pattern.partition(":")
    literal = re.split(r"[*?]", name, maxsplit=1)[0].capitalize()
    shortened = literal != name.capitalize() and any(verb.startswith(literal) for verb in _COMMON_VERBS)
    return [] if shortened and service.lower() in _services() else [pattern]


_COMMON_VERBS = ("Get", "List", "Describe", "BatchGet", "Lookup", "Search", "Simulate")


@lru_cache(maxsize=1)
def _services() -> frozenset[str]:
    return frozenset(action.partition(":")[0] for action in write_actions())


def generate() -> list[str]:
    """Return the writing actions that botocore's models and `NOT_AN_OPERATION` name."""
    import botocore.session

    session = botocore.session.Session()
    found = set(NOT_AN_OPERATION)
    for service, prefix in PREFIXES.items():
        names = session.get_service_model(service).operation_names
        found |= {f"{prefix}:{_bare(name)}" for name in names}
    return sorted(action for action in found if not reads(action) and action not in _NO_ACTION)


def _bare(operation: str) -> str:
    # CloudFront and Lambda carry API dates in some names: CreateDistribution2020_05_31, InvokeAsync.
    return re.sub(r"20\d\d_?\d\d_?\d\d$", "", operation)


def _main() -> None:
    path = Path(__file__).with_name(LIST)
    head = "# Writing actions of the services read. Made by `python -m proofwatch.connectors.aws.writes`.\n"
    path.write_text(head + "\n".join(generate()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _main()
