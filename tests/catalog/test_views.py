"""The other views, each over rows of the tables that it joins."""

from __future__ import annotations

from typing import Any

import pytest

from tests.catalog.conftest import Rows, Run


def ingress(protocol: str, *cidrs: str, ports: tuple[int, int] | None = None) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "ip_protocol": protocol,
        "ip_ranges": [{"cidr_ip": each} for each in cidrs if ":" not in each],
        "ipv6_ranges": [{"cidr_ipv6": each} for each in cidrs if ":" in each],
    }
    return rule | ({"from_port": ports[0], "to_port": ports[1]} if ports else {})


def test_security_groups_show_what_they_let_in(run: Run) -> None:
    rules = [
        ingress("tcp", "10.0.0.0/8", "0.0.0.0/0", "::/0", ports=(22, 22)),
        ingress("-1", "::/0"),
        ingress("udp", "0.0.0.0/0", ports=(53, 53)),
        ingress("tcp", "198.51.100.0/24", ports=(3389, 3389)),
    ]
    groups = [
        {"group_id": "sg-1", "ip_permissions": rules},
        {"group_id": "sg-2", "ip_permissions": []},
        {"group_id": "sg-3"},
    ]
    one, empty, unknown = sorted(
        run("aws_ec2_security_group_exposure", aws_ec2_security_group=groups), key=lambda row: row["group_id"]
    )
    assert [(r["protocol"], r["cidr"], r["from_port"], r["to_port"]) for r in one["open_any"]] == [
        ("-1", "::/0", 0, 65535),
        ("tcp", "0.0.0.0/0", 22, 22),
        ("tcp", "::/0", 22, 22),
        ("udp", "0.0.0.0/0", 53, 53),
    ]
    assert [r["protocol"] for r in one["open_tcp"]] == ["-1", "tcp", "tcp"]
    assert (empty["open_any"], empty["open_tcp"]) == ([], [])
    assert (unknown["open_any"], unknown["open_tcp"]) == (None, None)


def entry(
    number: int, action: str, cidr: str, ports: tuple[int, int] | None = None, *, egress: bool = False
) -> dict[str, Any]:
    return {
        "rule_number": number,
        "rule_action": action,
        "protocol": "6" if ports else "-1",
        "egress": egress,
        "ipv6_cidr_block" if ":" in cidr else "cidr_block": cidr,
        "port_range": {"from": ports[0], "to": ports[1]} if ports else None,
    }


@pytest.mark.parametrize(
    ("entries", "ports"),
    [
        ([entry(100, "allow", "0.0.0.0/0")], [22, 3389]),
        ([entry(100, "allow", "::/0", (20, 30))], [22]),
        ([entry(100, "allow", "0.0.0.0/0", (443, 443))], []),
        ([entry(100, "allow", "10.0.0.0/8")], []),
        ([entry(100, "allow", "0.0.0.0/0", egress=True)], []),
        ([entry(90, "deny", "0.0.0.0/0", (22, 22)), entry(100, "allow", "0.0.0.0/0")], [3389]),
        ([entry(110, "deny", "0.0.0.0/0", (22, 22)), entry(100, "allow", "0.0.0.0/0")], [22, 3389]),
        ([entry(90, "deny", "0.0.0.0/0"), entry(100, "allow", "::/0", (22, 22))], [22]),
        ([], []),
        (None, None),
    ],
)
def test_network_acls_are_read_in_the_order_of_their_numbers(run: Run, entries: Any, ports: Any) -> None:
    rows = run(
        "aws_ec2_network_acl_exposure", aws_ec2_network_acl=[{"network_acl_id": "acl-1", "entries": entries}]
    )
    assert [row["open_admin_ports"] for row in rows] == [ports]


def test_only_active_flow_logs_of_the_same_network_count(run: Run) -> None:
    logs = [
        {"flow_log_id": "fl-1", "resource_id": "vpc-1", "flow_log_status": "ACTIVE"},
        {"flow_log_id": "fl-2", "resource_id": "vpc-2", "flow_log_status": "INACTIVE"},
        {"flow_log_id": "fl-3", "resource_id": "vpc-3", "flow_log_status": "ACTIVE", "region": "us-east-1"},
    ]
    vpcs = [{"vpc_id": f"vpc-{number}"} for number in (1, 2, 3)]
    rows = run("aws_ec2_vpc_flow_logging", aws_ec2_vpc=vpcs, aws_ec2_flow_log=logs)
    assert {row["vpc_id"]: row["active_flow_logs"] for row in rows} == {"vpc-1": 1, "vpc-2": 0, "vpc-3": 0}


