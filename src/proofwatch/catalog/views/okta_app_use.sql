-- about: Applications with the number of people who are assigned to them.
-- key: account_id, region, resource
SELECT p.account_id, p.region, p.resource, p.app_id, p.label, p.status, p.sign_on_mode, count(a.resource) AS assigned
FROM okta_app p
LEFT JOIN okta_app_assignment a ON a.account_id = p.account_id AND a.parent_id = p.app_id
GROUP BY ALL
