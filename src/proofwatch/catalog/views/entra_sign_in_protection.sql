-- about: The tenant with what everybody who signs in must do, by security defaults or by conditional access.
-- key: account_id, region, resource
WITH demands AS (
  SELECT account_id, region, display_name, _unread IS NOT NULL AS unknown,
    state = 'enabled' AND list_contains(include_applications, 'All') AND application_filter IS NULL
      AND platforms IS NULL AND locations IS NULL AND devices IS NULL AND insider_risk_levels IS NULL
      AND authentication_flows IS NULL
      AND coalesce(len(user_risk_levels), 0) + coalesce(len(sign_in_risk_levels), 0) = 0 AS always,
    list_contains(include_users, 'All') AS everybody,
    -- the role Global Administrator, the same in every tenant
    list_contains(include_roles, '62e90394-69f5-4237-9190-012177145e10') AS administrators,
    list_contains(client_app_types, 'all')
      OR list_has_all(client_app_types, ['browser', 'mobileAppsAndDesktopClients']) AS modern,
    list_contains(client_app_types, 'all')
      OR list_has_all(client_app_types, ['exchangeActiveSync', 'other']) AS legacy,
    list_contains(grant_controls, 'block') AS blocks,
    -- of several controls joined by OR, one other than a second factor would do
    (authentication_strength IS NOT NULL OR coalesce(list_contains(grant_controls, 'mfa'), false))
      AND (grant_operator = 'AND' OR coalesce(len(grant_controls), 0) + coalesce(len(custom_controls), 0)
        + coalesce(len(terms_of_use), 0) + if(authentication_strength IS NULL, 0, 1) = 1) AS second_factor
  FROM entra_conditional_access_policy
),
gathered AS (
  SELECT account_id, region, bool_or(unknown) AS some_unknown,
    coalesce(list(display_name ORDER BY display_name)
      FILTER (WHERE always AND modern AND second_factor AND everybody), []) AS for_everybody,
    coalesce(list(display_name ORDER BY display_name)
      FILTER (WHERE always AND modern AND second_factor AND (everybody OR administrators)), []) AS for_administrators,
    coalesce(list(display_name ORDER BY display_name)
      FILTER (WHERE always AND legacy AND blocks AND everybody), []) AS against_legacy
  FROM demands
  GROUP BY ALL
)
SELECT o.account_id, o.region, o.resource, o.display_name, d.is_enabled AS security_defaults,
  -- none among those that could be read is no answer while others could not
  if(g.some_unknown AND len(g.for_everybody) = 0, NULL, coalesce(g.for_everybody, [])) AS mfa_for_everybody,
  if(g.some_unknown AND len(g.for_administrators) = 0, NULL, coalesce(g.for_administrators, [])) AS mfa_for_administrators,
  if(g.some_unknown AND len(g.against_legacy) = 0, NULL, coalesce(g.against_legacy, [])) AS legacy_blocked
FROM entra_organization o
LEFT JOIN entra_security_defaults d ON d.account_id = o.account_id AND d.region = o.region
LEFT JOIN gathered g ON g.account_id = o.account_id AND g.region = o.region
