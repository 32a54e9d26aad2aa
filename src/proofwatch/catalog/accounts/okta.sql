-- Users that are not deactivated can sign in, or could soon.
-- tables: okta_user
SELECT account_id AS account, login, concat_ws(' ', first_name, last_name) AS name,
  list_filter([email, login], lambda m: contains(coalesce(m, ''), '@')) AS emails,
  status NOT IN ('DEPROVISIONED', 'SUSPENDED') AS is_active, true AS is_person,
  NULL::BOOLEAN AS is_admin, last_login AS last_used_at
FROM okta_user
