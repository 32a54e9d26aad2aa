-- Members of an organisation, and people from outside. GitHub does not tell machines from people.
-- tables: github_member, github_outside_collaborator
SELECT account_id AS account, login, coalesce(name, login) AS name, emails, true AS is_active,
  true AS is_person, role = 'ADMIN' AS is_admin, NULL::TIMESTAMPTZ AS last_used_at
FROM github_member
UNION ALL
SELECT account_id, login, login, []::VARCHAR[], true, true, false, NULL::TIMESTAMPTZ
FROM github_outside_collaborator
