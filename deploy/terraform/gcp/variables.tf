variable "organization" {
  description = "Id of the organisation that is read: its digits."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+$", var.organization))
    error_message = "organization is the digits of an organisation's id."
  }
}

variable "project" {
  description = "Project of the monitor: where the service account and the pool stand, and whose quota is used."
  type        = string
}

variable "security_center" {
  description = "Whether Security Command Center is active, and its findings are read."
  type        = bool
  default     = true
}

variable "federation" {
  description = "The provider whose tokens stand for the service account, as OpenID Connect: no key is made. Null: none."
  type = object({
    issuer    = string
    audiences = list(string)
    subject   = string
  })
  default = null
}
