-- about: The tenant with the successful sign-ins of the last day over protocols that know no second factor.
-- key: account_id, region, resource
WITH old AS (
  SELECT account_id, region, count(*) AS sign_ins, list_sort(list(DISTINCT user_principal_name)) AS users
  FROM entra_sign_in
  WHERE error_code = 0 AND client_app_used NOT IN ('Browser', 'Mobile Apps and Desktop clients', '')
  GROUP BY ALL
)
SELECT g.account_id, g.region, g.resource, g.display_name, coalesce(l.sign_ins, 0) AS legacy_sign_ins,
  coalesce(l.users, []) AS users
FROM entra_organization g
LEFT JOIN old l ON l.account_id = g.account_id AND l.region = g.region
