"""AWS Config: recorders, delivery channels, rules with their verdicts, conformance packs, aggregators."""

from __future__ import annotations

import json
from collections.abc import Iterator

from proofwatch.connectors.aws.caller import Caller, Raw
from proofwatch.connectors.aws.declare import AwsTable, Call
from proofwatch.connectors.base import Unread

INVENTORY = "aws_config_aggregate_resource"
"""Read only where the settings want it: it may hold every resource of every account."""
_EXPRESSION = (
    "SELECT accountId, awsRegion, resourceType, resourceId, resourceName, arn, configurationItemCaptureTime"
)

TABLES = (
    AwsTable(
        name="aws_config_recorder",
        service="config",
        op="DescribeConfigurationRecorders",
        rows="ConfigurationRecorders[]",
        resource="arn:{partition}:config:{region}:{account}:config-recorder/{name}",
        about="Recorders of configuration changes and whether they are recording.",
        calls=(
            Call(
                op="DescribeConfigurationRecorderStatus",
                params={"ConfigurationRecorderNames": "{name}"},
                take="ConfigurationRecordersStatus",
                batch=20,
                match=("name", "name"),
                about="State of the recorder",
            ),
        ),
    ),
    AwsTable(
        name="aws_config_delivery_channel",
        service="config",
        op="DescribeDeliveryChannels",
        rows="DeliveryChannels[]",
        resource="arn:{partition}:config:{region}:{account}:delivery-channel/{name}",
        about="Where recorded configuration is delivered, and whether that works.",
        calls=(
            Call(
                op="DescribeDeliveryChannelStatus",
                params={"DeliveryChannelNames": "{name}"},
                take="DeliveryChannelsStatus",
                batch=20,
                match=("name", "name"),
                about="State of the last deliveries",
            ),
        ),
    ),
    AwsTable(
        name="aws_config_rule",
        service="config",
        op="DescribeConfigRules",
        rows="ConfigRules[]",
        resource="{ConfigRuleArn}",
        about="Rules of AWS Config and their verdicts.",
        calls=(
            Call(
                op="DescribeComplianceByConfigRule",
                params={"ConfigRuleNames": "{ConfigRuleName}"},
                take="ComplianceByConfigRules",
                batch=25,
                match=("ConfigRuleName", "ConfigRuleName"),
                about="AWS Config's own verdict",
            ),
            Call(
                op="DescribeConfigRuleEvaluationStatus",
                params={"ConfigRuleNames": "{ConfigRuleName}"},
                take="ConfigRulesEvaluationStatus",
                batch=25,
                match=("ConfigRuleName", "ConfigRuleName"),
                about="When the rule ran, and its last error",
            ),
        ),
    ),
    AwsTable(
        name="aws_config_rule_evaluation",
        service="config",
        op="GetComplianceDetailsByConfigRule",
        rows="EvaluationResults[]",
        parent="aws_config_rule",
        params={"ConfigRuleName": "{ConfigRuleName}", "Limit": 100},
        keep=("ConfigRuleName",),
        # A rule that was deleted meanwhile has none.
        absent=("NoSuchConfigRuleException",),
        drop=("ResultToken",),
        resource=(
            "{ConfigRuleName}|{EvaluationResultIdentifier.EvaluationResultQualifier.ResourceType}"
            "/{EvaluationResultIdentifier.EvaluationResultQualifier.ResourceId}"
        ),
        about="Verdicts of AWS Config: each rule on each resource, with the time of its own judgement.",
    ),
    AwsTable(
        name="aws_config_conformance_pack",
        service="config",
        op="DescribeConformancePacks",
        rows="ConformancePackDetails[]",
        resource="{ConformancePackArn}",
        about="Conformance packs, whether they were rolled out, and AWS Config's verdict on each.",
        calls=(
            Call(
                op="DescribeConformancePackStatus",
                params={"ConformancePackNames": "{ConformancePackName}"},
                take="ConformancePackStatusDetails",
                batch=20,
                match=("ConformancePackName", "ConformancePackName"),
                about="State of the roll-out",
            ),
            Call(
                op="GetConformancePackComplianceSummary",
                params={"ConformancePackNames": "{ConformancePackName}"},
                take="ConformancePackComplianceSummaryList",
                batch=5,
                match=("ConformancePackName", "ConformancePackName"),
                about="AWS Config's own verdict",
            ),
        ),
    ),
    AwsTable(
        name="aws_config_aggregator",
        service="config",
        op="DescribeConfigurationAggregators",
        rows="ConfigurationAggregators[]",
        resource="{ConfigurationAggregatorArn}",
        about="Aggregators over accounts and regions.",
    ),
    AwsTable(
        name="aws_config_aggregator_source",
        service="config",
        op="DescribeConfigurationAggregatorSourcesStatus",
        rows="AggregatedSourceStatusList[]",
        reader="read_sources",
        also=("config:DescribeConfigurationAggregators",),
        resource="{ConfigurationAggregatorName}|{SourceId}/{Place}",
        columns={"configuration_aggregator_name": "VARCHAR"},
        about="Accounts and regions that an aggregator gathers, and whether their state is up to date there.",
    ),
    AwsTable(
        name=INVENTORY,
        service="config",
        op="SelectAggregateResourceConfig",
        rows="",
        reader="read_inventory",
        also=("config:DescribeConfigurationAggregators",),
        resource="{ConfigurationAggregatorName}|{resourceType}/{accountId}/{awsRegion}/{resourceId}",
        columns={
            "configuration_aggregator_name": "VARCHAR",
            "item_account_id": "VARCHAR",
            "aws_region": "VARCHAR",
            "resource_type": "VARCHAR",
            "resource_id": "VARCHAR",
            "resource_name": "VARCHAR",
            "arn": "VARCHAR",
            "configuration_item_capture_time": "TIMESTAMPTZ",
        },
        about="Resources that aggregators know; read only with the setting config_inventory.",
    ),
)


def read_sources(caller: Caller) -> Iterator[Raw]:
    """Yield the state of every source of every aggregator of the region."""
    for name in _aggregators(caller):
        op, given = "DescribeConfigurationAggregatorSourcesStatus", {"ConfigurationAggregatorName": name}
        for page in caller.pages("config", op, given):
            for item in page.get("AggregatedSourceStatusList") or ():
                # The organization as a whole is a source without a region.
                yield {**item, **given, "Place": item.get("AwsRegion") or item.get("SourceType", "")}


def read_inventory(caller: Caller) -> Iterator[Raw]:
    """Yield what the aggregators of the region know of every resource."""
    for name in _aggregators(caller):
        given = {"ConfigurationAggregatorName": name}
        for page in caller.pages(
            "config", "SelectAggregateResourceConfig", {**given, "Expression": _EXPRESSION, "Limit": 100}
        ):
            for text in page.get("Results") or ():
                try:
                    yield {**json.loads(text), **given}
                except (ValueError, TypeError):
                    doing = caller.doing("config:SelectAggregateResourceConfig")
                    raise Unread(doing, "a result is no JSON object", "Try again.") from None


def _aggregators(caller: Caller) -> Iterator[str]:
    for page in caller.pages("config", "DescribeConfigurationAggregators", {}, listing=False):
        for item in page.get("ConfigurationAggregators") or ():
            yield item["ConfigurationAggregatorName"]
