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
            # A trail's settings are kept where it was made; its copies elsewhere are asked for there.
            Call(op="GetTrailStatus", params={"Name": "{TrailARN}"}, region="{HomeRegion}"),
            Call(op="GetEventSelectors", params={"TrailName": "{TrailARN}"}, region="{HomeRegion}"),
            Call(
                op="GetInsightSelectors",
                params={"TrailName": "{TrailARN}"},
                take="InsightSelectors",
                into="insight_selectors",
                absent=("InsightNotEnabledException",),
                region="{HomeRegion}",
                about="Kinds of unusual activity that are looked for; NULL when none",
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
