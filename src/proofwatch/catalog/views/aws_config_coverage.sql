-- about: Regions, and whether AWS Config records all resource types there.
-- key: account_id, region, resource
SELECT p.account_id, p.region, p.resource,
  CASE
    WHEN bool_or(r.recording AND r.recording_group.all_supported) THEN true
    WHEN bool_or(r.resource IS NOT NULL AND (r.recording IS NULL OR r.recording_group IS NULL)) THEN NULL
    ELSE false
  END AS recording
FROM aws_ec2_ebs_encryption_by_default p
LEFT JOIN aws_config_recorder r ON r.account_id = p.account_id AND r.region = p.region
GROUP BY ALL