def test_an_instance_is_managed_when_systems_manager_knows_it(run: Run) -> None:
    instances = [{"instance_id": f"i-{number}", "state": {"name": "running"}} for number in (1, 2, 3)]
    known = [
        {"instance_id": "i-1", "ping_status": "Online"},
        {"instance_id": "i-2", "ping_status": "Inactive"},
    ]
    rows = run("aws_ec2_instance_management", aws_ec2_instance=instances, aws_ssm_instance=known)
    assert {row["instance_id"]: row["managed"] for row in rows} == {"i-1": True, "i-2": False, "i-3": False}


def test_a_cluster_demands_tls_as_its_parameter_group_says(run: Run) -> None:
    def group(name: str, value: str) -> dict[str, Any]:
        return {
            "parameter_group_name": name,
            "parameters": [{"parameter_name": "require_ssl", "parameter_value": value}],
        }

    clusters = [
        {"cluster_identifier": name, "cluster_parameter_groups": [{"parameter_group_name": name}]}
        for name in ("strict", "loose", "lost")
    ]
    rows = run(
        "aws_redshift_cluster_tls",
        aws_redshift_cluster=clusters,
        aws_redshift_parameter_group=[
            group("strict", "true"),
            group("loose", "false"),
            {"parameter_group_name": "lost"},
        ],
    )
    assert {row["cluster_identifier"]: row["require_ssl"] for row in rows} == {
        "strict": True,
        "loose": False,
        "lost": None,
    }


def test_a_pattern_counts_when_its_metric_has_an_alarm_that_notifies(run: Run) -> None:
    def counted(pattern: str, metric: str, group: str = "trail") -> dict[str, Any]:
        return {
            "log_group_name": group,
            "filter_pattern": pattern,
            "metric_transformations": [{"metric_name": metric, "metric_namespace": "cis"}],
        }

    def alarm(metric: str, **more: Any) -> dict[str, Any]:
        return {
            "metric_name": metric,
            "namespace": "cis",
            "actions_enabled": True,
            "alarm_actions": ["topic"],
            **more,
        }

    trail = {
        "home_region": "eu-west-1",
        "cloud_watch_logs_log_group_arn": "arn:aws:logs:eu-west-1:111111111111:log-group:trail:*",
    }
    trails = [
        trail | {"name": "watched"},
        trail | {"name": "copy", "home_region": "us-east-1"},
        {"name": "deaf", "home_region": "eu-west-1"},
        {"name": "unread", "home_region": "eu-west-1", "_unread": {"cloud_watch_logs_log_group_arn": "x"}},
    ]
    rows = run(
        "aws_cloudtrail_trail_alarm",
        aws_cloudtrail_trail=trails,
        aws_logs_metric_filter=[
            counted("good", "a"),
            counted("mute", "b"),
            counted("off", "c"),
            counted("alarmless", "d"),
            counted("elsewhere", "a", "other"),
        ],
        aws_cloudwatch_alarm=[alarm("a"), alarm("b", alarm_actions=[]), alarm("c", actions_enabled=False)],
    )
    assert {row["name"]: row["alarmed_patterns"] for row in rows} == {
        "watched": ["good"],
        "deaf": [],
        "unread": None,
    }


