-- about: Security groups with the inbound rules that let in the whole internet, over IPv4 or IPv6.
-- key: account_id, region, resource
WITH inbound AS (
  SELECT account_id, region, resource, unnest(ip_permissions) AS rule
  FROM aws_ec2_security_group
),
world AS (
  SELECT account_id, region, resource, rule.ip_protocol AS protocol, source.cidr AS cidr,
    -- "-1" means every protocol, and then AWS names no ports
    if(rule.ip_protocol = '-1', 0, rule.from_port) AS from_port,
    if(rule.ip_protocol = '-1', 65535, rule.to_port) AS to_port
  FROM inbound, (SELECT unnest(list_concat(
    list_transform(rule.ip_ranges, lambda r: {'cidr': r.cidr_ip}),
    list_transform(rule.ipv6_ranges, lambda r: {'cidr': r.cidr_ipv6}))) AS source)
  WHERE source.cidr LIKE '%/0'
),
gathered AS (
  SELECT account_id, region, resource,
    list({'protocol': protocol, 'cidr': cidr, 'from_port': from_port, 'to_port': to_port} ORDER BY protocol, from_port, cidr) AS rules
  FROM world
  GROUP BY ALL
)
SELECT g.account_id, g.region, g.resource, g.group_id, g.group_name, g.vpc_id,
  CASE WHEN g.ip_permissions IS NOT NULL THEN coalesce(w.rules, []) END AS open_any,
  CASE WHEN g.ip_permissions IS NOT NULL
    THEN coalesce(list_filter(w.rules, lambda r: r.protocol IN ('-1', 'tcp', '6')), []) END AS open_tcp
FROM aws_ec2_security_group g
LEFT JOIN gathered w USING (account_id, region, resource)
