-- about: Buckets with the roles that their own policy gives to everyone.
-- key: account_id, region, resource
SELECT b.account_id, b.region, b.resource, b.project_id, b.name, b.public_access_prevention, b.uniform_access,
  coalesce(list(DISTINCT i.role || ' for ' || i.member) FILTER (WHERE i.role IS NOT NULL), []) AS public_grants
FROM gcp_storage_bucket b
LEFT JOIN gcp_iam_binding i
  ON i.account_id = b.account_id AND i.asset = b.resource AND i.member IN ('allUsers', 'allAuthenticatedUsers')
GROUP BY ALL