@pytest.mark.parametrize(
    ("trails", "whole", "objects"),
    [
        ([], 0, 0),
        ([{"is_multi_region_trail": True, "is_logging": True}], 1, 0),
        ([{"is_multi_region_trail": True, "is_logging": False}], 0, 0),
        ([{"is_multi_region_trail": False, "is_logging": True}], 0, 0),
        ([{"is_multi_region_trail": True, "_unread": {"is_logging": "x"}}], None, None),
        (
            [{"is_multi_region_trail": True, "_unread": {"is_logging": "x"}, "region": "eu-west-1"},
             {"is_multi_region_trail": True, "is_logging": True, "region": "us-east-1"}],
            1, 0,
        ),
        (
            [{"is_multi_region_trail": True, "is_logging": True, "event_selectors": [
                {"include_management_events": True, "read_write_type": "WriteOnly"}]}],
            0, 0,
        ),
        (
            [{"is_multi_region_trail": True, "is_logging": True, "event_selectors": [
                {"include_management_events": True, "read_write_type": "All",
                 "exclude_management_event_sources": ["kms.amazonaws.com"]}]}],
            0, 0,
        ),
        (
            [{"is_multi_region_trail": True, "is_logging": True, "event_selectors": [
                {"include_management_events": True, "read_write_type": "All",
                 "data_resources": [{"type": "AWS::S3::Object", "values": ["arn:aws:s3"]}]}]}],
            1, 1,
        ),
        (
            [{"is_multi_region_trail": True, "is_logging": True, "advanced_event_selectors": [
                {"field_selectors": [{"field": "eventCategory", "equals": ["Data"]},
                                     {"field": "resources.type", "equals": ["AWS::S3::Object"]}]}]}],
            0, 1,
        ),
    ],
)  # fmt: skip
def test_regions_count_the_trails_that_record_them(run: Run, trails: Rows, whole: Any, objects: Any) -> None:
    rows = run(
        "aws_cloudtrail_coverage",
        aws_ec2_ebs_encryption_by_default=[{}],
        aws_cloudtrail_trail=[{"trail_arn": "arn:one"} | trail for trail in trails],
    )
    assert [(row["multi_region_trails"], row["object_event_trails"]) for row in rows] == [(whole, objects)]


ALL = {"all_supported": True}


@pytest.mark.parametrize(
    ("view", "table", "column", "rows", "answer"),
    [
        ("aws_config_coverage", "aws_config_recorder", "recording", [], False),
        (
            "aws_config_coverage",
            "aws_config_recorder",
            "recording",
            [{"recording": True, "recording_group": ALL}],
            True,
        ),
        (
            "aws_config_coverage",
            "aws_config_recorder",
            "recording",
            [{"recording": False, "recording_group": ALL}],
            False,
        ),
        (
            "aws_config_coverage",
            "aws_config_recorder",
            "recording",
            [{"recording": True, "recording_group": {"all_supported": False}}],
            False,
        ),
        ("aws_config_coverage", "aws_config_recorder", "recording", [{"recording_group": ALL}], None),
        ("aws_guardduty_coverage", "aws_guardduty_detector", "enabled", [], False),
        ("aws_guardduty_coverage", "aws_guardduty_detector", "enabled", [{"status": "ENABLED"}], True),
        ("aws_guardduty_coverage", "aws_guardduty_detector", "enabled", [{"status": "DISABLED"}], False),
        ("aws_guardduty_coverage", "aws_guardduty_detector", "enabled", [{"status": None}], None),
        (
            "aws_guardduty_coverage",
            "aws_guardduty_detector",
            "enabled",
            [{"region": "x", "status": "ENABLED"}],
            False,
        ),
        ("aws_accessanalyzer_coverage", "aws_accessanalyzer_analyzer", "active_analyzers", [], 0),
        (
            "aws_accessanalyzer_coverage",
            "aws_accessanalyzer_analyzer",
            "active_analyzers",
            [{"status": "ACTIVE", "type": "ACCOUNT"}, {"status": "ACTIVE", "type": "ACCOUNT_UNUSED_ACCESS"}],
            1,
        ),
    ],
)
def test_a_region_without_the_service_still_has_a_row(
    run: Run, view: str, table: str, column: str, rows: Rows, answer: Any
) -> None:
    found = run(view, aws_ec2_ebs_encryption_by_default=[{}], **{table: rows})
    assert [row[column] for row in found] == [answer]


def test_backup_and_events_are_counted_beside_what_needs_them(run: Run) -> None:
    data = {"aws_rds_db_instance": [{}, {}], "aws_ec2_volume": [{}], "aws_backup_plan": [{}]}
    subscriptions = [
        {"enabled": True},
        {"enabled": True, "source_type": "db-instance"},
        {"enabled": True, "source_type": "db-snapshot"},
        {"enabled": False},
    ]
    place = {"aws_ec2_ebs_encryption_by_default": [{}]}
    (backup,) = run("aws_backup_coverage", **place, **data)
    assert (backup["data_stores"], backup["plans"]) == (3, 1)
    (events,) = run("aws_rds_event_coverage", **place, **data, aws_rds_event_subscription=subscriptions)
    assert (events["db_instances"], events["subscriptions"]) == (2, 2)


