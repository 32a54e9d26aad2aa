-- about: Members of groups, whether they are of another company, and the state of their own account.
-- key: account_id, region, resource
WITH own AS (
  SELECT account_id, list(lower(domain_name)) AS names, flatten(list(coalesce(domain_aliases, []))) AS aliases
  FROM google_workspace_domain
  GROUP BY account_id
)
SELECT m.account_id, m.region, m.resource, m.parent_email AS group_email, m.email, m.type, m.role,
  CASE
    WHEN m.type = 'CUSTOMER' THEN false
    WHEN m.email IS NOT NULL AND own.names IS NOT NULL
      THEN NOT list_contains(list_concat(own.names, list_transform(own.aliases, lambda a: lower(a))), lower(split_part(m.email, '@', 2)))
  END AS is_external,
  lower(split_part(m.email, '@', 2)) AS domain,
  u.suspended, u.archived
FROM google_workspace_group_member m
LEFT JOIN own ON own.account_id = m.account_id
LEFT JOIN google_workspace_user u ON u.account_id = m.account_id AND u.id = m.id
