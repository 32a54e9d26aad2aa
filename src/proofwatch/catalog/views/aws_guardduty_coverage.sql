-- about: Regions, and whether GuardDuty is on there.
-- key: account_id, region, resource
SELECT p.account_id, p.region, p.resource,
  CASE
    WHEN bool_or(d.status = 'ENABLED') THEN true
    WHEN bool_or(d.resource IS NOT NULL AND d.status IS NULL) THEN NULL
    ELSE false
  END AS enabled
FROM aws_ec2_ebs_encryption_by_default p
LEFT JOIN aws_guardduty_detector d ON d.account_id = p.account_id AND d.region = p.region
GROUP BY ALL
