output "role_arn" {
  description = "Give it to `proofwatch connect aws --role-arn`."
  value       = aws_iam_role.reads.arn
}
