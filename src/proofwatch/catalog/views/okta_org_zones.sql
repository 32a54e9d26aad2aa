-- about: Organisations with the number of network zones in use that name an address, a country or a network.
-- key: account_id, region, resource
SELECT o.account_id, o.region, o.resource, o.name, count(z.resource) AS zones
FROM okta_org o
LEFT JOIN okta_network_zone z
  ON z.account_id = o.account_id AND z.status = 'ACTIVE'
  AND (z.type <> 'IP' OR len(z.gateways) > 0 OR len(z.proxies) > 0)
GROUP BY ALL
