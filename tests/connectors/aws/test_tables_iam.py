from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from proofwatch.connectors.aws import credential_report
from proofwatch.connectors.aws.caller import Caller
from proofwatch.connectors.aws.collect import read_table
from proofwatch.connectors.aws.credential_report import read_report
from proofwatch.connectors.aws.tables import declaration
from proofwatch.connectors.base import ReadStats, Row, Unread
from tests.connectors.aws.scripted import Answer, scripted
from tests.connectors.aws.servers import Moto, allow

ACCOUNT = "123456789012"
Read = Callable[[str], list[Row]]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIBszCCARwCAQAwDQYJKoZIhvcNAQELBQAwIjEgMB4GA1UEAwwXcHJvb2Z3YXRj
-----END CERTIFICATE-----"""


@pytest.fixture
def read(moto: Moto, connect: Callable[..., Any]) -> Read:
    clients = connect(moto.url)

    def read(table: str) -> list[Row]:
        return list(read_table(declaration(table), clients, ACCOUNT, "global", ReadStats(), {}))

    return read


@pytest.fixture
def iam(moto: Moto) -> Any:
    client = moto.client("iam")
    client.create_user(UserName="alice", Tags=[{"Key": "team", "Value": "core"}])
    client.create_login_profile(UserName="alice", Password="Long-enough-1!")
    client.create_user(UserName="robot")
    client.create_group(GroupName="admins")
    client.add_user_to_group(GroupName="admins", UserName="alice")
    client.put_user_policy(
        UserName="robot", PolicyName="own", PolicyDocument=json.dumps(allow("s3:GetObject"))
    )
    policy = client.create_policy(PolicyName="wide", PolicyDocument=json.dumps(allow("s3:*")))["Policy"][
        "Arn"
    ]
    client.create_policy_version(PolicyArn=policy, PolicyDocument=json.dumps(allow("*")), SetAsDefault=True)
    client.attach_group_policy(GroupName="admins", PolicyArn=policy)
    client.create_role(
        RoleName="app", AssumeRolePolicyDocument=json.dumps(TRUST), Tags=[{"Key": "a", "Value": "b"}]
    )
    look = client.create_policy(PolicyName="look", PolicyDocument=json.dumps(allow("s3:List*")))["Policy"][
        "Arn"
    ]
    client.attach_role_policy(RoleName="app", PolicyArn=look)
    client.create_instance_profile(InstanceProfileName="app")
    client.add_role_to_instance_profile(InstanceProfileName="app", RoleName="app")
    return client


def by_name(rows: list[Row], column: str) -> dict[str, Row]:
    assert all(row["_unread"] is None for row in rows)
    assert len({row["resource"] for row in rows}) == len(rows)
    return {row[column]: row for row in rows}


def test_users_with_groups_policies_and_password(read: Read, iam: Any) -> None:
    users = by_name(read("aws_iam_user"), "user_name")
    alice, robot = users["alice"], users["robot"]
    assert alice["resource"] == f"arn:aws:iam::{ACCOUNT}:user/alice"
    assert alice["region"] == "global"
    assert alice["tags"] == {"team": "core"}
    assert alice["groups"] == [{"group_name": "admins"}]
    assert (alice["has_login_profile"], robot["has_login_profile"]) == (True, False)
    assert (alice["inline_policies"], robot["groups"], robot["attached_policies"]) == ([], [], [])
    assert robot["inline_policies"] == [{"policy_name": "own", "policy_document": allow("s3:GetObject")}]
    assert alice["password_last_used"] is None


def test_a_user_made_while_reading_is_not_told_to_have_never_signed_in(connect: Callable[..., Any]) -> None:
    def script(op: str, _: dict[str, str]) -> Answer:
        space = "https://iam.amazonaws.com/doc/2010-05-08/"
        user = "<member><UserName>new</UserName><UserId>n</UserId><Arn>arn:new</Arn></member>"
        inner = {
            "ListUsers": "<Users/>",
            "GetAccountAuthorizationDetails": f"<UserDetailList>{user}</UserDetailList>",
            "GetLoginProfile": "<LoginProfile><UserName>new</UserName></LoginProfile>",
        }[op]
        return 200, f'<{op}Response xmlns="{space}"><{op}Result>{inner}</{op}Result></{op}Response>'

    with scripted(script) as server:
        clients = connect(server.url)
        clients.caller = {"Account": ACCOUNT}
        rows = list(read_table(declaration("aws_iam_user"), clients, ACCOUNT, "global", ReadStats(), {}))
    assert rows[0]["_unread"] == {"password_last_used": "the user was made while users were being read"}


def test_roles_groups_and_instance_profiles(read: Read, iam: Any) -> None:
    role = by_name(read("aws_iam_role"), "role_name")["app"]
    assert role["assume_role_policy_document"] == TRUST
    assert role["attached_policies"] == [
        {"policy_name": "look", "policy_arn": f"arn:aws:iam::{ACCOUNT}:policy/look"}
    ]
    assert role["inline_policies"] == []
    assert role["path"] == "/"
    group = by_name(read("aws_iam_group"), "group_name")["admins"]
    assert [user["user_name"] for user in group["users"]] == ["alice"]
    assert [policy["policy_name"] for policy in group["attached_policies"]] == ["wide"]
    profile = by_name(read("aws_iam_instance_profile"), "instance_profile_name")["app"]
    assert [each["role_name"] for each in profile["roles"]] == ["app"]


def test_policies_with_the_document_in_force_and_their_attachments(read: Read, iam: Any) -> None:
    policy = by_name(read("aws_iam_policy"), "policy_name")["wide"]
    assert policy["document"] == allow("*")
    assert (policy["default_version_id"], policy["attachment_count"]) == ("v2", 1)
    attached = {
        (row["owner_type"], row["owner_name"], row["policy_name"]) for row in read("aws_iam_attached_policy")
    }
    assert attached == {("group", "admins", "wide"), ("role", "app", "look")}
    (inline,) = read("aws_iam_inline_policy")
    assert (inline["owner_type"], inline["owner_name"], inline["policy_name"]) == ("user", "robot", "own")
    assert inline["policy_document"] == allow("s3:GetObject")
    assert inline["resource"] == f"arn:aws:iam::{ACCOUNT}:user/robot|own"


def test_access_keys_and_second_factors(read: Read, iam: Any) -> None:
    key = iam.create_access_key(UserName="robot")["AccessKey"]["AccessKeyId"]
    iam.update_access_key(UserName="robot", AccessKeyId=key, Status="Inactive")
    (row,) = read("aws_iam_access_key")
    assert (row["user_name"], row["access_key_id"], row["status"]) == ("robot", key, "Inactive")
    assert row["resource"].endswith(f":user/robot/access-key/{key}")
    assert row["access_key_last_used"]["service_name"] == "N/A"
    assert row["_unread"] is None
    serial = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]["SerialNumber"]
    iam.enable_mfa_device(
        UserName="alice", SerialNumber=serial, AuthenticationCode1="123456", AuthenticationCode2="234567"
    )
    (device,) = read("aws_iam_mfa_device")
    assert (device["user_name"], device["serial_number"]) == ("alice", serial)
    (virtual,) = read("aws_iam_virtual_mfa_device")
    assert virtual["user"]["user_name"] == "alice"
    assert "seed" not in " ".join(virtual)


def test_summary_and_password_policy(read: Read, iam: Any) -> None:
    (summary,) = read("aws_iam_account_summary")
    assert (summary["users"], summary["groups"], summary["account_mfa_enabled"]) == (2, 1, 0)
    (none,) = read("aws_iam_password_policy")
    assert none["exists"] is False
    iam.update_account_password_policy(
        MinimumPasswordLength=14, RequireSymbols=True, PasswordReusePrevention=24
    )
    (policy,) = read("aws_iam_password_policy")
    assert (policy["exists"], policy["minimum_password_length"], policy["require_symbols"]) == (
        True,
        14,
        True,
    )
    assert policy["password_reuse_prevention"] == 24
    assert policy["require_numbers"] is False


def test_certificates_and_identity_providers(read: Read, iam: Any) -> None:
    iam.upload_server_certificate(ServerCertificateName="site", CertificateBody=CERTIFICATE, PrivateKey="x")
    iam.create_saml_provider(Name="okta", SAMLMetadataDocument="x" * 1024)
    iam.create_open_id_connect_provider(
        Url="https://token.example.com", ClientIDList=["sts"], ThumbprintList=["a" * 40]
    )
    assert [row["server_certificate_name"] for row in read("aws_iam_server_certificate")] == ["site"]
    assert [row["resource"] for row in read("aws_iam_saml_provider")] == [
        f"arn:aws:iam::{ACCOUNT}:saml-provider/okta"
    ]
    (provider,) = read("aws_iam_open_id_connect_provider")
    assert (provider["url"], provider["client_id_list"]) == ("token.example.com", ["sts"])


def test_the_credential_report_keeps_awss_words_for_what_has_no_value(read: Read, iam: Any) -> None:
    iam.create_access_key(UserName="robot")
    report = by_name(read("aws_iam_credential_report"), "user")
    alice, robot = report["alice"], report["robot"]
    assert (alice["password_enabled"], robot["password_enabled"]) == (True, False)
    assert (alice["mfa_active"], robot["access_key_1_active"], robot["access_key_2_active"]) == (
        False,
        True,
        False,
    )
    assert alice["password_last_used"] is None
    assert alice["no_value"]["password_last_used"] in credential_report.NO_VALUE
    assert robot["access_key_1_last_rotated"].tzinfo is not None
    assert "access_key_1_last_rotated" not in robot["no_value"]
    assert robot["report_generated_at"] is not None


class _Report:
    """Stands in for one account's report, word for word as AWS writes it."""

    def __init__(self, text: str, states: list[str]) -> None:
        self.text, self.states = text, states

    def script(self, op: str, _: dict[str, str]) -> Answer:
        import base64

        space = "https://iam.amazonaws.com/doc/2010-05-08/"
        if op == "GenerateCredentialReport":
            inner = f"<State>{self.states.pop(0) if len(self.states) > 1 else self.states[0]}</State>"
        else:
            content = base64.b64encode(self.text.encode()).decode()
            inner = f"<Content>{content}</Content><GeneratedTime>2026-01-02T03:04:05Z</GeneratedTime>"
        return 200, f'<{op}Response xmlns="{space}"><{op}Result>{inner}</{op}Result></{op}Response>'


