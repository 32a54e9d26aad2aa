-- about: VPCs with the number of active flow logs that record them.
-- key: account_id, region, resource
SELECT v.account_id, v.region, v.resource, v.vpc_id, v.cidr_block, v.is_default, count(f.flow_log_id) AS active_flow_logs
FROM aws_ec2_vpc v
LEFT JOIN aws_ec2_flow_log f
  ON f.account_id = v.account_id AND f.region = v.region AND f.resource_id = v.vpc_id AND f.flow_log_status = 'ACTIVE'
GROUP BY ALL
