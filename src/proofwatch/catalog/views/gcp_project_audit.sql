-- about: Projects with the kinds of data access that are logged there for all services, also by what stands above.
-- key: account_id, region, resource
WITH found AS (
  SELECT p.account_id, p.region, p.resource, p.project_id, p.state,
    coalesce(list(DISTINCT a.log_type) FILTER (WHERE a.log_type IS NOT NULL), []) AS log_types,
    coalesce(flatten(list(a.exempted_members) FILTER (WHERE a.exempted_members IS NOT NULL)), []) AS exempted
  FROM gcp_project p
  LEFT JOIN gcp_audit_config a
    ON a.account_id = p.account_id AND a.service = 'allServices' AND list_contains(p.ancestors, a.node)
  GROUP BY p.account_id, p.region, p.resource, p.project_id, p.state
)
SELECT account_id, region, resource, project_id, state, exempted,
  -- Where a single project is read, what its folder or organisation sets is not known
  CASE WHEN len(log_types) = 3 OR regexp_full_match(account_id, '[0-9]+') THEN log_types END AS logged
FROM found
