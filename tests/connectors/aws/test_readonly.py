import json

import pytest

from proofwatch.connectors.aws.readonly import prove
from proofwatch.connectors.aws.writes import write_actions
from tests.connectors.aws.servers import ADMIN, MANAGED, allow

READ_IAM = allow("iam:Get*", "iam:List*")
BOTH = "attached policy documents and iam:SimulatePrincipalPolicy"
MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


@pytest.fixture
def judged(moto, connect):
    """Return `judged(name, *policies)`: the proof of a user with these policies, while IAM is enforced."""

    def judged(*policies):
        key = moto.user("someone", *policies)
        with moto.enforced():
            return prove(connect(moto.url, key))

    return judged


def test_read_only_is_proven_by_simulation_and_by_documents(ministack, connect):
    key = ministack.user("proven", READ_IAM, allow("iam:SimulatePrincipalPolicy", "ec2:Describe*"))
    proof = prove(connect(ministack.url, key))
    assert (proof.read_only, proof.method, proof.writes) == (True, BOTH, ())
    facts = proof.evidence["accounts"]["000000000000"]
    assert facts["principal"] == "arn:aws:iam::000000000000:user/proven"
    assert facts["simulation"]["actions"] >= len(write_actions())
    assert {policy["name"] for policy in facts["policies"]} == {"inline0", "inline1"}
    assert all(len(policy["sha256"]) == 64 for policy in facts["policies"])


def test_an_organization_that_cannot_be_listed_is_not_proven_as_a_whole(ministack, connect):
    key = ministack.user("proven-alone", READ_IAM, allow("iam:SimulatePrincipalPolicy"))
    assert prove(connect(ministack.url, key)).read_only is True
    proof = prove(connect(ministack.url, key, accounts="organization"))
    assert proof.read_only is None
    assert "organizations:ListAccounts" in proof.reason


def test_simulation_alone_is_enough(ministack, connect):
    key = ministack.user("simulator", allow("iam:SimulatePrincipalPolicy"))
    proof = prove(connect(ministack.url, key))
    assert (proof.read_only, proof.method) == (True, "iam:SimulatePrincipalPolicy")


def test_a_write_is_named(ministack, connect):
    policy = allow("ec2:TerminateInstances", "iam:SimulatePrincipalPolicy")
    key = ministack.user("writer", READ_IAM, policy, allow("s3:PutObject", resource="arn:aws:s3:::one/*"))
    proof = prove(connect(ministack.url, key))
    assert proof.read_only is False
    assert proof.writes == ("ec2:TerminateInstances", "s3:PutObject")
    assert proof.reason.startswith("this identity may write: ec2:TerminateInstances, s3:PutObject")


def test_the_root_key_may_do_everything(ministack, connect):
    proof = prove(connect(ministack.url, ADMIN))
    assert (proof.read_only, proof.writes) == (False, ("*:*",))


@pytest.mark.parametrize("name", ["SecurityAudit", "job-function/ViewOnlyAccess", "ReadOnlyAccess"])
def test_the_reading_policies_of_aws_are_judged_by_their_documents(managed_moto, connect, name):
    key = managed_moto.user(name.rpartition("/")[2], MANAGED + name, READ_IAM)
    with managed_moto.enforced():
        proof = prove(connect(managed_moto.url, key))
    assert (proof.read_only, proof.method, proof.writes) == (True, "attached policy documents", ())


@pytest.mark.parametrize("name", ["PowerUserAccess", "AmazonS3FullAccess", "AdministratorAccess"])
def test_the_writing_policies_of_aws_are_too(managed_moto, connect, name):
    key = managed_moto.user(name, MANAGED + name, READ_IAM)
    with managed_moto.enforced():
        proof = prove(connect(managed_moto.url, key))
    assert proof.read_only is False
    assert "s3:PutObject" in proof.writes


def test_reading_contents_is_a_warning(judged):
    proof = judged(READ_IAM, allow("s3:GetObject", "secretsmanager:GetSecretValue"))
    assert proof.read_only is True
    assert (
        "it can read contents, which no table needs: s3:GetObject, secretsmanager:GetSecretValue"
        in proof.reason
    )


