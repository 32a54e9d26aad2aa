-- about: Accounts with the number of users, groups and roles that may open support cases.
-- key: account_id, region, resource
SELECT s.account_id, s.region, s.resource, count(a.resource) AS holders
FROM aws_iam_account_summary s
LEFT JOIN aws_iam_attached_policy a
  ON a.account_id = s.account_id AND a.region = s.region AND a.policy_name = 'AWSSupportAccess'
GROUP BY ALL
