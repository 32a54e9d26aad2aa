"""Step Functions."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_stepfunctions_state_machine",
        service="stepfunctions",
        op="ListStateMachines",
        rows="stateMachines[]",
        resource="{stateMachineArn}",
        permission="states:ListStateMachines",
        about="State machines and their logging.",
        calls=(
            Call(
                op="DescribeStateMachine",
                params={"stateMachineArn": "{stateMachineArn}"},
                take="loggingConfiguration",
                into="logging_configuration",
                permission="states:DescribeStateMachine",
                about="What is logged",
            ),
        ),
    ),
)
