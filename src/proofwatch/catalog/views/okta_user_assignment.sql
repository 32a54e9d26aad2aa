-- about: People with the applications in use that they may still use.
-- key: account_id, region, resource
SELECT u.account_id, u.region, u.resource, u.user_id, u.login, u.status, u.status_changed,
  count(a.resource) AS assignments,
  coalesce(list(DISTINCT a.parent_label ORDER BY a.parent_label) FILTER (WHERE a.resource IS NOT NULL), []) AS applications
FROM okta_user u
LEFT JOIN okta_app_assignment a
  ON a.account_id = u.account_id AND a.user_id = u.user_id AND a.parent_status = 'ACTIVE'
  AND coalesce(a.status, 'ACTIVE') NOT IN ('DEPROVISIONED', 'INACTIVE', 'REVOKED', 'SUSPENDED', 'UNASSIGNED')
GROUP BY ALL
