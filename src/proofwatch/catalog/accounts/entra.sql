-- Users of the directory, guests among them.
-- tables: entra_user
SELECT account_id AS account, user_principal_name AS login, display_name AS name,
  list_filter([mail, user_principal_name], lambda m: contains(coalesce(m, ''), '@')) AS emails,
  account_enabled AS is_active, true AS is_person, NULL::BOOLEAN AS is_admin, last_sign_in AS last_used_at
FROM entra_user
