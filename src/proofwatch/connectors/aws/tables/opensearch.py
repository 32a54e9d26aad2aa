"""OpenSearch and Elasticsearch domains. IAM knows the service as `es`."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_opensearch_domain",
        service="opensearch",
        op="ListDomainNames",
        rows="DomainNames[]",
        resource="arn:{partition}:es:{region}:{account}:domain/{DomainName}",
        permission="es:ListDomainNames",
        about="Domains, their encryption, network and policy.",
        json=("AccessPolicies",),
        calls=(
            Call(
                op="DescribeDomain",
                params={"DomainName": "{DomainName}"},
                take="DomainStatus",
                permission="es:DescribeDomain",
                about="The domain's settings",
            ),
        ),
    ),
)
