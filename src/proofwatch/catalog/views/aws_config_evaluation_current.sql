-- about: Verdicts of AWS Config, and whether its recorder of the region works, without which they are of the past.
-- key: account_id, region, resource
SELECT e.account_id, e.region, e.resource, e.config_rule_name, e.compliance_type, e.annotation,
  e.result_recorded_time AS judged_at,
  e.evaluation_result_identifier.evaluation_result_qualifier.resource_type AS resource_type,
  e.evaluation_result_identifier.evaluation_result_qualifier.resource_id AS resource_id,
  CASE
    WHEN bool_or(r.recording AND upper(r.last_status) IN ('SUCCESS', 'PENDING', 'NOTAPPLICABLE')) THEN true
    WHEN bool_or(r.resource IS NOT NULL AND (r.recording IS NULL OR (r.recording AND r.last_status IS NULL))) THEN NULL
    ELSE false
  END AS recording
FROM aws_config_rule_evaluation e
LEFT JOIN aws_config_recorder r ON r.account_id = e.account_id AND r.region = e.region
GROUP BY ALL
