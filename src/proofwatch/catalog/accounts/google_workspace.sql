-- Users; a suspended or archived one cannot sign in.
-- tables: google_workspace_user
SELECT account_id AS account, primary_email AS login, full_name AS name,
  list_concat([primary_email], coalesce(aliases, [])) AS emails,
  NOT suspended AND archived IS NOT true AS is_active, true AS is_person,
  is_admin OR is_delegated_admin AS is_admin, last_login_time AS last_used_at
FROM google_workspace_user
