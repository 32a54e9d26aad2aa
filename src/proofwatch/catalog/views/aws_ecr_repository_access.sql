-- about: ECR repositories with the statements of their policy that let anyone in.
-- key: account_id, region, resource
SELECT t.account_id, t.region, t.resource, t.repository_name,
  CASE
    WHEN t.policy IS NOT NULL THEN list_filter(
      if(json_type(t.policy, '$.Statement') = 'ARRAY', json_extract(t.policy, '$.Statement[*]'), [json_extract(t.policy, '$.Statement')]),
      lambda s: s->>'$.Effect' = 'Allow'
        AND (json_exists(s, '$.NotPrincipal') OR s->>'$.Principal' = '*' OR s->>'$.Principal.AWS' = '*'
          OR list_contains(json_extract_string(s, '$.Principal.AWS[*]'), '*'))
        -- a condition narrows the statement when it pins the caller's account, organisation, network or source
        AND NOT coalesce(regexp_matches(CAST(s->'$.Condition' AS VARCHAR),
          '(?i)"(StringEquals|StringEqualsIgnoreCase|StringLike|ArnEquals|ArnLike|IpAddress)":\{[^{}]*"(aws:SourceArn|aws:SourceAccount|aws:SourceOwner|aws:SourceOrgID|aws:SourceVpc|aws:SourceVpce|aws:SourceIp|aws:PrincipalArn|aws:PrincipalAccount|aws:PrincipalOrgID|aws:PrincipalOrgPaths|kms:CallerAccount)":\[?"([^*"]|\*[^"])')
          AND NOT regexp_matches(CAST(s->'$.Condition' AS VARCHAR), '(?i)"aws:SourceIp":\[?[^\]}]*"[^"]*/0"'), false))
    WHEN t._unread['policy'] IS NULL THEN []
  END AS open_statements
FROM aws_ecr_repository t
