"""Lambda functions. Environment variables are left out: they may hold secrets."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_lambda_function",
        service="lambda",
        op="ListFunctions",
        rows="Functions[]",
        resource="{FunctionArn}",
        drop=("Environment",),
        about="Functions with their resource policy and function addresses.",
        calls=(
            Call(
                op="GetPolicy",
                params={"FunctionName": "{FunctionName}"},
                take="Policy",
                into="policy",
                form="json",
                absent=("ResourceNotFoundException",),
                about="Resource policy: who may invoke it",
            ),
            Call(
                op="ListFunctionUrlConfigs",
                params={"FunctionName": "{FunctionName}"},
                take="FunctionUrlConfigs",
                into="url_configs",
                about="Addresses that invoke it, and how they authenticate",
            ),
        ),
    ),
)
