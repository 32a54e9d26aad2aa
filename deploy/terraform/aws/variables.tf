variable "trusted_principal" {
  description = "ARN of the user, role or account root that may assume the role: what Proofwatch runs as."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(root|(user|role)/.+)$", var.trusted_principal))
    error_message = "trusted_principal is no ARN of a user, a role or an account root."
  }
}

variable "external_id" {
  description = "A long random text; the same must stand in the connection's external_id."
  type        = string
  sensitive   = true

  validation {
    condition     = length(var.external_id) >= 16
    error_message = "external_id is shorter than 16 characters."
  }
}

variable "role_name" {
  description = "Name of the role; it must equal member_role in every member account."
  type        = string
  default     = "ProofwatchReadOnly"
}

variable "assume_members" {
  description = "Whether the role may assume the role of the same name in other accounts: only in the account that is connected."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags of what is made."
  type        = map(string)
  default     = {}
}
