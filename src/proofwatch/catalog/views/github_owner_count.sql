-- about: Organisations with the number of their owners.
-- key: account_id, region, resource
SELECT o.account_id, o.region, o.resource,
  (SELECT count(*) FROM github_member m WHERE m.account_id = o.account_id AND m.role = 'ADMIN') AS owners
FROM github_organization o
