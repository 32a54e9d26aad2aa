-- about: Network security groups with the ports that their own rules open to the whole internet.
-- key: account_id, region, resource
WITH inbound AS (
  SELECT account_id, region, resource, unnest(rules) AS rule
  FROM azure_network_security_group
),
opened AS (
  SELECT account_id, region, resource, rule."name" AS rule_name, upper(rule.properties.protocol) AS protocol,
    unnest(list_concat(list_filter([rule.properties.destination_port_range], lambda p: p IS NOT NULL AND p <> ''),
      coalesce(rule.properties.destination_port_ranges, []))) AS ports
  FROM inbound
  WHERE rule.properties.access = 'Allow' AND rule.properties.direction = 'Inbound'
    AND list_has_any(list_transform(list_concat([coalesce(rule.properties.source_address_prefix, '')],
      coalesce(rule.properties.source_address_prefixes, [])), lambda s: lower(s)), ['*', 'any', 'internet', '0.0.0.0/0', '::/0'])
),
gathered AS (
  SELECT account_id, region, resource,
    list({'rule': rule_name, 'protocol': protocol,
      'from_port': if(ports = '*', 0, try_cast(split_part(ports, '-', 1) AS BIGINT)),
      'to_port': if(ports = '*', 65535, try_cast(split_part(ports, '-', -1) AS BIGINT))} ORDER BY rule_name, ports) AS rules
  FROM opened
  GROUP BY ALL
)
SELECT g.account_id, g.region, g.resource, g.name, g.resource_group,
  CASE WHEN g.rules IS NOT NULL THEN coalesce(o.rules, []) END AS open_any,
  CASE WHEN g.rules IS NOT NULL
    THEN coalesce(list_filter(o.rules, lambda r: r.protocol IN ('*', 'TCP')), []) END AS open_tcp
FROM azure_network_security_group g
LEFT JOIN gathered o USING (account_id, region, resource)
