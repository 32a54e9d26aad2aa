-- about: Projects, and whether a sink of theirs or of what stands above sends all of their logs somewhere.
-- key: account_id, region, resource
WITH found AS (
  SELECT p.account_id, p.region, p.resource, p.project_id, p.state,
    coalesce(bool_or(s.disabled IS NOT true AND coalesce(s.filter, '') = ''
      AND coalesce(json_array_length(s.exclusions), 0) = 0
      AND s.name <> '_Default' AND (s.include_children OR s.node = 'projects/' || p.project_number)), false) AS covered,
    string_agg(DISTINCT s.destination, ', ') FILTER (WHERE coalesce(s.filter, '') = '') AS destinations
  FROM gcp_project p
  LEFT JOIN gcp_log_sink s ON s.account_id = p.account_id AND list_contains(p.ancestors, s.node)
  GROUP BY p.account_id, p.region, p.resource, p.project_id, p.state
)
SELECT account_id, region, resource, project_id, state, destinations,
  -- Where a single project is read, the sinks of its folder or organisation are not known
  CASE WHEN covered OR regexp_full_match(account_id, '[0-9]+') THEN covered END AS exports_everything
FROM found
