-- about: Subscriptions with those who own the whole of it, by a role given in it or above it.
-- key: account_id, region, resource
WITH owners AS (
  SELECT account_id, region, count(DISTINCT principal_id) AS owners,
    list_sort(list(DISTINCT principal_type || ' ' || principal_id)) AS principals
  FROM azure_role_assignment
  WHERE lower(role_definition_id) LIKE '%/8e3af657-a8ff-443c-a75c-2fe8c4bcb635'
    AND (lower("scope") = '/subscriptions/' || account_id OR lower("scope") NOT LIKE '/subscriptions/%')
  GROUP BY ALL
)
SELECT s.account_id, s.region, s.resource, s.name, coalesce(o.owners, 0) AS owners,
  coalesce(o.principals, []) AS principals
FROM azure_subscription s
LEFT JOIN owners o ON o.account_id = s.account_id AND o.region = s.region
