-- about: Accounts with the state of their root user's second factor, and whether it is a virtual one.
-- key: account_id, region, resource
SELECT s.account_id, s.region, s.resource, s.account_mfa_enabled, count(d.resource) AS virtual_devices
FROM aws_iam_account_summary s
LEFT JOIN aws_iam_virtual_mfa_device d
  ON d.account_id = s.account_id AND d.region = s.region
  AND (d.serial_number LIKE '%:mfa/root-account-mfa-device' OR d."user".arn LIKE '%:root')
GROUP BY ALL
