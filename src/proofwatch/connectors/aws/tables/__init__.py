"""The declared tables, one file per service; each module has `TABLES: tuple[AwsTable, ...]`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import import_module
from types import MappingProxyType
from typing import Any

from proofwatch.connectors.aws.declare import AwsTable
from proofwatch.connectors.base import ConnectorError

MODULES = (
    "accessanalyzer",
    "account",
    "acm",
    "apigateway",
    "apigatewayv2",
    "autoscaling",
    "backup",
    "cloudfront",
    "cloudtrail",
    "cloudwatch",
    "config",
    "dynamodb",
    "ec2",
    "ec2_account",
    "ec2_network",
    "ecr",
    "ecs",
    "efs",
    "eks",
    "elasticache",
    "elb",
    "elbv2",
    "guardduty",
    "iam",
    "inspector2",
    "kinesis",
    "kms",
    "lambda_",
    "logs",
    "opensearch",
    "organizations",
    "rds",
    "redshift",
    "route53",
    "s3",
    "secretsmanager",
    "securityhub",
    "shield",
    "sns",
    "sqs",
    "ssm",
    "sso",
    "stepfunctions",
    "wafv2",
)


@lru_cache(maxsize=1)
def declarations() -> Mapping[str, AwsTable]:
    """Return every declaration by table name."""
    return MappingProxyType({table.name: table for name in MODULES for table in _module(name).TABLES})


def declaration(table: str) -> AwsTable:
    """Return one declaration. Raises ConnectorError where there is no such table."""
    found = declarations().get(table)
    if found is None:
        raise ConnectorError(
            "choosing tables", f"AWS has no table {table!r}", "See `proofwatch connectors --json`."
        )
    return found


def reader(declared: AwsTable) -> Callable[..., Any]:
    """Return the Python function that lists a table whose declaration names one."""
    for name in MODULES:
        module = _module(name)
        if declared in module.TABLES:
            found: Callable[..., Any] = getattr(module, declared.reader)
            return found
    raise ConnectorError("choosing tables", f"{declared.name} stands in no module of tables")


def _module(name: str) -> Any:
    return import_module(f"{__name__}.{name}")
