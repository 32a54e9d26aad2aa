-- about: Keys of Cloud KMS with the roles that their own policy gives to everyone.
-- key: account_id, region, resource
SELECT k.account_id, k.region, k.resource, k.project_id, k.name,
  coalesce(list(DISTINCT i.role || ' for ' || i.member) FILTER (WHERE i.role IS NOT NULL), []) AS public_grants
FROM gcp_kms_key k
LEFT JOIN gcp_iam_binding i
  ON i.account_id = k.account_id AND i.asset = k.resource AND i.member IN ('allUsers', 'allAuthenticatedUsers')
GROUP BY ALL
