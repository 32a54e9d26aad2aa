-- about: Super administrators with the days on which they signed in, of the days that were read.
-- key: account_id, region, resource
SELECT u.account_id, u.region, u.resource, u.primary_email, u.suspended, u.archived,
  count(DISTINCT date_trunc('day', e.time)) AS days_used
FROM google_workspace_user u
LEFT JOIN google_workspace_login_event e
  ON e.account_id = u.account_id AND e.event_name = 'login_success' AND lower(e.actor_email) = lower(u.primary_email)
WHERE u.is_admin IS NOT false
GROUP BY u.account_id, u.region, u.resource, u.primary_email, u.suspended, u.archived
