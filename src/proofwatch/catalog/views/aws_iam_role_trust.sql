-- about: Roles with the accounts outside of the organisation's management and of those we read that they trust.
-- key: account_id, region, resource
-- across: accounts
WITH statement AS (
  SELECT account_id, region, resource, unnest(if(json_type(assume_role_policy_document, '$.Statement') = 'ARRAY',
    json_extract(assume_role_policy_document, '$.Statement[*]'), [json_extract(assume_role_policy_document, '$.Statement')])) AS s
  FROM aws_iam_role
  WHERE assume_role_policy_document IS NOT NULL
),
trusted AS (
  SELECT account_id, region, resource,
    unnest(regexp_extract_all(CAST(s->'$.Principal' AS VARCHAR), '"(arn:aws[a-z-]*:(iam|sts)::)?(\d{12})[":]', 3)) AS account,
    coalesce(regexp_matches(CAST(s->'$.Condition' AS VARCHAR),
      '(?i)"(sts:ExternalId|aws:MultiFactorAuthPresent|aws:PrincipalOrgID|aws:PrincipalOrgPaths)"'), false) AS conditional
  FROM statement
  WHERE s->>'$.Effect' = 'Allow'
),
outside AS (
  SELECT account_id, region, resource,
    list_sort(list(DISTINCT account)) AS outsiders,
    list_sort(coalesce(list(DISTINCT account) FILTER (WHERE NOT conditional), [])) AS unconditional_outsiders
  FROM trusted t
  WHERE NOT EXISTS (SELECT 1 FROM aws_iam_role ours WHERE ours.account_id = t.account)
    AND NOT EXISTS (SELECT 1 FROM aws_organizations_organization o WHERE o.master_account_id = t.account)
  GROUP BY ALL
)
SELECT r.account_id, r.region, r.resource, r.role_name, r.path,
  CASE WHEN r.assume_role_policy_document IS NOT NULL THEN coalesce(o.outsiders, []) END AS outsiders,
  CASE WHEN r.assume_role_policy_document IS NOT NULL THEN coalesce(o.unconditional_outsiders, []) END AS unconditional_outsiders
FROM aws_iam_role r
LEFT JOIN outside o USING (account_id, region, resource)
