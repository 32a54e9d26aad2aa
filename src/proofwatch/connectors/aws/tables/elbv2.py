"""Application, network and gateway load balancers."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_elbv2_load_balancer",
        service="elbv2",
        op="DescribeLoadBalancers",
        rows="LoadBalancers[]",
        resource="{LoadBalancerArn}",
        permission="elasticloadbalancing:DescribeLoadBalancers",
        about="Load balancers with their attributes and web ACL.",
        calls=(
            Call(
                op="DescribeLoadBalancerAttributes",
                params={"LoadBalancerArn": "{LoadBalancerArn}"},
                take="Attributes",
                into="attributes",
                form="map",
                permission="elasticloadbalancing:DescribeLoadBalancerAttributes",
                about="Attributes by name",
            ),
            Call(
                op="GetWebACLForResource",
                service="wafv2",
                params={"ResourceArn": "{LoadBalancerArn}"},
                take="WebACL.ARN",
                into="web_acl_arn",
                when="Type=application",
                absent=("WAFNonexistentItemException",),
                about="Web ACL in front of it, if any",
            ),
        ),
    ),
    AwsTable(
        name="aws_elbv2_listener",
        service="elbv2",
        op="DescribeListeners",
        rows="Listeners[]",
        parent="aws_elbv2_load_balancer",
        params={"LoadBalancerArn": "{LoadBalancerArn}"},
        resource="{ListenerArn}",
        permission="elasticloadbalancing:DescribeListeners",
        about="Listeners, their protocol, certificate and default actions.",
    ),
    AwsTable(
        name="aws_elbv2_target_group",
        service="elbv2",
        op="DescribeTargetGroups",
        rows="TargetGroups[]",
        resource="{TargetGroupArn}",
        permission="elasticloadbalancing:DescribeTargetGroups",
        about="Groups of targets with their attributes.",
        calls=(
            Call(
                op="DescribeTargetGroupAttributes",
                params={"TargetGroupArn": "{TargetGroupArn}"},
                take="Attributes",
                into="attributes",
                form="map",
                permission="elasticloadbalancing:DescribeTargetGroupAttributes",
                about="Attributes by name",
            ),
        ),
    ),
)
