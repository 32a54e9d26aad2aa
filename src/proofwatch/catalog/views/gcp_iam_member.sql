-- about: Members with all roles that they hold on one organisation, folder or project.
-- key: account_id, region, resource
SELECT account_id, region, asset || '#' || member AS resource, asset, project_id, member, member_type,
  list(DISTINCT role ORDER BY role) AS roles
FROM gcp_iam_binding
WHERE asset_type LIKE 'cloudresourcemanager.googleapis.com/%'
GROUP BY account_id, region, asset, project_id, member, member_type
