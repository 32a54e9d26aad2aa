output "role_arn" {
  description = "Give it to `proofwatch connect aws --accounts organization --role-arn`."
  value       = module.management.role_arn
}

output "member_role" {
  description = "Give it to `proofwatch connect aws --member-role`, where it is not the usual one."
  value       = var.role_name
}
