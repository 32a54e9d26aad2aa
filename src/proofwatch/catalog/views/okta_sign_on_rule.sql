-- about: Rules of the global session policies, and whether each application has a policy of its own as well.
-- key: account_id, region, resource
SELECT r.account_id, r.region, r.resource, r.name, r.status, r.policy_name, r.policy_status, r.session_access,
  r.require_factor, r.primary_factor, count(p.resource) > 0 AS applications_have_policies
FROM okta_policy_rule r
LEFT JOIN okta_policy p ON p.account_id = r.account_id AND p.type = 'ACCESS_POLICY' AND p.status = 'ACTIVE'
WHERE r.policy_type = 'OKTA_SIGN_ON'
GROUP BY ALL
