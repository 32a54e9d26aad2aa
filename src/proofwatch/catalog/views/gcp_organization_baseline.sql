-- about: The organisation with the constraints that its own policies switch on or restrict.
-- key: account_id, region, resource
SELECT o.account_id, o.region, o.resource, o.display_name,
  coalesce(list(DISTINCT replace(p.constraint_name, 'constraints/', '') ORDER BY replace(p.constraint_name, 'constraints/', ''))
    FILTER (WHERE p.enforced OR p.all_values = 'DENY' OR len(p.allowed_values) > 0 OR len(p.denied_values) > 0), []) AS constraints_set
FROM gcp_organization o
LEFT JOIN gcp_org_policy p ON p.account_id = o.account_id AND p.asset = o.resource
GROUP BY o.account_id, o.region, o.resource, o.display_name
