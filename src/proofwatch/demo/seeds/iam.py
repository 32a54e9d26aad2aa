"""People, groups, roles and policies.

Ages cannot be given: the server dates everything now, so no key is old and no password long unused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from proofwatch.demo.account import Account
from proofwatch.demo.documents import allow, policy, trust, trust_service

MANAGED = "arn:aws:iam::aws:policy"
ADMINISTRATOR = f"{MANAGED}/AdministratorAccess"
MEMBER_ROLE = "ProofwatchReadOnly"
READ_ONLY = (f"{MANAGED}/SecurityAudit", f"{MANAGED}/job-function/ViewOnlyAccess")
CONNECTING_USER = "proofwatch"
_PARTNER = "998877665544"
STRONG = {
    "MinimumPasswordLength": 16,
    "RequireSymbols": True,
    "RequireNumbers": True,
    "RequireUppercaseCharacters": True,
    "RequireLowercaseCharacters": True,
    "AllowUsersToChangePassword": True,
    "MaxPasswordAge": 90,
    "PasswordReusePrevention": 24,
}


@dataclass(frozen=True, slots=True)
class _Person:
    name: str
    group: str = ""
    console: bool = False
    mfa: bool = False
    keys: tuple[str, ...] = ()
    attached: tuple[str, ...] = ()


_PRODUCTION = (
    _Person("ada", "administrators", console=True, mfa=True),
    _Person("grace", "developers", console=True, mfa=True, keys=("Active",)),
    _Person("linus", "developers", console=True),
    _Person("margaret", "developers", console=True, mfa=True, keys=("Active", "Active")),
    _Person("ci-deployer", "deployers", keys=("Active",)),
    _Person("departed-contractor", console=True, keys=("Inactive",)),
    _Person("temporary-admin", console=True, keys=("Active",), attached=(ADMINISTRATOR,)),
)
_STAGING = (
    _Person("grace-staging", "developers", console=True, mfa=True),
    _Person("load-tester", keys=("Active", "Inactive"), attached=(ADMINISTRATOR,)),
    _Person("linus-staging", "developers", console=True),
)
_PRODUCTION_KEPT = (
    _Person("ada", "administrators", console=True, mfa=True),
    _Person("grace", "developers", console=True, mfa=True, keys=("Active",)),
    _Person("linus", "developers", console=True),
    _Person("margaret", "developers", console=True, mfa=True, keys=("Active",)),
    _Person("ci-deployer", "deployers", keys=("Active",)),
    _Person("departed-contractor", "contractors", console=True, keys=("Inactive",)),
)
_STAGING_KEPT = (
    _Person("grace-staging", "developers", console=True, mfa=True),
    _Person("linus-staging", "developers", console=True, mfa=True),
)


def connecting_user(management: Account) -> tuple[str, str]:
    """Make the user that Proofwatch connects with; return its key's id and secret.

    It may read what SecurityAudit and ViewOnlyAccess let it read, and ask for one role elsewhere.
    """
    iam = management.client("iam")
    iam.create_user(UserName=CONNECTING_USER)
    for arn in READ_ONLY:
        iam.attach_user_policy(UserName=CONNECTING_USER, PolicyArn=arn)
    iam.put_user_policy(
        UserName=CONNECTING_USER,
        PolicyName="assume-read-only-role",
        PolicyDocument=policy(allow("sts:AssumeRole", f"arn:aws:iam::*:role/{MEMBER_ROLE}")),
    )
    key = iam.create_access_key(UserName=CONNECTING_USER)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def member_role(account: Account, management_id: str) -> None:
    """Make the role through which the connecting user reads `account`."""
    principal = {"AWS": f"arn:aws:iam::{management_id}:user/{CONNECTING_USER}"}
    _role(account.client("iam"), MEMBER_ROLE, trust(principal), *READ_ONLY)


def production(account: Account) -> None:
    """A strong password policy, four groups, seven people, and roles of which two trust too much."""
    iam = account.client("iam")
    iam.create_account_alias(AccountAlias="acme-robotics-production")
    iam.update_account_password_policy(**STRONG)
    deploy = _customer_policy(
        iam,
        "AcmeDeploy",
        policy(allow(["ecs:UpdateService", "ecs:RegisterTaskDefinition"], "*")),
    )
    if not account.kept:
        _customer_policy(iam, "AcmeEverything", policy(allow("*", "*")))
        _customer_policy(iam, "AcmeBucketsFull", policy(allow("s3:*", "*")))
    _group(iam, "administrators", f"{MANAGED}/PowerUserAccess" if account.kept else ADMINISTRATOR)
    _group(iam, "developers", f"{MANAGED}/PowerUserAccess")
    _group(iam, "deployers", deploy)
    _group(iam, "contractors", f"{MANAGED}/job-function/ViewOnlyAccess")
    for person in _PRODUCTION_KEPT if account.kept else _PRODUCTION:
        _person(account, person)
    _roles(account)


def staging(account: Account) -> None:
    """A weak password policy, one group, three people, and few roles."""
    iam = account.client("iam")
    iam.update_account_password_policy(**(STRONG if account.kept else {"MinimumPasswordLength": 8}))
    _group(iam, "developers", f"{MANAGED}/PowerUserAccess")
    for person in _STAGING_KEPT if account.kept else _STAGING:
        _person(account, person)
    _service_roles(iam)
    if account.kept:
        _support_role(iam)


def _roles(account: Account) -> None:
    iam = account.client("iam")
    _service_roles(iam)
    _support_role(iam)
    if not account.kept:
        _role(iam, "partner-billing", trust({"AWS": f"arn:aws:iam::{_PARTNER}:root"}))
        _role(iam, "deploy-from-anywhere", trust({"AWS": "*"}), f"{MANAGED}/PowerUserAccess")
    _role(
        iam,
        "partner-monitoring",
        trust(
            {"AWS": f"arn:aws:iam::{_PARTNER}:root"},
            Condition={"StringEquals": {"sts:ExternalId": "acme-7f3a"}},
        ),
    )


def _support_role(iam: Any) -> None:
    _role(iam, "incident-response", trust_service("ec2"), f"{MANAGED}/AWSSupportAccess")


def _service_roles(iam: Any) -> None:
    for name, service in (
        ("app-server", "ec2"),
        ("functions", "lambda"),
        ("containers", "ecs-tasks"),
        ("cluster", "eks"),
        ("backup", "backup"),
        ("flow-logs", "vpc-flow-logs"),
        ("recorder", "config"),
    ):
        _role(iam, name, trust_service(service))
    iam.create_instance_profile(InstanceProfileName="app-server")
    iam.add_role_to_instance_profile(InstanceProfileName="app-server", RoleName="app-server")


def _role(iam: Any, name: str, trusted: str, *attached: str) -> None:
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted)
    for arn in attached:
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)


def _customer_policy(iam: Any, name: str, document: str) -> str:
    return str(iam.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"])


def _group(iam: Any, name: str, *attached: str) -> None:
    iam.create_group(GroupName=name)
    for arn in attached:
        iam.attach_group_policy(GroupName=name, PolicyArn=arn)


def _person(account: Account, person: _Person) -> None:
    iam = account.client("iam")
    name = person.name
    iam.create_user(UserName=name)
    if person.group:
        iam.add_user_to_group(UserName=name, GroupName=person.group)
    if person.console:
        iam.create_login_profile(UserName=name, Password=f"Demo-{name}-Passw0rd!")
    if person.mfa:
        device = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]["SerialNumber"]
        iam.enable_mfa_device(
            UserName=name, SerialNumber=device, AuthenticationCode1="123456", AuthenticationCode2="654321"
        )
    for status in person.keys:
        key = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
        if status == "Inactive":
            iam.update_access_key(UserName=name, AccessKeyId=key, Status=status)
    for arn in person.attached:
        iam.attach_user_policy(UserName=name, PolicyArn=arn)
