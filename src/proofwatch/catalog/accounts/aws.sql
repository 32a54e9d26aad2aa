-- Users of IAM. A person is who signs in to the console; keys alone are a machine's.
-- tables: aws_iam_user, aws_iam_credential_report
SELECT u.account_id AS account, u.user_name AS login, u.user_name AS name,
  CASE WHEN map_contains(u._unread, 'tags') THEN NULL
    ELSE list_filter([u.tags['email'], u.tags['Email'], u.tags['mail']], lambda m: m IS NOT NULL) END AS emails,
  r.password_enabled OR r.access_key_1_active OR r.access_key_2_active AS is_active,
  r.password_enabled AS is_person,
  len(list_filter(u.attached_policies, lambda p: p.policy_name = 'AdministratorAccess')) > 0 AS is_admin,
  greatest(r.password_last_used, r.access_key_1_last_used_date, r.access_key_2_last_used_date) AS last_used_at
FROM aws_iam_user u
LEFT JOIN aws_iam_credential_report r ON r.account_id = u.account_id AND r.arn = u.arn
