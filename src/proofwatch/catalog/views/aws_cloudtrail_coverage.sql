-- about: Regions with the number of trails that record them for the whole account, and that record objects in S3.
-- key: account_id, region, resource
WITH selected AS (
  SELECT account_id, region, resource, is_multi_region_trail, is_logging, event_selectors, advanced_event_selectors,
    -- a trail with advanced selectors records management events when one of them asks for the category
    CASE
      WHEN coalesce(len(advanced_event_selectors), 0) > 0 THEN len(list_filter(advanced_event_selectors, lambda s:
        len(list_filter(s.field_selectors, lambda f: f.field = 'eventCategory' AND list_contains(f."equals", 'Management'))) > 0)) > 0
      ELSE len(list_filter(event_selectors, lambda s: s.include_management_events AND s.read_write_type = 'All'
        AND coalesce(len(s.exclude_management_event_sources), 0) = 0)) > 0
    END AS management,
    coalesce(len(list_filter(event_selectors, lambda s: len(list_filter(s.data_resources, lambda d: d.type = 'AWS::S3::Object'
        AND len(list_filter(d."values", lambda v: v IN ('arn:aws:s3', 'arn:aws:s3:::'))) > 0)) > 0)), 0) > 0
      OR coalesce(len(list_filter(advanced_event_selectors, lambda s:
        len(list_filter(s.field_selectors, lambda f: f.field = 'resources.type' AND list_contains(f."equals", 'AWS::S3::Object'))) > 0)), 0) > 0 AS objects,
    _unread['is_logging'] IS NOT NULL OR _unread['event_selectors'] IS NOT NULL OR _unread['advanced_event_selectors'] IS NOT NULL AS unknown
  FROM aws_cloudtrail_trail
)
SELECT p.account_id, p.region, p.resource,
  CASE WHEN count(t.resource) FILTER (WHERE t.is_multi_region_trail AND t.is_logging AND t.management) > 0 OR NOT coalesce(bool_or(t.unknown), false)
    THEN count(t.resource) FILTER (WHERE t.is_multi_region_trail AND t.is_logging AND t.management) END AS multi_region_trails,
  CASE WHEN count(t.resource) FILTER (WHERE t.is_logging AND t.objects) > 0 OR NOT coalesce(bool_or(t.unknown), false)
    THEN count(t.resource) FILTER (WHERE t.is_logging AND t.objects) END AS object_event_trails
FROM aws_ec2_ebs_encryption_by_default p
LEFT JOIN selected t ON t.account_id = p.account_id AND t.region = p.region
GROUP BY ALL
