-- about: People with their admin roles and their second factors, where these were asked for.
-- key: account_id, region, resource
WITH admins AS (
  SELECT account_id, user_id, list(DISTINCT type ORDER BY type) AS roles
  FROM okta_admin_assignment
  WHERE status IS DISTINCT FROM 'INACTIVE'
  GROUP BY ALL
)
SELECT u.account_id, u.region, u.resource, u.user_id, u.login, u.status, u.user_type, u.created, u.activated, u.last_login,
  a.user_id IS NOT NULL AS is_admin,
  coalesce(a.roles, []) AS admin_roles,
  -- who was not asked about, or whose answer failed, has no list at all
  list_transform(list_filter(f.factors, lambda x: x.status = 'ACTIVE'), lambda x: x.factor_type) AS factor_types,
  list_transform(list_filter(f.factors, lambda x: x.status = 'ACTIVE' AND x.factor_type IN ('webauthn', 'u2f', 'signed_nonce')),
    lambda x: x.factor_type) AS phishing_resistant_types
FROM okta_user u
LEFT JOIN admins a ON a.account_id = u.account_id AND a.user_id = u.user_id
LEFT JOIN okta_user_factor f ON f.account_id = u.account_id AND f.user_id = u.user_id
