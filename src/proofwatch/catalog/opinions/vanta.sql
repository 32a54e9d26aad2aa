-- What Vanta asserts: of each test as a whole (resource NULL), and of each thing that fails it. What passes is not listed.
-- tables: vanta_test, vanta_test_entity
SELECT test_id AS rule, name AS rule_name, judged_at, NULL::VARCHAR AS item,
  CASE WHEN judged_at >= $now - INTERVAL 26 HOUR
    THEN CASE status WHEN 'OK' THEN 'pass' WHEN 'NEEDS_ATTENTION' THEN 'fail' END END AS verdict
FROM vanta_test
WHERE NOT coalesce(is_deactivated OR is_in_rollout OR status IN ('DEACTIVATED', 'NOT_APPLICABLE'), false)
UNION ALL
SELECT test_id, test_name, judged_at, display_name, 'fail'
FROM vanta_test_entity
WHERE entity_status = 'FAILING' AND judged_at >= $now - INTERVAL 26 HOUR
