-- about: Regions with the number of trails that record them for the whole account, and that record objects in S3.
-- key: account_id, region, resource
WITH settings AS (
  -- a trail's settings are the same wherever it is listed, so one region that could read them is enough
  SELECT account_id, trail_arn, bool_or(is_logging) AS is_logging,
    coalesce(any_value(event_selectors), []) AS basic,
    coalesce(any_value(advanced_event_selectors), []) AS advanced
  FROM aws_cloudtrail_trail
  WHERE _unread['is_logging'] IS NULL AND _unread['event_selectors'] IS NULL
    AND _unread['advanced_event_selectors'] IS NULL
  GROUP BY ALL
),
judged AS (
  SELECT t.account_id, t.region, s.trail_arn IS NULL AS unknown,
    -- a trail without any selector records all management events
    t.is_multi_region_trail AND s.is_logging AND (
      len(s.basic) + len(s.advanced) = 0
      OR len(list_filter(s.basic, lambda b: b.include_management_events AND b.read_write_type = 'All'
        AND coalesce(len(b.exclude_management_event_sources), 0) = 0)) > 0
      OR len(list_filter(s.advanced, lambda a: len(list_filter(a.field_selectors,
        lambda f: f.field = 'eventCategory' AND list_contains(f."equals", 'Management'))) > 0)) > 0) AS whole_account,
    s.is_logging AND (
      len(list_filter(s.basic, lambda b: len(list_filter(b.data_resources,
        lambda d: d.type = 'AWS::S3::Object' AND list_has_any(d."values", ['arn:aws:s3', 'arn:aws:s3:::']))) > 0)) > 0
      OR len(list_filter(s.advanced, lambda a: len(list_filter(a.field_selectors,
        lambda f: f.field = 'resources.type' AND list_contains(f."equals", 'AWS::S3::Object'))) > 0)) > 0) AS objects
  FROM aws_cloudtrail_trail t
  LEFT JOIN settings s USING (account_id, trail_arn)
),
counted AS (
  SELECT account_id, region, bool_or(unknown) AS some_unknown,
    count(*) FILTER (WHERE whole_account) AS multi_region_trails,
    count(*) FILTER (WHERE objects) AS object_event_trails
  FROM judged
  GROUP BY ALL
)
SELECT p.account_id, p.region, p.resource,
  -- none among those that could be read is no answer while others could not
  if(c.some_unknown AND c.multi_region_trails = 0, NULL, coalesce(c.multi_region_trails, 0)) AS multi_region_trails,
  if(c.some_unknown AND c.object_event_trails = 0, NULL, coalesce(c.object_event_trails, 0)) AS object_event_trails
FROM aws_ec2_ebs_encryption_by_default p
LEFT JOIN counted c USING (account_id, region)
