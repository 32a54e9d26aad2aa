-- about: Who has which role, with what the role allows.
-- key: account_id, region, resource
SELECT b.account_id, b.region, b.resource, b.kind, b.name, b.namespace, b.is_default, b.role_kind, b.role_name,
  b.subject_kind, b.subject_name, b.subject_namespace,
  r.resource IS NOT NULL AS role_found,
  r.reads_secrets, r.raises_rights, r.enters_pods, r.reaches_nodes, r.wildcard_verbs, r.wildcard_resources
FROM kubernetes_role_binding b
LEFT JOIN kubernetes_role r
  ON r.account_id = b.account_id AND r.kind = b.role_kind AND r.name = b.role_name
  AND r.namespace = if(b.role_kind = 'Role', b.namespace, '')