def test_assuming_every_role_is_told(judged):
    assert "sts:AssumeRole on *" in judged(READ_IAM, allow("sts:AssumeRole")).reason


def test_a_deny_takes_a_write_away(judged):
    statement = {"Effect": "Deny", "NotAction": ["iam:Get*", "iam:List*"], "Resource": "*"}
    deny = {"Version": "2012-10-17", "Statement": [statement]}
    assert judged(READ_IAM, allow("s3:*"), deny).read_only is True


def test_a_write_under_a_condition_cannot_be_told(judged):
    proof = judged(READ_IAM, allow("s3:PutObject", Condition=MFA))
    assert proof.read_only is None
    assert "under a condition it may s3:PutObject" in proof.reason


def test_without_simulation_and_documents_it_cannot_be_told(judged):
    proof = judged(allow("ec2:Describe*"))
    assert (proof.read_only, proof.method) == (None, "none available")
    assert "iam:SimulatePrincipalPolicy" in proof.reason
    assert "iam:ListAttachedUserPolicies" in proof.reason


def test_a_missing_part_of_the_policies_leaves_it_open(judged):
    proof = judged(allow("iam:ListAttachedUserPolicies", "iam:ListUserPolicies", "iam:GetUserPolicy"))
    assert proof.read_only is None


def test_policies_of_groups_count(moto, connect):
    key = moto.user("member", READ_IAM)
    iam = moto.client("iam")
    iam.create_group(GroupName="ops")
    iam.put_group_policy(
        GroupName="ops", PolicyName="power", PolicyDocument=json.dumps(allow("ec2:StopInstances"))
    )
    iam.add_user_to_group(GroupName="ops", UserName="member")
    with moto.enforced():
        proof = prove(connect(moto.url, key))
    assert proof.writes == ("ec2:StopInstances",)


def test_a_permissions_boundary_takes_writes_away(moto, connect):
    iam = moto.client("iam")
    edge = iam.create_policy(PolicyName="edge", PolicyDocument=json.dumps(allow("iam:*", "s3:List*")))
    iam.create_role(
        RoleName="bounded",
        Path="/auditors/",
        AssumeRolePolicyDocument="{}",
        PermissionsBoundary=edge["Policy"]["Arn"],
    )
    iam.put_role_policy(
        RoleName="bounded", PolicyName="p", PolicyDocument=json.dumps(allow("s3:*", "iam:Get*"))
    )
    role = "arn:aws:iam::123456789012:role/auditors/bounded"
    proof = prove(connect(moto.url, role_arn=role))
    assert (proof.read_only, proof.writes) == (True, ())
    facts = proof.evidence["accounts"]["123456789012"]
    assert facts["principal"] == role
    assert facts["permissions_boundary"]["name"] == "edge"


def test_every_selected_account_is_proven_by_itself(moto, connect):
    clients = connect(moto.url, accounts=["222222222222", "333333333333"])
    trust = json.dumps({"Statement": []})
    for account, policy in (
        ("222222222222", allow("ec2:Describe*")),
        ("333333333333", allow("ec2:RunInstances")),
    ):
        iam = clients.client(account, "global", "iam")
        iam.create_role(RoleName="ProofwatchReadOnly", AssumeRolePolicyDocument=trust)
        iam.put_role_policy(RoleName="ProofwatchReadOnly", PolicyName="p", PolicyDocument=json.dumps(policy))
    proof = prove(clients)
    accounts = proof.evidence["accounts"]
    assert accounts["222222222222"]["read_only"] is True
    assert accounts["333333333333"]["read_only"] is False
    assert accounts["333333333333"]["principal"] == "arn:aws:iam::333333333333:role/ProofwatchReadOnly"
    assert (proof.read_only, proof.writes) == (False, ("ec2:RunInstances",))


def test_the_evidence_is_plain_json_without_keys(ministack, connect):
    key = ministack.user("witness", READ_IAM, allow("iam:SimulatePrincipalPolicy"))
    text = json.dumps(prove(connect(ministack.url, key)).evidence)
    assert key[0] not in text
    assert key[1] not in text
