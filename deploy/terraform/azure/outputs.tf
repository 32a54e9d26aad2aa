output "client_id" {
  description = "Give it to `proofwatch connect azure` and `proofwatch connect entra` as --client-id."
  value       = azuread_application.reads.client_id
}

output "tenant_id" {
  description = "Give it to both as --tenant-id."
  value       = data.azuread_client_config.here.tenant_id
}
