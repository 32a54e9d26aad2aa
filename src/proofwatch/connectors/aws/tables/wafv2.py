"""Web application firewall."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_wafv2_web_acl",
        service="wafv2",
        op="ListWebACLs",
        rows="WebACLs[]",
        params={"Scope": "REGIONAL"},
        resource="{ARN}",
        about="Web ACLs of the region, their rules, logging and what they protect.",
        calls=(
            Call(
                op="GetWebACL",
                params={"Name": "{Name}", "Scope": "REGIONAL", "Id": "{Id}"},
                take="WebACL.Rules",
                into="rules",
                about="Rules",
            ),
            Call(
                op="GetLoggingConfiguration",
                params={"ResourceArn": "{ARN}"},
                take="LoggingConfiguration",
                into="logging_configuration",
                absent=("WAFNonexistentItemException",),
                about="Where requests are logged; NULL when nowhere",
            ),
            Call(
                op="ListResourcesForWebACL",
                params={"WebACLArn": "{ARN}"},
                take="ResourceArns",
                into="resource_arns",
                about="Load balancers that it protects",
            ),
        ),
    ),
    AwsTable(
        name="aws_wafv2_cloudfront_web_acl",
        service="wafv2",
        op="ListWebACLs",
        rows="WebACLs[]",
        params={"Scope": "CLOUDFRONT"},
        place="global",
        resource="{ARN}",
        about="Web ACLs for CloudFront.",
        calls=(
            Call(
                op="GetWebACL",
                params={"Name": "{Name}", "Scope": "CLOUDFRONT", "Id": "{Id}"},
                take="WebACL.Rules",
                into="rules",
                about="Rules",
            ),
            Call(
                op="GetLoggingConfiguration",
                params={"ResourceArn": "{ARN}"},
                take="LoggingConfiguration",
                into="logging_configuration",
                absent=("WAFNonexistentItemException",),
                about="Where requests are logged; NULL when nowhere",
            ),
        ),
    ),
)
