variable "management_group" {
  description = "Resource id of the management group below which everything is read; null: the tenant's root."
  type        = string
  default     = null
}

variable "certificate" {
  description = "The public certificate of the application, as PEM. The private key stays where Proofwatch runs."
  type        = string

  validation {
    condition     = can(regex("BEGIN CERTIFICATE", var.certificate)) && !can(regex("PRIVATE KEY", var.certificate))
    error_message = "certificate is not a PEM certificate, or holds the private key: give the certificate alone."
  }
}

variable "entra" {
  description = "Whether the same application reads Microsoft Entra ID: nine permissions of Graph, with admin consent."
  type        = bool
  default     = true
}