HEAD = "user,arn,user_creation_time,password_enabled,password_last_used,mfa_active,access_key_1_active"
ROOT = "<root_account>,arn:aws:iam::1:root,2020-01-01T00:00:00+00:00,not_supported,no_information,true,false"


def report_rows(connect: Callable[..., Any], report: _Report) -> list[Row]:
    with scripted(report.script) as server:
        clients = connect(server.url)
        clients.caller = {"Account": ACCOUNT}
        declared = declaration("aws_iam_credential_report")
        return list(read_table(declared, clients, ACCOUNT, "global", ReadStats(), {}))


def test_root_is_read_and_missing_columns_are_unread(connect: Callable[..., Any]) -> None:
    (root,) = report_rows(connect, _Report(f"{HEAD}\n{ROOT}\n", ["STARTED", "COMPLETE"]))
    assert root["user"] == "<root_account>"
    assert (root["password_enabled"], root["mfa_active"]) == (None, True)
    assert root["no_value"] == {"password_enabled": "not_supported", "password_last_used": "no_information"}
    assert root["_unread"]["cert_1_active"] == "the report has no such column"
    assert "password_enabled" not in root["_unread"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "the report lacks arn, mfa_active, user"),
        (f"{HEAD}\n<root_account>\n", "cut off"),
        ("", "lacks"),
    ],
)
def test_a_report_that_is_none_is_unread(connect: Callable[..., Any], text: str, said: str) -> None:
    with pytest.raises(Unread) as caught:
        report_rows(connect, _Report(text, ["COMPLETE"]))
    assert said in caught.value.problem


def test_a_report_that_is_never_finished_is_unread(
    connect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credential_report, "LONGEST_WAIT", 0.0)
    report = _Report(HEAD, ["INPROGRESS"])
    with scripted(report.script) as server:
        clients = connect(server.url)
        clients.caller = {"Account": ACCOUNT}
        stats = ReadStats()
        with pytest.raises(Unread, match="did not finish the report"):
            list(read_report(Caller(clients, ACCOUNT, "global", stats)))
    assert stats.calls == 1
