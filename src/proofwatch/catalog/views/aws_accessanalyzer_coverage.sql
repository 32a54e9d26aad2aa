-- about: Regions with the number of active analyzers of access from outside.
-- key: account_id, region, resource
SELECT p.account_id, p.region, p.resource, count(a.resource) AS active_analyzers
FROM aws_ec2_ebs_encryption_by_default p
LEFT JOIN aws_accessanalyzer_analyzer a
  ON a.account_id = p.account_id AND a.region = p.region AND a.status = 'ACTIVE' AND a.type IN ('ACCOUNT', 'ORGANIZATION')
GROUP BY ALL
