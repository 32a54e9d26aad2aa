"""Secrets Manager: what is known about secrets, never their values."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_secretsmanager_secret",
        service="secretsmanager",
        op="ListSecrets",
        rows="SecretList[]",
        resource="{ARN}",
        about="Secrets, their rotation and last use; no value is read.",
        calls=(
            Call(
                op="GetResourcePolicy",
                params={"SecretId": "{ARN}"},
                take="ResourcePolicy",
                into="resource_policy",
                form="json",
                about="Resource policy: who may read it",
            ),
        ),
    ),
)
