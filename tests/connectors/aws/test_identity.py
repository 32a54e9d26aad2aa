import json

import pytest

from proofwatch.connectors.aws.identity import read_identity, read_policies, read_principal
from proofwatch.connectors.base import ConnectorError
from tests.connectors.aws.servers import ADMIN, allow, fault_server


def test_a_user_is_told_in_the_words_of_sts(ministack, connect):
    key = ministack.user("ines", allow("iam:ListAccountAliases"))
    identity = read_identity(connect(ministack.url, key))
    assert identity.account_id == "000000000000"
    assert identity.principal == "arn:aws:iam::000000000000:user/ines"
    assert identity.details["kind"] == "user"
    assert identity.details["home_region"] == "eu-west-1"


def test_the_root_user_is_named_as_such(ministack, connect):
    assert read_identity(connect(ministack.url, ADMIN)).details["kind"] == "root"


def test_the_alias_of_the_account_is_shown_where_it_may_be_read(moto, connect):
    moto.client("iam").create_account_alias(AccountAlias="acme-production")
    assert read_identity(connect(moto.url)).details["account_alias"] == "acme-production"


def test_an_assumed_role_is_mapped_to_the_role_with_its_path(moto, connect):
    moto.client("iam").create_role(RoleName="Reader", Path="/audit/", AssumeRolePolicyDocument="{}")
    arn = "arn:aws:iam::123456789012:role/audit/Reader"
    principal = read_principal(connect(moto.url, role_arn=arn))
    assert (principal.kind, principal.name, principal.arn) == ("role", "Reader", arn)
    assert principal.caller == "arn:aws:sts::123456789012:assumed-role/Reader/proofwatch"


def test_managed_policies_are_read_in_their_default_version(moto, connect):
    iam = moto.client("iam")
    iam.create_role(RoleName="Reader", AssumeRolePolicyDocument="{}")
    policy = iam.create_policy(PolicyName="own", PolicyDocument=json.dumps(allow("s3:*")))["Policy"]["Arn"]
    document = json.dumps(allow("s3:List*"))
    iam.create_policy_version(PolicyArn=policy, PolicyDocument=document, SetAsDefault=True)
    iam.attach_role_policy(RoleName="Reader", PolicyArn=policy)
    clients = connect(moto.url, role_arn="arn:aws:iam::123456789012:role/Reader")
    found = read_policies(clients, read_principal(clients))
    assert found.unread == []
    (own,) = found.documents
    assert (own.name, own.arn, own.version) == ("own", policy, "v2")
    assert own.statements[0].actions == ("s3:List*",)


def test_what_cannot_be_read_is_kept_with_the_permission(moto, connect):
    key = moto.user("blind", allow("iam:ListAttachedUserPolicies", "iam:ListUserPolicies"))
    clients = connect(moto.url, key)
    with moto.enforced():
        found = read_policies(clients, read_principal(clients))
    assert [reason.partition(":")[2].partition(":")[0] for reason in found.unread] == [
        "GetPolicyVersion",
        "GetUser",
        "ListGroupsForUser",
    ]


@pytest.mark.parametrize("body", [b"", b"<html>", b"<DescribeVolumesResponse/>", b"{}"])
def test_an_answer_that_is_not_of_sts_is_an_error_in_words(connect, body):
    with fault_server((200, body)) as faults, pytest.raises(ConnectorError) as caught:
        read_identity(connect(faults.url))
    assert caught.value.doing == "asking AWS who we are (sts:GetCallerIdentity)"
    assert "the answer broke off or is not what AWS documents" in caught.value.problem