def test_accounts_show_who_may_call_support_and_how_root_signs_in(run: Run) -> None:
    account = {"aws_iam_account_summary": [{"account_mfa_enabled": 1}]}
    policies = [{"policy_name": "AWSSupportAccess"}, {"policy_name": "ReadOnlyAccess"}]
    (support,) = run("aws_iam_support_access", **account, aws_iam_attached_policy=policies)
    assert support["holders"] == 1
    devices = [
        {"serial_number": "arn:aws:iam::111111111111:mfa/root-account-mfa-device"},
        {
            "serial_number": "arn:aws:iam::111111111111:mfa/x",
            "user": {"arn": "arn:aws:iam::111111111111:root"},
        },
        {
            "serial_number": "arn:aws:iam::111111111111:mfa/alice",
            "user": {"arn": "arn:aws:iam::111111111111:user/alice"},
        },
    ]
    (root,) = run("aws_iam_root_mfa", **account, aws_iam_virtual_mfa_device=devices)
    assert (root["account_mfa_enabled"], root["virtual_devices"]) == (1, 2)


@pytest.mark.parametrize(
    ("principal", "condition", "outsiders", "unconditional"),
    [
        ({"Service": "ec2.amazonaws.com"}, None, [], []),
        ({"AWS": "arn:aws:iam::111111111111:root"}, None, [], []),
        ({"AWS": "arn:aws:iam::999999999999:root"}, None, [], []),
        ({"AWS": "arn:aws:iam::222222222222:root"}, None, ["222222222222"], ["222222222222"]),
        ({"AWS": "arn:aws:iam::222222222222:role/x"}, None, ["222222222222"], ["222222222222"]),
        ({"AWS": ["111111111111", "222222222222"]}, None, ["222222222222"], ["222222222222"]),
        ({"AWS": "222222222222"}, {"StringEquals": {"sts:ExternalId": "x7"}}, ["222222222222"], []),
        ({"AWS": "222222222222"}, {"Bool": {"aws:MultiFactorAuthPresent": "true"}}, ["222222222222"], []),
        (
            {"AWS": "222222222222"},
            {"DateLessThan": {"aws:CurrentTime": "x"}},
            ["222222222222"],
            ["222222222222"],
        ),
    ],
)
def test_roles_show_which_outsiders_they_trust(
    run: Run, principal: Any, condition: Any, outsiders: list[str], unconditional: list[str]
) -> None:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    statement |= {"Condition": condition} if condition else {}
    for document in ([statement], statement):
        role = {"role_name": "r", "assume_role_policy_document": {"Statement": document}}
        (row,) = run(
            "aws_iam_role_trust",
            aws_iam_role=[role],
            aws_organizations_organization=[{"exists": True, "master_account_id": "999999999999"}],
        )
        assert (row["outsiders"], row["unconditional_outsiders"]) == (outsiders, unconditional)


def test_a_role_whose_trust_is_unknown_is_not_trusted_by_nobody(run: Run) -> None:
    (row,) = run("aws_iam_role_trust", aws_iam_role=[{"role_name": "r", "_unread": {"x": "y"}}])
    assert (row["outsiders"], row["unconditional_outsiders"]) == (None, None)


def test_a_verdict_of_aws_config_counts_only_where_its_recorder_works(run: Run) -> None:
    qualifier = {"resource_type": "AWS::EC2::Volume", "resource_id": "vol-1"}
    evaluation = {
        "config_rule_name": "encrypted-volumes",
        "compliance_type": "COMPLIANT",
        "result_recorded_time": "2026-11-20T09:00:00Z",
        "evaluation_result_identifier": {"evaluation_result_qualifier": qualifier},
    }

    def recording(*recorders: dict[str, Any]) -> Any:
        tables = {"aws_config_rule_evaluation": [evaluation], "aws_config_recorder": list(recorders)}
        [row] = run("aws_config_evaluation_current", **tables)
        assert (row["resource_id"], row["compliance_type"]) == ("vol-1", "COMPLIANT")
        assert row["judged_at"].isoformat() == "2026-11-20T09:00:00+00:00"
        return row["recording"]

    works, stopped = (
        {"recording": True, "last_status": "Success"},
        {"recording": False, "last_status": "Success"},
    )
    assert recording(works) is True
    assert recording(stopped, works) is True
    assert recording(stopped) is False
    assert recording({"recording": True, "last_status": "Failure"}) is False
    assert recording() is False
    assert recording({"recording": None}) is None
    assert recording({"recording": True, "last_status": None}) is None
    assert recording(works | {"region": "us-east-1"}) is False
