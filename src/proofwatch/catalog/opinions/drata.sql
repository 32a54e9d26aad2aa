-- What Drata asserts: of each test as a whole (resource NULL), and of each thing that fails or passes it.
-- tables: drata_monitoring_test, drata_test_result
SELECT CAST(test_id AS VARCHAR) AS rule, name AS rule_name, judged_at, NULL::VARCHAR AS item,
  CASE WHEN check_status = 'ENABLED' AND judged_at >= $now - INTERVAL 26 HOUR
    THEN CASE check_result_status WHEN 'PASSED' THEN 'pass' WHEN 'FAILED' THEN 'fail' END END AS verdict
FROM drata_monitoring_test
WHERE check_status <> 'DISABLED'
UNION ALL
SELECT CAST(test_id AS VARCHAR), test_name, judged_at, coalesce(resource_arn, resource_name),
  CASE outcome WHEN 'FAILED' THEN 'fail' WHEN 'PASSED' THEN 'pass' END
FROM drata_test_result
WHERE judged_at >= $now - INTERVAL 26 HOUR
