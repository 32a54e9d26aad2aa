-- about: Trails with the patterns in their log group that raise an alarm which notifies somebody.
-- key: account_id, region, resource
WITH counted AS (
  SELECT account_id, region, log_group_name, filter_pattern, unnest(metric_transformations) AS metric
  FROM aws_logs_metric_filter
),
alarmed AS (
  SELECT f.account_id, f.region, f.log_group_name, list(DISTINCT f.filter_pattern ORDER BY f.filter_pattern) AS patterns
  FROM counted f
  JOIN aws_cloudwatch_alarm a
    ON a.account_id = f.account_id AND a.region = f.region
    AND a.metric_name = f.metric.metric_name AND a.namespace = f.metric.metric_namespace
  WHERE a.actions_enabled AND len(a.alarm_actions) > 0
  GROUP BY ALL
)
SELECT t.account_id, t.region, t.resource, t.name, t.cloud_watch_logs_log_group_arn,
  CASE WHEN t._unread['cloud_watch_logs_log_group_arn'] IS NULL THEN coalesce(a.patterns, []) END AS alarmed_patterns
FROM aws_cloudtrail_trail t
LEFT JOIN alarmed a
  ON a.account_id = t.account_id AND a.region = t.region
  AND a.log_group_name = split_part(t.cloud_watch_logs_log_group_arn, ':', 7)
WHERE t.region = t.home_region
