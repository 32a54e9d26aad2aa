"""Verdicts of AWS Config and Security Hub. What moto lacks is answered here, judged by AWS's own models."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from proofwatch.connectors.aws import AwsConnector
from proofwatch.connectors.aws.collect import read_table
from proofwatch.connectors.aws.tables import declaration
from proofwatch.connectors.base import Place, ReadStats, Row, Scope, Unread
from tests.connectors.aws.scripted import Answer, json_failure, scripted
from tests.connectors.aws.servers import Moto

ACCOUNT = "123456789012"
AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
Connect = Callable[..., Any]
RULE = {
    "ConfigRuleName": "encrypted-volumes",
    "ConfigRuleArn": "arn:aws:config:eu-west-1:123456789012:config-rule/config-rule-1",
    "ConfigRuleId": "config-rule-1",
    "Source": {"Owner": "AWS", "SourceIdentifier": "ENCRYPTED_VOLUMES"},
    "ConfigRuleState": "ACTIVE",
}


def evaluation(resource: str, verdict: str) -> dict[str, Any]:
    qualifier = {
        "ConfigRuleName": "encrypted-volumes",
        "ResourceType": "AWS::EC2::Volume",
        "ResourceId": resource,
    }
    return {
        "EvaluationResultIdentifier": {"EvaluationResultQualifier": qualifier, "OrderingTimestamp": AT},
        "ComplianceType": verdict,
        "ResultRecordedTime": AT,
        "ConfigRuleInvokedTime": AT,
        "ResultToken": "token-that-changes",
    }


class Config:
    """Answers of AWS Config by operation; each was held against botocore's model of it."""

    def __init__(self) -> None:
        self.model = botocore.session.Session().get_service_model("config")
        self.given: dict[str, Callable[[dict[str, Any]], Any]] = {}

    def on(self, op: str, answer: Callable[[dict[str, Any]], Any]) -> None:
        self.given[op] = answer

    def __call__(self, op: str, params: dict[str, Any]) -> Answer:
        answer = self.given[op](params)
        if isinstance(answer, tuple):
            return answer
        report = ParamValidator().validate(answer, self.model.operation_model(op).output_shape)
        assert not report.has_errors(), report.generate_report()
        known = set(self.model.operation_model(op).output_shape.members)
        assert set(answer) <= known, set(answer) - known
        return 200, json.dumps(answer, default=lambda value: value.timestamp())


@pytest.fixture
def config() -> Config:
    made = Config()
    made.on("DescribeConfigRules", lambda _: {"ConfigRules": [RULE]})
    return made


def read(connect: Connect, url: str, table: str, **settings: Any) -> list[Row]:
    clients = connect(url, **settings)
    clients.caller = {"Account": ACCOUNT}
    return list(read_table(declaration(table), clients, ACCOUNT, "eu-west-1", ReadStats(), {}))


def test_each_rule_on_each_resource_with_the_time_of_the_verdict(config: Config, connect: Connect) -> None:
    pages = {
        None: {"EvaluationResults": [evaluation("vol-1", "COMPLIANT")], "NextToken": "more"},
        "more": {"EvaluationResults": [evaluation("vol-2", "NON_COMPLIANT")]},
    }
    config.on("GetComplianceDetailsByConfigRule", lambda params: pages[params.get("NextToken")])
    with scripted(config) as aws:
        rows = read(connect, aws.url, "aws_config_rule_evaluation")
    assert [row["resource"] for row in rows] == [
        "encrypted-volumes|AWS::EC2::Volume/vol-1",
        "encrypted-volumes|AWS::EC2::Volume/vol-2",
    ]
    assert [row["compliance_type"] for row in rows] == ["COMPLIANT", "NON_COMPLIANT"]
    assert rows[0]["result_recorded_time"] == AT
    assert rows[0]["config_rule_name"] == "encrypted-volumes"
    assert "token-that-changes" not in repr(rows)


