output "service_account" {
  description = "Address of the service account."
  value       = google_service_account.reads.email
}

output "provider" {
  description = "Name of the provider for `gcloud iam workload-identity-pools create-cred-config`; null without federation."
  value       = one(google_iam_workload_identity_pool_provider.monitor[*].name)
}
