-- about: Organisations with the number of people who may do everything and may sign in.
-- key: account_id, region, resource
SELECT o.account_id, o.region, o.resource, o.name,
  count(DISTINCT u.user_id) AS super_admins,
  coalesce(list(DISTINCT u.login ORDER BY u.login) FILTER (WHERE u.login IS NOT NULL), []) AS logins
FROM okta_org o
LEFT JOIN okta_admin_assignment a
  ON a.account_id = o.account_id AND a.type = 'SUPER_ADMIN' AND a.status IS DISTINCT FROM 'INACTIVE'
LEFT JOIN okta_user u
  ON u.account_id = a.account_id AND u.user_id = a.user_id AND u.status NOT IN ('DEPROVISIONED', 'SUSPENDED', 'STAGED')
GROUP BY ALL
