-- about: Assignments of roles with the role's name and the state of the person who holds it.
-- key: account_id, region, resource
SELECT a.account_id, a.region, a.resource, a.assigned_to, a.assignee_type, a.scope_type,
  r.role_name, r.is_super_admin_role, u.primary_email, u.suspended, u.archived, u.is_enrolled_in_2sv
FROM google_workspace_role_assignment a
LEFT JOIN google_workspace_role r ON r.account_id = a.account_id AND r.role_id = a.role_id
LEFT JOIN google_workspace_user u ON u.account_id = a.account_id AND u.id = a.assigned_to
