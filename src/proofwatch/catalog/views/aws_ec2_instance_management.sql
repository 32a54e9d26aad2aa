-- about: Instances, and whether Systems Manager manages them.
-- key: account_id, region, resource
SELECT i.account_id, i.region, i.resource, i.instance_id, i.instance_type, i.state.name AS state_name,
  bool_or(m.instance_id IS NOT NULL AND m.ping_status <> 'Inactive') AS managed
FROM aws_ec2_instance i
LEFT JOIN aws_ssm_instance m
  ON m.account_id = i.account_id AND m.region = i.region AND m.instance_id = i.instance_id
GROUP BY ALL