def test_a_page_of_verdicts_that_fails_leaves_no_rows(config: Config, connect: Connect) -> None:
    def answer(params: dict[str, Any]) -> Any:
        if params.get("NextToken"):
            return json_failure("AccessDeniedException", "not authorized")
        return {"EvaluationResults": [evaluation("vol-1", "COMPLIANT")], "NextToken": "more"}

    config.on("GetComplianceDetailsByConfigRule", answer)
    with scripted(config) as aws, pytest.raises(Unread) as caught:
        read(connect, aws.url, "aws_config_rule_evaluation")
    assert caught.value.permission == "config:GetComplianceDetailsByConfigRule"


def test_a_rule_that_was_deleted_meanwhile_has_no_verdicts(config: Config, connect: Connect) -> None:
    config.on("GetComplianceDetailsByConfigRule", lambda _: json_failure("NoSuchConfigRuleException"))
    with scripted(config) as aws:
        assert read(connect, aws.url, "aws_config_rule_evaluation") == []


def test_a_rule_with_its_verdict_and_its_last_runs(config: Config, connect: Connect) -> None:
    name = {"ConfigRuleName": "encrypted-volumes"}
    verdict = {**name, "Compliance": {"ComplianceType": "INSUFFICIENT_DATA"}}
    config.on("DescribeComplianceByConfigRule", lambda _: {"ComplianceByConfigRules": [verdict]})
    status = {**name, "LastFailedEvaluationTime": AT, "LastErrorCode": "AccessDenied"}
    config.on("DescribeConfigRuleEvaluationStatus", lambda _: {"ConfigRulesEvaluationStatus": [status]})
    with scripted(config) as aws:
        [row] = read(connect, aws.url, "aws_config_rule")
    assert row["compliance"]["compliance_type"] == "INSUFFICIENT_DATA"
    assert (row["last_failed_evaluation_time"], row["last_error_code"]) == (AT, "AccessDenied")
    assert row["_unread"] is None


def test_packs_with_roll_out_and_verdict(config: Config, connect: Connect) -> None:
    arn = "arn:aws:config:eu-west-1:123456789012:conformance-pack/soc2/conformance-pack-1"
    name = {"ConformancePackName": "soc2"}
    detail = {**name, "ConformancePackArn": arn, "ConformancePackId": "conformance-pack-1"}
    config.on("DescribeConformancePacks", lambda _: {"ConformancePackDetails": [detail]})
    status = {**detail, "ConformancePackState": "CREATE_COMPLETE", "StackArn": arn}
    status["LastUpdateRequestedTime"] = AT
    config.on("DescribeConformancePackStatus", lambda _: {"ConformancePackStatusDetails": [status]})
    verdict = {**name, "ConformancePackComplianceStatus": "NON_COMPLIANT"}
    config.on(
        "GetConformancePackComplianceSummary", lambda _: {"ConformancePackComplianceSummaryList": [verdict]}
    )
    with scripted(config) as aws:
        [row] = read(connect, aws.url, "aws_config_conformance_pack")
    assert row["resource"] == arn
    assert row["conformance_pack_state"] == "CREATE_COMPLETE"
    assert row["conformance_pack_compliance_status"] == "NON_COMPLIANT"


def aggregator(config: Config) -> None:
    config.on(
        "DescribeConfigurationAggregators",
        lambda _: {"ConfigurationAggregators": [{"ConfigurationAggregatorName": "all"}]},
    )


def test_sources_of_an_aggregator_also_one_without_a_region(config: Config, connect: Connect) -> None:
    aggregator(config)
    sources = [
        {
            "SourceId": "111111111111",
            "SourceType": "ACCOUNT",
            "AwsRegion": "eu-west-1",
            "LastUpdateStatus": "OUTDATED",
        },
        {"SourceId": "o-1", "SourceType": "ORGANIZATION", "LastUpdateStatus": "SUCCEEDED"},
    ]
    config.on(
        "DescribeConfigurationAggregatorSourcesStatus", lambda _: {"AggregatedSourceStatusList": sources}
    )
    with scripted(config) as aws:
        rows = read(connect, aws.url, "aws_config_aggregator_source")
    assert [row["resource"] for row in rows] == ["all|111111111111/eu-west-1", "all|o-1/ORGANIZATION"]
    assert [row["last_update_status"] for row in rows] == ["OUTDATED", "SUCCEEDED"]


