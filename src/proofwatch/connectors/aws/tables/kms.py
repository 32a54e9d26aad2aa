"""KMS: keys and their names."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_kms_key",
        service="kms",
        op="ListKeys",
        rows="Keys[]",
        params={"Limit": 1000},
        resource="{KeyArn}",
        about="Keys with their state, rotation and policy, AWS's own (key_manager) included.",
        calls=(
            Call(op="DescribeKey", params={"KeyId": "{KeyArn}"}, take="KeyMetadata"),
            # Asymmetric and HMAC keys and keys of custom stores cannot be rotated by AWS.
            Call(
                op="GetKeyRotationStatus",
                params={"KeyId": "{KeyArn}"},
                absent=("UnsupportedOperationException",),
            ),
            Call(
                op="GetKeyPolicy",
                params={"KeyId": "{KeyArn}", "PolicyName": "default"},
                take="Policy",
                into="policy",
                form="json",
                about="The key policy",
            ),
            Call(
                op="ListAliases",
                params={"KeyId": "{KeyArn}"},
                take="Aliases",
                into="aliases",
                about="Names that point to the key",
            ),
            Call(
                op="ListResourceTags",
                params={"KeyId": "{KeyArn}"},
                take="Tags",
                into="tags",
                form="map",
                when="KeyManager=CUSTOMER",
                about="Tags; AWS's own keys have none",
            ),
        ),
    ),
    AwsTable(
        name="aws_kms_alias",
        service="kms",
        op="ListAliases",
        rows="Aliases[]",
        params={"Limit": 100},
        resource="{AliasArn}",
        about="Names of keys.",
    ),
)
