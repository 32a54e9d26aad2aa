-- about: Namespaces with the number of their workloads, and the network policies that shut them by default.
-- key: account_id, region, resource
WITH running AS (
  SELECT account_id, namespace, count(DISTINCT (kind, name)) AS workloads
  FROM kubernetes_workload
  GROUP BY ALL
),
shut AS (
  SELECT account_id, namespace, list(name ORDER BY name) AS policies
  FROM kubernetes_network_policy
  WHERE denies_ingress
  GROUP BY ALL
)
SELECT n.account_id, n.region, n.resource, n.name,
  coalesce(w.workloads, 0) AS workloads,
  s.namespace IS NOT NULL AS denies_ingress,
  coalesce(s.policies, []) AS policies
FROM kubernetes_namespace n
LEFT JOIN running w ON w.account_id = n.account_id AND w.namespace = n.name
LEFT JOIN shut s ON s.account_id = n.account_id AND s.namespace = n.name
