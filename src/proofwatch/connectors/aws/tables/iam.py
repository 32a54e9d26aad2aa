"""IAM: people, roles, policies, and how they sign in."""

from __future__ import annotations

from collections.abc import Iterator

from proofwatch.connectors.aws.caller import Caller, Raw
from proofwatch.connectors.aws.credential_report import COLUMNS, read_report
from proofwatch.connectors.aws.declare import AwsTable, Call

_ATTACHED = "STRUCT(policy_name VARCHAR, policy_arn VARCHAR)[]"
_INLINE = "STRUCT(policy_name VARCHAR, policy_document JSON)[]"
_DETAILS = "GetAccountAuthorizationDetails"
_OWNERS = (("User", "user"), ("Role", "role"), ("Group", "group"))


def _details(kind: str, about: str, calls: tuple[Call, ...] = (), **more: object) -> AwsTable:
    columns = {"attached_policies": _ATTACHED, "inline_policies": _INLINE}
    extra = more.pop("columns", {})
    return AwsTable(
        name=f"aws_iam_{kind}",
        service="iam",
        op=_DETAILS,
        rows=f"{kind.title()}DetailList[]",
        place="global",
        reader=f"read_{kind}s",
        resource="{Arn}",
        about=about,
        drop=("AttachedManagedPolicies", f"{kind.title()}PolicyList", "GroupList"),
        calls=calls,
        columns={**columns, **(extra if isinstance(extra, dict) else {})},
        **more,  # type: ignore[arg-type]
    )


def _of_user(
    name: str, op: str, rows: str, resource: str, about: str, calls: tuple[Call, ...] = ()
) -> AwsTable:
    return AwsTable(
        name=f"aws_iam_{name}",
        service="iam",
        op=op,
        rows=rows,
        place="global",
        parent="aws_iam_user",
        params={"UserName": "{UserName}"},
        # A user who was deleted meanwhile has none.
        absent=("NoSuchEntity",),
        resource=resource,
        about=about,
        calls=calls,
    )


def _policy_table(name: str, reader: str, about: str, **columns: str) -> AwsTable:
    return AwsTable(
        name=f"aws_iam_{name}",
        service="iam",
        op=_DETAILS,
        rows="",
        place="global",
        reader=reader,
        resource="{OwnerArn}|{PolicyName}",
        about=about,
        columns={"owner_type": "VARCHAR", "owner_name": "VARCHAR", "owner_arn": "VARCHAR", **columns},
        drop=("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies", "IsTruncated", "Marker"),
    )


TABLES = (
    AwsTable(
        name="aws_iam_account_summary",
        service="iam",
        op="GetAccountSummary",
        rows="SummaryMap",
        place="global",
        resource="arn:{partition}:iam::{account}:root",
        about="Counts and quotas of the account; account_mfa_enabled is 1 when root has a second factor.",
    ),
    AwsTable(
        name="aws_iam_password_policy",
        service="iam",
        op="GetAccountPasswordPolicy",
        rows="PasswordPolicy",
        place="global",
        single=True,
        absent=("NoSuchEntity",),
        resource="{account}/password-policy",
        about="The account's rules for passwords.",
    ),
    AwsTable(
        name="aws_iam_credential_report",
        service="iam",
        op="GetCredentialReport",
        rows="",
        place="global",
        reader="read_report",
        also=("iam:GenerateCredentialReport",),
        resource="{arn}",
        about="AWS's report of every user's credentials, root included; renewed every four hours at most.",
        drop=("Content", "ReportFormat", "GeneratedTime"),
        columns=COLUMNS,
    ),
    _details(
        "user",
        "Users with their groups and own policies.",
        (
            Call(
                op="GetLoginProfile",
                params={"UserName": "{UserName}"},
                into="has_login_profile",
                form="present",
                absent=("NoSuchEntity",),
                about="Whether the user has a password",
            ),
        ),
        also=("iam:ListUsers",),
        columns={"password_last_used": "TIMESTAMPTZ", "groups": "STRUCT(group_name VARCHAR)[]"},
    ),
    _of_user(
        "access_key",
        "ListAccessKeys",
        "AccessKeyMetadata[]",
        "arn:{partition}:iam::{account}:user/{UserName}/access-key/{AccessKeyId}",
        "Access keys of users, with when they were last used.",
        (
            Call(
                op="GetAccessKeyLastUsed",
                params={"AccessKeyId": "{AccessKeyId}"},
                take="AccessKeyLastUsed",
                into="access_key_last_used",
                about="When, where and for what it was last used; without date: never",
            ),
        ),
    ),
    _of_user(
        "mfa_device",
        "ListMFADevices",
        "MFADevices[]",
        "{SerialNumber}|{UserName}",
        "Second factors of users.",
    ),
    AwsTable(
        name="aws_iam_virtual_mfa_device",
        service="iam",
        op="ListVirtualMFADevices",
        rows="VirtualMFADevices[]",
        place="global",
        resource="{SerialNumber}",
        about="Virtual second factors, root's included, without their seeds.",
    ),
    _details("role", "Roles with whom they trust, their policies and their last use."),
    _details(
        "group",
        "Groups with their policies and members.",
        (
            Call(
                op="GetGroup",
                params={"GroupName": "{GroupName}"},
                take="Users",
                into="users",
                about="The members",
            ),
        ),
    ),
    AwsTable(
        name="aws_iam_policy",
        service="iam",
        op=_DETAILS,
        rows="Policies[]",
        place="global",
        reader="read_policies",
        resource="{Arn}",
        about="The customer's own managed policies, with the document of the default version.",
        drop=("PolicyVersionList",),
        columns={"document": "JSON"},
    ),
    _policy_table(
        "inline_policy",
        "read_inline_policies",
        "Policies inside of users, roles and groups.",
        policy_name="VARCHAR",
        policy_document="JSON",
    ),
    _policy_table(
        "attached_policy",
        "read_attached_policies",
        "Which managed policy is attached to which user, role or group.",
        policy_name="VARCHAR",
        policy_arn="VARCHAR",
    ),
    AwsTable(
        name="aws_iam_instance_profile",
        service="iam",
        op="ListInstanceProfiles",
        rows="InstanceProfiles[]",
        place="global",
        resource="{Arn}",
        about="Instance profiles with their roles.",
    ),
    AwsTable(
        name="aws_iam_server_certificate",
        service="iam",
        op="ListServerCertificates",
        rows="ServerCertificateMetadataList[]",
        place="global",
        resource="{Arn}",
        about="Certificates that were uploaded to IAM.",
    ),
    AwsTable(
        name="aws_iam_saml_provider",
        service="iam",
        op="ListSAMLProviders",
        rows="SAMLProviderList[]",
        place="global",
        resource="{Arn}",
        about="Identity providers for sign-in with SAML.",
    ),
    AwsTable(
        name="aws_iam_open_id_connect_provider",
        service="iam",
        op="ListOpenIDConnectProviders",
        rows="OpenIDConnectProviderList[]",
        place="global",
        resource="{Arn}",
        about="Identity providers for sign-in with OpenID Connect.",
        calls=(Call(op="GetOpenIDConnectProvider", params={"OpenIDConnectProviderArn": "{Arn}"}),),
    ),
)

