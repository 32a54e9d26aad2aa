-- about: Users with the second factors that they have registered; NULL where the report does not know them.
-- key: account_id, region, resource
SELECT u.account_id, u.region, u.resource, u.user_principal_name, u.display_name, u.account_enabled, u.user_type,
  r.is_admin, r.is_mfa_registered, r.is_mfa_capable, r.methods_registered
FROM entra_user u
LEFT JOIN entra_user_registration r ON r.account_id = u.account_id AND r.region = u.region AND r.resource = u.resource
