-- What Security Hub asserts of each resource by a control. Which rule of AWS Config it rests on stands in the finding itself.
-- of: aws
-- title: Security Hub
-- table: aws_securityhub_comparison
-- tables: aws_securityhub_finding, aws_config_rule
WITH told AS (
  SELECT *, unnest(resources) AS one, coalesce(compliance.security_control_id, nullif(regexp_extract(generator_id,
    '^(?:security-control|aws-foundational-security-best-practices/v/[0-9.]+)/([A-Za-z0-9]+[.][0-9]+)$', 1), '')) AS control
  FROM aws_securityhub_finding
  -- An administrator's account also holds findings of its members: these are compared where they were made.
  WHERE record_state = 'ACTIVE' AND aws_account_id = account_id AND compliance.status IS NOT NULL
    AND workflow.status IS DISTINCT FROM 'SUPPRESSED'
)
SELECT f.account_id, f.region, f.id || '|' || f.one.id AS "key", coalesce(f.control, f.related_config_rule) AS rule,
  r.source.source_identifier AS via, f.title AS rule_name, f.one.type AS type, f.one.id AS item, f.judged_at,
  f.account_id AS item_account, coalesce(f.one.region, f.region) AS item_region,
  CASE f.compliance.status WHEN 'PASSED' THEN 'pass' WHEN 'FAILED' THEN 'fail' END AS said,
  CASE
    WHEN f.judged_at IS NULL THEN 'Security Hub said ' || f.compliance.status || ', and not when'
    WHEN f.judged_at < $now - INTERVAL 48 HOUR
      THEN 'stale: Security Hub said ' || f.compliance.status || ' more than 48 hours ago'
    WHEN f.compliance.status IN ('PASSED', 'FAILED') THEN ''
    ELSE 'Security Hub says ' || f.compliance.status
  END AS why
FROM told f
LEFT JOIN aws_config_rule r ON r.account_id = f.account_id AND r.region = coalesce(f.one.region, f.region)
  AND r.config_rule_name = f.related_config_rule AND r.source.owner = 'AWS'
WHERE coalesce(f.control, f.related_config_rule) IS NOT NULL
