-- about: Every account with the person it belongs to: by address, else by the names of accounts in the people list.
-- key: account_id, region, resource
SELECT a.account_id, a.region, a.resource, a._unread, a.connection, a.system, a.account, a.login, a.name, a.emails,
  a.is_active, a.is_person, a.is_admin, a.last_used_at, a.read_at,
  -- Whose account it is cannot be said where its addresses were not read, unless its name says it.
  CASE WHEN found.person IS NOT NULL THEN true WHEN a.emails IS NULL THEN NULL ELSE false END AS has_person, found.person.email AS person, found.person.ended_on AS ended_on,
  found.person.is_active AS person_is_active, found.person.manager AS manager
FROM people_account a
LEFT JOIN LATERAL (
  SELECT arg_min({email: p.email, ended_on: p.ended_on, is_active: p.is_active, manager: p.manager},
    (coalesce(p.ended_on, TIMESTAMPTZ '9999-01-01') <= a.read_at, p.email)) AS person
  FROM people_person p
  WHERE list_contains(list_transform(a.emails, lambda m: lower(m)), p.email)
    OR len(list_intersect(list_transform(a.emails, lambda m: lower(m)), coalesce(p.emails, []))) > 0
    OR list_contains(list_transform(p.logins, lambda l: lower(l)), lower(a.system || ':' || a.login))
    OR list_contains(list_transform(p.logins, lambda l: lower(l)), lower(a.login))
) found ON true
