"""AWS Config: recorders, delivery channels, rules, aggregators."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_config_recorder",
        service="config",
        op="DescribeConfigurationRecorders",
        rows="ConfigurationRecorders[]",
        resource="arn:{partition}:config:{region}:{account}:config-recorder/{name}",
        about="Recorders of configuration changes and whether they are recording.",
        calls=(
            Call(
                op="DescribeConfigurationRecorderStatus",
                params={"ConfigurationRecorderNames": "{name}"},
                take="ConfigurationRecordersStatus",
                batch=20,
                match=("name", "name"),
                about="State of the recorder",
            ),
        ),
    ),
    AwsTable(
        name="aws_config_delivery_channel",
        service="config",
        op="DescribeDeliveryChannels",
        rows="DeliveryChannels[]",
        resource="arn:{partition}:config:{region}:{account}:delivery-channel/{name}",
        about="Where recorded configuration is delivered, and whether that works.",
        calls=(
            Call(
                op="DescribeDeliveryChannelStatus",
                params={"DeliveryChannelNames": "{name}"},
                take="DeliveryChannelsStatus",
                batch=20,
                match=("name", "name"),
                about="State of the last deliveries",
            ),
        ),
    ),
    AwsTable(
        name="aws_config_rule",
        service="config",
        op="DescribeConfigRules",
        rows="ConfigRules[]",
        resource="{ConfigRuleArn}",
        about="Rules of AWS Config and their verdicts.",
        calls=(
            Call(
                op="DescribeComplianceByConfigRule",
                params={"ConfigRuleNames": "{ConfigRuleName}"},
                take="ComplianceByConfigRules",
                batch=25,
                match=("ConfigRuleName", "ConfigRuleName"),
                about="AWS Config's own verdict",
            ),
        ),
    ),
    AwsTable(
        name="aws_config_aggregator",
        service="config",
        op="DescribeConfigurationAggregators",
        rows="ConfigurationAggregators[]",
        resource="{ConfigurationAggregatorArn}",
        about="Aggregators over accounts and regions.",
    ),
)
