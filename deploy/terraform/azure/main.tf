# One application with a certificate: a Reader of every subscription (`*/read`: no keys, no secrets, no data), and with
# permissions of Microsoft Graph that only read Entra ID. These are the connector's own: `python -m tests.deploy.terraform`
# writes them here, and a test holds them against the tables.

locals {
  graph = jsondecode(file("${path.module}/graph-permissions.json"))
  asked = var.entra ? local.graph.resourceAccess : {}
  scope = coalesce(var.management_group, "/providers/Microsoft.Management/managementGroups/${data.azuread_client_config.here.tenant_id}")
}

data "azuread_client_config" "here" {}

resource "azuread_application" "reads" {
  display_name     = "Proofwatch"
  sign_in_audience = "AzureADMyOrg"

  dynamic "required_resource_access" {
    for_each = var.entra ? [local.graph.resourceAppId] : []

    content {
      resource_app_id = required_resource_access.value

      dynamic "resource_access" {
        for_each = local.asked

        content {
          id   = resource_access.value
          type = "Role"
        }
      }
    }
  }
}

resource "azuread_application_certificate" "reads" {
  application_id = azuread_application.reads.id
  type           = "AsymmetricX509Cert"
  value          = var.certificate
}

resource "azuread_service_principal" "reads" {
  client_id = azuread_application.reads.client_id
}

resource "azuread_service_principal" "graph" {
  client_id    = local.graph.resourceAppId
  use_existing = true
}

# Admin consent: whoever runs this must be allowed to give it (Privileged Role Administrator).
resource "azuread_app_role_assignment" "graph" {
  for_each = local.asked

  app_role_id         = each.value
  principal_object_id = azuread_service_principal.reads.object_id
  resource_object_id  = azuread_service_principal.graph.object_id
}

resource "azurerm_role_assignment" "reads" {
  scope                = local.scope
  role_definition_name = "Reader"
  principal_id         = azuread_service_principal.reads.object_id
  principal_type       = "ServicePrincipal"
}
