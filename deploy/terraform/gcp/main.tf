# A service account that reads one organisation through Cloud Asset Inventory, and nothing else. The permissions are
# the connector's own; `python -m tests.deploy.terraform` writes them here, and a test holds them against the tables.

locals {
  permissions = jsondecode(file("${path.module}/permissions.json"))
  services = toset(concat(
    ["cloudasset.googleapis.com", "cloudresourcemanager.googleapis.com"],
    var.security_center ? ["securitycenter.googleapis.com"] : [],
    var.federation == null ? [] : ["iamcredentials.googleapis.com", "sts.googleapis.com"],
  ))
}

resource "google_project_service" "asked" {
  for_each = local.services

  project            = var.project
  service            = each.value
  disable_on_destroy = false
}

resource "google_service_account" "reads" {
  project      = var.project
  account_id   = "proofwatch"
  display_name = "Proofwatch reads configuration, and nothing else"
}

resource "google_organization_iam_custom_role" "reads" {
  org_id      = var.organization
  role_id     = "proofwatchReader"
  title       = "Proofwatch reader"
  description = "Reads what Proofwatch checks, and nothing else"
  stage       = "GA"
  permissions = local.permissions
}

resource "google_organization_iam_member" "reads" {
  org_id = var.organization
  role   = google_organization_iam_custom_role.reads.name
  member = google_service_account.reads.member
}

resource "google_iam_workload_identity_pool" "monitor" {
  count = var.federation == null ? 0 : 1

  project                   = var.project
  workload_identity_pool_id = "proofwatch"
  display_name              = "Proofwatch"
}

resource "google_iam_workload_identity_pool_provider" "monitor" {
  count = var.federation == null ? 0 : 1

  project                            = var.project
  workload_identity_pool_id          = google_iam_workload_identity_pool.monitor[0].workload_identity_pool_id
  workload_identity_pool_provider_id = "proofwatch"
  attribute_mapping                  = { "google.subject" = "assertion.sub" }
  # One subject, not everybody who has a token of this issuer.
  attribute_condition = "assertion.sub == ${jsonencode(var.federation.subject)}"

  oidc {
    issuer_uri        = var.federation.issuer
    allowed_audiences = var.federation.audiences
  }
}

resource "google_service_account_iam_member" "monitor" {
  count = var.federation == null ? 0 : 1

  service_account_id = google_service_account.reads.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principal://iam.googleapis.com/${google_iam_workload_identity_pool.monitor[0].name}/subject/${var.federation.subject}"
}
