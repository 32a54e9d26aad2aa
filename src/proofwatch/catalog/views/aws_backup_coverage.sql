-- about: Regions with the number of data stores that a backup plan could protect, and of plans.
-- key: account_id, region, resource
SELECT p.account_id, p.region, p.resource,
  (SELECT count(*) FROM aws_rds_db_instance d WHERE d.account_id = p.account_id AND d.region = p.region)
  + (SELECT count(*) FROM aws_dynamodb_table t WHERE t.account_id = p.account_id AND t.region = p.region)
  + (SELECT count(*) FROM aws_efs_file_system f WHERE f.account_id = p.account_id AND f.region = p.region)
  + (SELECT count(*) FROM aws_ec2_volume v WHERE v.account_id = p.account_id AND v.region = p.region) AS data_stores,
  (SELECT count(*) FROM aws_backup_plan b WHERE b.account_id = p.account_id AND b.region = p.region) AS plans
FROM aws_ec2_ebs_encryption_by_default p