__all__ = ["TABLES", "read_report"]


def read_users(caller: Caller) -> Iterator[Raw]:
    """Yield every user; only ListUsers tells when a password was last used, so both lists are read."""
    used = {
        user["UserId"]: user.get("PasswordLastUsed")
        for page in caller.pages("iam", "ListUsers", {"MaxItems": 1000})
        for user in page["Users"]
    }
    for user in _entities(caller, "User"):
        if user["UserId"] in used:
            user["PasswordLastUsed"] = used[user["UserId"]]
        else:
            user["_unread"] = {"password_last_used": "the user was made while users were being read"}
        user["Groups"] = [{"GroupName": name} for name in user.get("GroupList", ())]
        yield user


def read_roles(caller: Caller) -> Iterator[Raw]:
    """Yield every role."""
    yield from _entities(caller, "Role")


def read_groups(caller: Caller) -> Iterator[Raw]:
    """Yield every group."""
    yield from _entities(caller, "Group")


def read_policies(caller: Caller) -> Iterator[Raw]:
    """Yield every policy of the customer with the document that is in force."""
    for page in _pages(caller, "LocalManagedPolicy"):
        for policy in page["Policies"]:
            # Simulators leave the name out; the ARN ends with it.
            policy.setdefault("PolicyName", policy["Arn"].rpartition("/")[2])
            versions = policy.get("PolicyVersionList", ())
            default = next((each for each in versions if each.get("IsDefaultVersion")), None)
            if default is None or default.get("Document") is None:
                policy["_unread"] = {"document": f"{_DETAILS} left out the default version"}
            else:
                policy["Document"] = default["Document"]
            yield policy


def read_inline_policies(caller: Caller) -> Iterator[Raw]:
    """Yield one row for each policy inside of a user, role or group."""
    yield from _of_owners(caller, "InlinePolicies")


def read_attached_policies(caller: Caller) -> Iterator[Raw]:
    """Yield one row for each attachment of a managed policy."""
    yield from _of_owners(caller, "AttachedPolicies")


def _of_owners(caller: Caller, member: str) -> Iterator[Raw]:
    for kind, name in _OWNERS:
        for owner in _entities(caller, kind):
            head = {"OwnerType": name, "OwnerName": owner[f"{kind}Name"], "OwnerArn": owner["Arn"]}
            for policy in owner[member]:
                yield {**head, **policy}


def _entities(caller: Caller, kind: str) -> Iterator[Raw]:
    for page in _pages(caller, kind):
        for entity in page[f"{kind}DetailList"]:
            entity["AttachedPolicies"] = entity.get("AttachedManagedPolicies", [])
            entity["InlinePolicies"] = entity.get(f"{kind}PolicyList", [])
            yield entity


def _pages(caller: Caller, kind: str) -> Iterator[Raw]:
    # One call answers for a hundred users or roles what would else take several calls for each.
    return caller.pages("iam", _DETAILS, {"Filter": [kind], "MaxItems": 100})