def test_the_inventory_of_an_aggregator_is_read_by_pages(config: Config, connect: Connect) -> None:
    aggregator(config)
    item = {
        "accountId": "111111111111",
        "awsRegion": "us-east-1",
        "resourceType": "AWS::S3::Bucket",
        "resourceId": "b-1",
        "arn": "arn:aws:s3:::b-1",
        "configurationItemCaptureTime": "2026-11-20T09:00:00.000Z",
    }
    pages = {
        None: {"Results": [json.dumps(item)], "NextToken": "more"},
        "more": {"Results": [json.dumps({**item, "resourceId": "b-2"})]},
    }
    config.on("SelectAggregateResourceConfig", lambda params: pages[params.get("NextToken")])
    with scripted(config) as aws:
        rows = read(connect, aws.url, "aws_config_aggregate_resource")
    assert rows[0]["resource"] == "all|AWS::S3::Bucket/111111111111/us-east-1/b-1"
    assert (rows[1]["resource_id"], rows[1]["item_account_id"]) == ("b-2", "111111111111")
    assert rows[0]["configuration_item_capture_time"] == AT
    config.on("SelectAggregateResourceConfig", lambda _: {"Results": ["{"]})
    with scripted(config) as aws, pytest.raises(Unread, match="no JSON"):
        read(connect, aws.url, "aws_config_aggregate_resource")


def test_the_inventory_is_planned_only_where_it_is_wanted() -> None:
    scope = Scope((Place(ACCOUNT, "eu-west-1"),))
    for wanted in (False, True):
        settings = AwsConnector.parse_settings({"regions": ["eu-west-1"], "config_inventory": wanted})
        shards = AwsConnector(settings).shards(scope, ["aws_config_rule", "aws_config_aggregate_resource"])
        assert ("aws_config_aggregate_resource" in shards[0].tables) is wanted


def finding(key: str, status: str, workflow: str = "NEW") -> dict[str, Any]:
    return {
        "SchemaVersion": "2018-10-08",
        "Id": f"arn:aws:securityhub:eu-west-1:{ACCOUNT}:security-control/S3.1/finding/{key}",
        "ProductArn": f"arn:aws:securityhub:eu-west-1:{ACCOUNT}:product/{ACCOUNT}/default",
        "GeneratorId": "security-control/S3.1",
        "AwsAccountId": ACCOUNT,
        "CreatedAt": "2026-11-01T09:00:00.000Z",
        "UpdatedAt": "2026-11-20T09:00:00.000Z",
        "LastObservedAt": "2026-11-20T09:00:00.000Z",
        "Severity": {"Label": "HIGH"},
        "Title": "Buckets are not public",
        "Description": "…",
        "Resources": [{"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::b-1"}],
        "Compliance": {"Status": status},
        "Workflow": {"Status": workflow},
        "RecordState": "ACTIVE",
    }


@pytest.fixture
def hub(moto: Moto) -> Iterator[Any]:
    client = moto.client("securityhub")
    client.enable_security_hub()
    yield client


def test_findings_of_security_hub_each_once(moto: Moto, hub: Any, connect: Connect) -> None:
    hub.batch_import_findings(Findings=[finding("1", "FAILED"), finding("2", "PASSED", "RESOLVED")])
    rows = read(connect, moto.url, "aws_securityhub_finding")
    # moto ignores filters, so both listings answer both findings, and each is there once.
    assert sorted(row["compliance"]["status"] for row in rows) == ["FAILED", "PASSED"]
    assert rows[0]["judged_at"] == AT
    assert rows[0]["workflow"] is not None
    assert rows[0]["resources"][0]["id"] == "arn:aws:s3:::b-1"
    assert rows[0]["_unread"] is None
