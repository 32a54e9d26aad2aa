-- What AWS Config asserts of each resource by a managed rule, in the region where it judged.
-- of: aws
-- title: AWS Config
-- table: aws_config_comparison
-- tables: aws_config_rule, aws_config_evaluation_current
SELECT e.account_id, e.region, e.resource AS "key", r.source.source_identifier AS rule, NULL::VARCHAR AS via,
  e.config_rule_name AS rule_name, e.resource_type AS type, e.resource_id AS item, e.judged_at,
  e.account_id AS item_account, e.region AS item_region,
  CASE e.compliance_type WHEN 'COMPLIANT' THEN 'pass' WHEN 'NON_COMPLIANT' THEN 'fail'
    WHEN 'NOT_APPLICABLE' THEN 'not_applicable' END AS said,
  CASE
    WHEN e.recording IS NULL THEN 'AWS Config said ' || e.compliance_type || ', and whether its recorder works was not read'
    WHEN NOT e.recording THEN 'stale: AWS Config said ' || e.compliance_type || ', and its recorder of ' || e.region || ' does not work'
    WHEN e.judged_at IS NULL THEN 'AWS Config said ' || e.compliance_type || ', and not when'
    WHEN e.compliance_type IN ('COMPLIANT', 'NON_COMPLIANT') THEN ''
    ELSE 'AWS Config says ' || coalesce(e.compliance_type, 'nothing')
  END AS why
FROM aws_config_evaluation_current e
JOIN aws_config_rule r ON r.account_id = e.account_id AND r.region = e.region AND r.config_rule_name = e.config_rule_name
WHERE r.source.owner = 'AWS' AND coalesce(r.config_rule_state, '') NOT IN ('DELETING', 'DELETING_RESULTS')
