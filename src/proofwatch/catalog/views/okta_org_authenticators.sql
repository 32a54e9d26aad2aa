-- about: Organisations with the number of authenticators in use that resist phishing.
-- key: account_id, region, resource
WITH judged AS (
  SELECT account_id, _unread['methods'] IS NOT NULL AS unknown,
    key IN ('webauthn', 'security_key', 'smart_card_idp')
      OR len(list_filter(methods, lambda m: m.type IN ('signed_nonce', 'webauthn', 'cert') AND m.status = 'ACTIVE')) > 0 AS strong
  FROM okta_authenticator
  WHERE status = 'ACTIVE'
),
counted AS (
  SELECT account_id, bool_or(unknown) AS some_unknown, count(*) FILTER (WHERE strong) AS strong
  FROM judged
  GROUP BY ALL
)
SELECT o.account_id, o.region, o.resource, o.name,
  -- none among those that could be read is no answer while others could not
  if(c.some_unknown AND c.strong = 0, NULL, coalesce(c.strong, 0)) AS phishing_resistant
FROM okta_org o
LEFT JOIN counted c ON c.account_id = o.account_id
