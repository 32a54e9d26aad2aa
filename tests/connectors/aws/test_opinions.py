"""AWS Config and Security Hub beside our own checks: one account of moto, swept as a worker sweeps it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from proofwatch import pipeline
from proofwatch.app import App
from proofwatch.cli.main import main
from proofwatch.config import load_settings
from proofwatch.evidence.objects import LocalObjects
from proofwatch.runtime.places import places
from proofwatch.runtime.pool import running
from proofwatch.snapshots.collect import forget_connectors
from proofwatch.store import opinions
from proofwatch.store.models import CheckRun, Finding, Sweep
from proofwatch.store.services import connections, sweeps
from tests.connectors.aws.fronted import fronted
from tests.connectors.aws.scripted import json_failure
from tests.connectors.aws.servers import Moto
from tests.connectors.aws.test_tables_verdicts import ACCOUNT, finding

CHECK = "aws.ec2.ebs-volume-encrypted"
OPINION = "aws.config.agrees-with-ours"
TABLES = [
    "aws_config_comparison",
    "aws_config_recorder",
    "aws_config_rule",
    "aws_config_rule_evaluation",
    "aws_ec2_volume",
    "aws_iam_user",
    "aws_securityhub_comparison",
    "aws_securityhub_finding",
]
RULE = "encrypted-volumes"
GROUPS = "users-in-groups"
HUB_RULE = "securityhub-encrypted-volumes-3504b60a"


class World:
    """A home that is connected to an account with two volumes, a recorder and a rule."""

    def __init__(self, moto: Moto, home: Path) -> None:
        self.catalog = App(load_settings({"PROOFWATCH_HOME": str(home)})).catalog
        self.objects, self.cache, self.work = LocalObjects(home / "objects"), home / "cache", home / "work"
        self.hub, self.config = moto.client("securityhub"), moto.client("config")
        ec2 = moto.client("ec2")
        self.good, self.bad = (
            ec2.create_volume(AvailabilityZone="eu-west-1a", Size=8, Encrypted=encrypted)["VolumeId"]
            for encrypted in (True, False)
        )
        role = f"arn:aws:iam::{ACCOUNT}:role/config"
        self.config.put_configuration_recorder(
            ConfigurationRecorder={
                "name": "default",
                "roleARN": role,
                "recordingGroup": {"allSupported": True},
            }
        )
        self.config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": "b"})
        self.config.start_configuration_recorder(ConfigurationRecorderName="default")
        source = {"Owner": "AWS", "SourceIdentifier": "ENCRYPTED_VOLUMES"}
        for name in (RULE, HUB_RULE):
            self.config.put_config_rule(ConfigRule={"ConfigRuleName": name, "Source": source})
        self.users: dict[str, str] = {}
        self.verdicts: dict[str, str] = {}
        self.judged_at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
        self.minutes = 0
        self.refused = False

    def details(self, asked: dict[str, Any]) -> Any:
        """Answer GetComplianceDetailsByConfigRule, which moto lacks."""
        if self.refused:
            return json_failure("AccessDeniedException", "not authorized")
        name = asked["ConfigRuleName"]
        judged = {RULE: ("AWS::EC2::Volume", self.verdicts), GROUPS: ("AWS::IAM::User", self.users)}
        kind, verdicts = judged.get(name, ("", {}))
        return {
            "EvaluationResults": [
                {
                    "EvaluationResultIdentifier": {
                        "EvaluationResultQualifier": {
                            "ConfigRuleName": name, "ResourceType": kind, "ResourceId": resource,
                        },
                        "OrderingTimestamp": self.judged_at,
                    },
                    "ComplianceType": verdict,
                    "ResultRecordedTime": self.judged_at,
                    "ConfigRuleInvokedTime": self.judged_at,
                }
                for resource, verdict in verdicts.items()
            ]
        }  # fmt: skip

    def asserts(self, volume: str, status: str) -> None:
        """Let Security Hub hold a finding about a volume, with the rule that it rests on."""
        told = finding(volume, status)
        told["GeneratorId"] = "security-control/EC2.3"
        told["Compliance"] = {"Status": status, "SecurityControlId": "EC2.3"}
        told["ProductFields"] = {
            "RelatedAWSResources:0/name": HUB_RULE,
            "RelatedAWSResources:0/type": "AWS::Config::ConfigRule",
        }
        told["Resources"] = [{"Type": "AwsEc2Volume", "Id": self.arn(volume), "Region": "eu-west-1"}]
        told["LastObservedAt"] = self.judged_at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        self.hub.batch_import_findings(Findings=[told])

    def arn(self, volume: str) -> str:
        return f"arn:aws:ec2:eu-west-1:{ACCOUNT}:volume/{volume}"

    def connect(self, url: str) -> None:
        settings = {"endpoint_url": url, "regions": ["eu-west-1"], "accounts": [ACCOUNT]}
        connections.create(kind="aws", name="aws", settings=settings, actor="owner", now=datetime.now(UTC))

    def sweep(self) -> Sweep:
        """Sweep as a worker does."""
        self.minutes += 1
        now = datetime.now(UTC) + timedelta(minutes=self.minutes)
        owner = connections.get("aws")
        run = sweeps.plan(owner, slot=now, trigger="manual", actor="owner", now=now, tables=TABLES)
        where = places("threads", 2, self.work)
        with running(where.workers) as pool:
            tools = pipeline.Tools(
                self.objects, self.catalog, self.cache, pool, where.exchange, where.turns, lambda: None
            )
            return pipeline.sweep(tools, run, actor="owner")

    def stated(self) -> dict[tuple[str, str], opinions.Stated]:
        every = opinions.every(self.objects, self.cache / pipeline.TABLES)
        return {(item.source, item.item): item for item in every}


@pytest.fixture
def world(database_url: str, warm_home: Path, moto: Moto) -> Iterator[World]:
    forget_connectors()
    made = World(moto, warm_home)
    lacking = {
        "GetComplianceDetailsByConfigRule": made.details,
        "DescribeComplianceByConfigRule": lambda asked: {
            "ComplianceByConfigRules": [
                {"ConfigRuleName": name, "Compliance": {"ComplianceType": "NON_COMPLIANT"}}
                for name in asked["ConfigRuleNames"]
            ]
        },
        "DescribeConfigRuleEvaluationStatus": lambda asked: {
            "ConfigRulesEvaluationStatus": [{"ConfigRuleName": name} for name in asked["ConfigRuleNames"]]
        },
    }
    with fronted(moto.url, lacking) as url:
        made.connect(url)
        yield made
    forget_connectors()


def test_a_disagreement_with_aws_config_is_shown_ends_with_it_and_is_stale_without_a_recorder(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROOFWATCH_HOME", str(world.cache.parent))
    monkeypatch.setenv("DATABASE_URL", database_url)
    world.verdicts = {
        world.good: "NON_COMPLIANT",
        world.bad: "NON_COMPLIANT",
        "vol-0123456789abcdef0": "COMPLIANT",
    }
    run = world.sweep()
    assert not [item for item in sweeps.reads(run) if item.reason or item.lacking]
    found = world.stated()
    one = found["AWS Config of aws", world.arn(world.good)]
    assert (one.check, one.rule, one.rule_name) == (CHECK, "ENCRYPTED_VOLUMES", RULE)
    assert (one.ours, one.theirs, one.differs) == ("pass", "fail", True)
    assert one.theirs_at == world.judged_at
    assert one.ours_at == one.compared_at == run.observed_at
    told = CliRunner().invoke(main, ["disagreements", "--json"])
    assert told.exit_code == 1 and [item["item"] for item in json.loads(told.stdout)] == [one.item]
    both = found["AWS Config of aws", world.arn(world.bad)]
    assert (both.ours, both.theirs, both.differs) == ("fail", "fail", False)
    lost = found["AWS Config of aws", "vol-0123456789abcdef0"]
    assert (lost.ours, lost.theirs, lost.why) == (None, "pass", "we judged no such thing")
    open_ = Finding.objects.get(check_id=OPINION, state="open")
    assert open_.region == "eu-west-1" and open_.account_id == ACCOUNT and world.good in open_.reason
    assert Finding.objects.filter(check_id=CHECK, state="open").count() == 1, "ours is not overwritten"

    world.verdicts = {world.good: "COMPLIANT", world.bad: "NON_COMPLIANT"}
    world.sweep()
    assert not [item for item in world.stated().values() if item.differs]
    assert CliRunner().invoke(main, ["disagreements"]).exit_code == 0
    open_.refresh_from_db()
    assert open_.state == "restored"

    world.verdicts = {world.good: "NON_COMPLIANT", world.bad: "INSUFFICIENT_DATA"}
    world.config.stop_configuration_recorder(ConfigurationRecorderName="default")
    world.sweep()
    stale = world.stated()["AWS Config of aws", world.arn(world.good)]
    assert (stale.ours, stale.theirs, stale.differs) == ("pass", None, False)
    assert stale.why == "stale: AWS Config said NON_COMPLIANT, and its recorder of eu-west-1 does not work"
    newest = CheckRun.objects.get(check_id=OPINION, latest=True)
    assert (newest.passed, newest.failed, newest.inconclusive) == (0, 0, 2)


def test_findings_of_security_hub_stand_beside_ours_by_the_rule_that_they_name(world: World) -> None:
    world.asserts(world.good, "FAILED")
    world.asserts(world.bad, "WARNING")
    world.sweep()
    found = world.stated()
    one = found["Security Hub of aws", world.arn(world.good)]
    assert (one.check, one.rule, one.ours, one.theirs) == (CHECK, "EC2.3", "pass", "fail")
    none = found["Security Hub of aws", world.arn(world.bad)]
    assert (none.ours, none.theirs, none.why) == ("fail", None, "Security Hub says WARNING")
    assert Finding.objects.filter(check_id="aws.securityhub.agrees-with-ours", state="open").count() == 1


def test_a_user_that_aws_config_calls_by_its_internal_id_is_ours(world: World, moto: Moto) -> None:
    user = moto.client("iam").create_user(UserName="lonely")["User"]
    source = {"Owner": "AWS", "SourceIdentifier": "IAM_USER_GROUP_MEMBERSHIP_CHECK"}
    world.config.put_config_rule(ConfigRule={"ConfigRuleName": GROUPS, "Source": source})
    world.users = {user["UserId"]: "COMPLIANT"}
    world.sweep()
    one = world.stated()["AWS Config of aws", user["Arn"]]
    assert (one.check, one.ours, one.theirs) == ("aws.iam.user-in-a-group", "fail", "pass")


def test_what_aws_config_said_is_unknown_where_it_was_not_read(world: World) -> None:
    world.verdicts = {world.good: "NON_COMPLIANT"}
    world.sweep()
    world.refused = True
    run = world.sweep()
    assert run.state == "partial"
    (why,) = [item.reason for item in sweeps.reads(run) if item.table == "aws_config_comparison"]
    assert "aws_config_rule_evaluation was not read there" in why
    assert Finding.objects.filter(check_id=OPINION, state="open").count() == 1, "nothing disproved it"
