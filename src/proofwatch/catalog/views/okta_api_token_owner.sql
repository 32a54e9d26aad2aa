-- about: API tokens with the admin roles of the person whose rights each has.
-- key: account_id, region, resource
SELECT t.account_id, t.region, t.resource, t.name, t.created, t.user_id,
  coalesce(list(DISTINCT a.type ORDER BY a.type) FILTER (WHERE a.type IS NOT NULL), []) AS owner_roles
FROM okta_api_token t
LEFT JOIN okta_admin_assignment a
  ON a.account_id = t.account_id AND a.user_id = t.user_id AND a.status IS DISTINCT FROM 'INACTIVE'
GROUP BY ALL
