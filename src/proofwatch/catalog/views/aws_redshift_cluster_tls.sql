-- about: Redshift clusters, and whether their parameter group demands TLS.
-- key: account_id, region, resource
WITH parameter AS (
  SELECT account_id, region, parameter_group_name, unnest(parameters) AS p
  FROM aws_redshift_parameter_group
),
demanded AS (
  SELECT account_id, region, parameter_group_name, bool_and(lower(p.parameter_value) = 'true') AS require_ssl
  FROM parameter
  WHERE p.parameter_name = 'require_ssl'
  GROUP BY ALL
)
SELECT c.account_id, c.region, c.resource, c.cluster_identifier, c.cluster_status, d.require_ssl
FROM aws_redshift_cluster c
LEFT JOIN demanded d
  ON d.account_id = c.account_id AND d.region = c.region
  AND d.parameter_group_name = c.cluster_parameter_groups[1].parameter_group_name
