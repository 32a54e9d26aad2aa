"""Classic load balancers."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_elb_load_balancer",
        service="elb",
        op="DescribeLoadBalancers",
        rows="LoadBalancerDescriptions[]",
        resource="arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/{LoadBalancerName}",
        permission="elasticloadbalancing:DescribeLoadBalancers",
        about="Classic load balancers with their listeners and attributes.",
        calls=(
            Call(
                op="DescribeLoadBalancerAttributes",
                params={"LoadBalancerName": "{LoadBalancerName}"},
                take="LoadBalancerAttributes",
                permission="elasticloadbalancing:DescribeLoadBalancerAttributes",
                about="Attributes",
            ),
        ),
    ),
)
