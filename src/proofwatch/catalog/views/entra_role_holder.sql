-- about: Users that hold a role of the directory, directly or through a group, with what their account is.
-- key: account_id, region, resource
SELECT a.account_id, a.region, a.resource, a.role_name, a.role_template_id, a.principal_id, a.via_group,
  coalesce(u.user_principal_name, a.user_principal_name, a.principal_id) AS holder, u.user_type, u.account_enabled,
  -- Graph leaves it NULL where an account never came from a directory of one's own
  CASE WHEN u.resource IS NOT NULL AND u._unread['on_premises_sync_enabled'] IS NULL
    THEN u.on_premises_sync_enabled IS TRUE END AS is_synced
FROM entra_role_assignment a
LEFT JOIN entra_user u ON u.account_id = a.account_id AND u.region = a.region AND u.resource = a.principal_id
WHERE a.principal_kind = 'user'
