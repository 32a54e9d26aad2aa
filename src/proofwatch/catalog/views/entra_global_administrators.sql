-- about: The tenant with the number of those who are Global Administrator for good.
-- key: account_id, region, resource
WITH held AS (
  SELECT account_id, region, count(DISTINCT principal_id) AS holders,
    list(DISTINCT coalesce(user_principal_name, principal_name, principal_id)) AS names
  FROM entra_role_assignment
  WHERE role_definition_id = '62e90394-69f5-4237-9190-012177145e10' AND principal_kind IS DISTINCT FROM 'group'
  GROUP BY ALL
)
SELECT o.account_id, o.region, o.resource, o.display_name, coalesce(h.holders, 0) AS holders,
  list_sort(coalesce(h.names, [])) AS names
FROM entra_organization o
LEFT JOIN held h ON h.account_id = o.account_id AND h.region = o.region
