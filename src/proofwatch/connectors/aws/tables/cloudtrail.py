"""CloudTrail: trails and event data stores."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_cloudtrail_trail",
        service="cloudtrail",
        op="DescribeTrails",
        rows="trailList[]",
        # Without the copies, an organisation's trail would be missing in its member accounts.
        params={"includeShadowTrails": True},
        resource="{TrailARN}",
        about="Trails that record the region, also those of another home_region or of the organisation.",
        calls=(
            Call(op="GetTrailStatus", params={"Name": "{TrailARN}"}),
            Call(op="GetEventSelectors", params={"TrailName": "{TrailARN}"}),
            Call(
                op="GetInsightSelectors",
                params={"TrailName": "{TrailARN}"},
                take="InsightSelectors",
                into="insight_selectors",
                absent=("InsightNotEnabledException",),
                when="HasInsightSelectors",
                about="Kinds of unusual activity that are looked for",
            ),
        ),
    ),
    AwsTable(
        name="aws_cloudtrail_event_data_store",
        service="cloudtrail",
        op="ListEventDataStores",
        rows="EventDataStores[]",
        resource="{EventDataStoreArn}",
        about="CloudTrail Lake event data stores.",
        calls=(Call(op="GetEventDataStore", params={"EventDataStore": "{EventDataStoreArn}"}),),
    ),
)
