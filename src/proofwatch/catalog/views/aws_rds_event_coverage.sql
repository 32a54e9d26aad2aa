-- about: Regions with the number of database instances, and of active subscriptions to their events.
-- key: account_id, region, resource
SELECT p.account_id, p.region, p.resource,
  (SELECT count(*) FROM aws_rds_db_instance d WHERE d.account_id = p.account_id AND d.region = p.region) AS db_instances,
  (SELECT count(*) FROM aws_rds_event_subscription s
    WHERE s.account_id = p.account_id AND s.region = p.region AND s.enabled
    AND coalesce(s.source_type, 'db-instance') IN ('db-instance', 'db-cluster')) AS subscriptions
FROM aws_ec2_ebs_encryption_by_default p
