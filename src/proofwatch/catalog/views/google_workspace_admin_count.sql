-- about: The customer with how many super administrators it has who can sign in.
-- key: account_id, region, resource
SELECT account_id, region, account_id AS resource,
  CASE WHEN NOT bool_or(is_admin IS NULL OR suspended IS NULL OR archived IS NULL)
    THEN CAST(count_if(is_admin AND NOT suspended AND NOT archived) AS BIGINT) END AS super_admins,
  coalesce(string_agg(primary_email, ', ' ORDER BY primary_email)
    FILTER (WHERE is_admin AND NOT suspended AND NOT archived), 'nobody') AS names
FROM google_workspace_user
GROUP BY account_id, region
