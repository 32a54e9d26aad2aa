# The role in the management account, and through a StackSet the same role in every member account, now and later.
# Run it in the management account; trusted access of CloudFormation StackSets must be on in AWS Organizations.

module "management" {
  source = "../aws"

  trusted_principal = var.trusted_principal
  external_id       = var.external_id
  role_name         = var.role_name
  assume_members    = true
  tags              = var.tags
}

resource "aws_cloudformation_stack_set" "members" {
  name             = "${var.role_name}-members"
  description      = "The role with which Proofwatch reads a member account"
  permission_model = "SERVICE_MANAGED"
  capabilities     = ["CAPABILITY_NAMED_IAM"]
  template_body    = file("${path.module}/member-role.json")
  tags             = var.tags

  # A member account trusts the role of the management account, and nobody else.
  parameters = {
    TrustedPrincipal = module.management.role_arn
    ExternalId       = var.external_id
    RoleName         = var.role_name
  }

  auto_deployment {
    enabled                          = true
    retain_stacks_on_account_removal = false
  }

  operation_preferences {
    failure_tolerance_percentage = 10
    max_concurrent_percentage    = 25
  }

  lifecycle {
    # Set by AWS where permissions are managed by the service.
    ignore_changes = [administration_role_arn]
  }
}

resource "aws_cloudformation_stack_set_instance" "members" {
  stack_set_name            = aws_cloudformation_stack_set.members.name
  stack_set_instance_region = var.region

  deployment_targets {
    organizational_unit_ids = var.organizational_units
  }
}
