-- about: People with what Google saw of attempts to take over their account, of the days that were read.
-- key: account_id, region, resource
WITH seen AS (
  SELECT account_id, lower(coalesce(parameters['affected_email_address'], actor_email)) AS email, event_name
  FROM google_workspace_login_event
  WHERE event_name IN ('suspicious_login', 'suspicious_login_less_secure_app', 'suspicious_programmatic_login',
    'gov_attack_warning', 'account_disabled_password_leak', 'account_disabled_hijacked',
    'account_disabled_spamming', 'account_disabled_spamming_through_relay')
)
SELECT u.account_id, u.region, u.resource, u.primary_email,
  coalesce(list(DISTINCT s.event_name ORDER BY s.event_name) FILTER (WHERE s.event_name IS NOT NULL), []) AS threats
FROM google_workspace_user u
LEFT JOIN seen s ON s.account_id = u.account_id AND s.email = lower(u.primary_email)
GROUP BY u.account_id, u.region, u.resource, u.primary_email
