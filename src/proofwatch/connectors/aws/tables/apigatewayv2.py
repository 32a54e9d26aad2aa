"""API Gateway: HTTP and WebSocket APIs."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable

TABLES = (
    AwsTable(
        name="aws_apigatewayv2_api",
        service="apigatewayv2",
        op="GetApis",
        rows="Items[]",
        resource="arn:{partition}:apigateway:{region}::/apis/{ApiId}",
        permission="apigateway:GET",
        about="HTTP and WebSocket APIs.",
    ),
    AwsTable(
        name="aws_apigatewayv2_stage",
        service="apigatewayv2",
        op="GetStages",
        rows="Items[]",
        parent="aws_apigatewayv2_api",
        params={"ApiId": "{ApiId}"},
        keep=("ApiId",),
        resource="arn:{partition}:apigateway:{region}::/apis/{ApiId}/stages/{StageName}",
        permission="apigateway:GET",
        drop=("StageVariables",),
        about="Stages, their logging and throttling.",
    ),
)
