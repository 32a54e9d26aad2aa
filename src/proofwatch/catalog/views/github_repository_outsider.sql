-- about: Who has access to a repository directly, and whether they are members.
-- key: account_id, region, resource
SELECT c.account_id, c.region, c.resource, c.repository, c.is_archived, c.login, c.permission,
  NOT EXISTS (SELECT 1 FROM github_member m WHERE m.account_id = c.account_id AND m.login = c.login) AS is_outside
FROM github_repository_collaborator c
