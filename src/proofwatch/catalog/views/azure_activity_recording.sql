-- about: Subscriptions with the categories of their activity log that are kept somewhere.
-- key: account_id, region, resource
WITH sent AS (
  SELECT account_id, region, unnest(logs) AS log
  FROM azure_diagnostic_setting
  WHERE coalesce(workspace_id, storage_account_id, event_hub_rule_id) IS NOT NULL
),
gathered AS (
  SELECT account_id, region, list_sort(list(DISTINCT coalesce(log.category, log.category_group))) AS categories
  FROM sent
  WHERE log.enabled
  GROUP BY ALL
)
SELECT s.account_id, s.region, s.resource, s.name, coalesce(g.categories, []) AS categories
FROM azure_subscription s
LEFT JOIN gathered g ON g.account_id = s.account_id AND g.region = s.region
