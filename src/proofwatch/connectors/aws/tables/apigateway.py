"""API Gateway: REST APIs. IAM knows its actions by HTTP method."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable

TABLES = (
    AwsTable(
        name="aws_apigateway_rest_api",
        service="apigateway",
        op="GetRestApis",
        rows="items[]",
        resource="arn:{partition}:apigateway:{region}::/restapis/{id}",
        json=("policy",),
        permission="apigateway:GET",
        about="REST APIs and their resource policy.",
    ),
    AwsTable(
        name="aws_apigateway_stage",
        service="apigateway",
        op="GetStages",
        rows="item[]",
        parent="aws_apigateway_rest_api",
        params={"restApiId": "{id}"},
        keep=("id",),
        resource="arn:{partition}:apigateway:{region}::/restapis/{id}/stages/{stageName}",
        permission="apigateway:GET",
        drop=("variables",),
        about="Stages of REST APIs; `id` is the API's.",
    ),
)
