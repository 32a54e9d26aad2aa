-- about: Network ACLs with the admin ports (22, 3389) that they open to the whole internet, over IPv4 or IPv6.
-- key: account_id, region, resource
WITH entry AS (
  SELECT account_id, region, resource, unnest(entries) AS e
  FROM aws_ec2_network_acl
),
matching AS (
  SELECT account_id, region, resource, port, e.ipv6_cidr_block IS NOT NULL AS ipv6, e.rule_number AS rule_number, e.rule_action AS rule_action
  FROM entry, (VALUES (22), (3389)) AS admin(port)
  WHERE NOT e.egress
    AND (e.cidr_block LIKE '%/0' OR e.ipv6_cidr_block LIKE '%/0')
    AND (e.protocol = '-1' OR (e.protocol = '6' AND port BETWEEN e.port_range."from" AND e.port_range."to"))
),
decided AS (
  -- the entry with the lowest number decides, separately for IPv4 and IPv6
  SELECT account_id, region, resource, port, ipv6, arg_min(rule_action, rule_number) AS action
  FROM matching
  GROUP BY ALL
),
opened AS (
  SELECT account_id, region, resource, list_sort(list(DISTINCT port)) AS ports
  FROM decided
  WHERE action = 'allow'
  GROUP BY ALL
)
SELECT a.account_id, a.region, a.resource, a.network_acl_id, a.vpc_id, a.is_default,
  CASE WHEN a.entries IS NOT NULL THEN coalesce(o.ports, []) END AS open_admin_ports
FROM aws_ec2_network_acl a
LEFT JOIN opened o USING (account_id, region, resource)
