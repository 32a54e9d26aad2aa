-- about: Service accounts with how many keys somebody holds.
-- key: account_id, region, resource
SELECT s.account_id, s.region, s.resource, s.project_id, s.email, s.disabled, s.is_default,
  CASE WHEN NOT coalesce(bool_or(k.resource IS NOT NULL AND k.key_type IS NULL), false)
    THEN count(k.resource) FILTER (WHERE k.key_type = 'USER_MANAGED' AND k.disabled IS NOT true) END AS held_keys
FROM gcp_service_account s
LEFT JOIN gcp_service_account_key k ON k.account_id = s.account_id AND k.service_account = s.email
GROUP BY ALL
