-- about: Sinks with whether what they write to is locked, so that nobody can shorten how long it is kept.
-- key: account_id, region, resource
SELECT s.account_id, s.region, s.resource, s.name, s.node, s.destination, s.disabled,
  -- Where the target was not read, both are NULL
  any_value(coalesce(b.retention_locked, l.locked)) AS locked,
  any_value(coalesce(b.retention_seconds // 86400, l.retention_days)) AS retention_days
FROM gcp_log_sink s
LEFT JOIN gcp_storage_bucket b
  ON b.account_id = s.account_id AND s.destination = 'storage.googleapis.com/' || b.name
LEFT JOIN gcp_log_bucket l
  ON l.account_id = s.account_id AND s.destination = 'logging.googleapis.com/' || l.name
GROUP BY s.account_id, s.region, s.resource, s.name, s.node, s.destination, s.disabled
