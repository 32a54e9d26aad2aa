-- about: Firewall rules with the TCP ports that they open to the whole internet.
-- key: account_id, region, resource
SELECT account_id, region, resource, project_id, name, network, direction, disabled, source_ranges,
  CASE
    WHEN direction <> 'INGRESS' OR disabled OR NOT list_has_any(source_ranges, ['0.0.0.0/0', '::/0']) THEN []
    -- Without ports a rule opens all of them
    ELSE flatten(list_transform(list_filter(allowed, lambda r: r.protocol IN ('tcp', '6', 'all')), lambda r:
      if(len(r.ports) = 0, [{'from_port': 0, 'to_port': 65535}], list_transform(r.ports, lambda p: {
        'from_port': CAST(split_part(p, '-', 1) AS INTEGER),
        'to_port': CAST(split_part(p, '-', -1) AS INTEGER)}))))
  END AS open_tcp
FROM gcp_compute_firewall
