-- about: Subscriptions with the operations whose use raises an alarm that notifies somebody.
-- key: account_id, region, resource
WITH alarmed AS (
  SELECT account_id, region, unnest(conditions) AS condition
  FROM azure_activity_log_alert
  WHERE enabled AND len(action_groups) > 0
    AND list_contains(list_transform(scopes, lambda s: lower(rtrim(s, '/'))), '/subscriptions/' || account_id)
),
gathered AS (
  SELECT account_id, region, list_sort(list(DISTINCT lower(condition."equals"))) AS operations
  FROM alarmed
  WHERE lower(condition.field) = 'operationname'
  GROUP BY ALL
)
SELECT s.account_id, s.region, s.resource, s.name, coalesce(g.operations, []) AS operations
FROM azure_subscription s
LEFT JOIN gathered g ON g.account_id = s.account_id AND g.region = s.region
