variable "trusted_principal" {
  description = "ARN of the user, role or account root that may assume the role in the management account: what Proofwatch runs as."
  type        = string
}

variable "external_id" {
  description = "A long random text; the same must stand in the connection's external_id."
  type        = string
  sensitive   = true
}

variable "role_name" {
  description = "Name of the role in every account."
  type        = string
  default     = "ProofwatchReadOnly"
}

variable "organizational_units" {
  description = "Ids of organizational units, or of the root, whose accounts get the role, now and later."
  type        = list(string)

  validation {
    condition     = length(var.organizational_units) > 0 && alltrue([for id in var.organizational_units : can(regex("^(r-|ou-)", id))])
    error_message = "organizational_units holds ids such as r-ab12 or ou-ab12-cdefgh34."
  }
}

variable "region" {
  description = "Where the stacks stand. The role is global, so one region is enough."
  type        = string
  default     = "us-east-1"
}

variable "tags" {
  description = "Tags of what is made."
  type        = map(string)
  default     = {}
}
