# One role that reads configuration, and nothing else. The policies are the generated ones of docs/reference;
# `python -m tests.deploy.terraform` writes them here, and a test holds them against what the tables need.

locals {
  policies = { for number in ["1", "2"] : number => file("${path.module}/policy-${number}.json") }
}

data "aws_partition" "here" {}

resource "aws_iam_policy" "reads" {
  for_each = local.policies

  name        = "${var.role_name}-${each.key}"
  description = "What Proofwatch reads, part ${each.key} of ${length(local.policies)}"
  policy      = each.value
  tags        = var.tags
}

resource "aws_iam_role" "reads" {
  name                 = var.role_name
  description          = "Lets Proofwatch read configuration, and nothing else"
  max_session_duration = 3600
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = var.trusted_principal }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "sts:ExternalId" = var.external_id } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "reads" {
  for_each = aws_iam_policy.reads

  role       = aws_iam_role.reads.name
  policy_arn = each.value.arn
}

resource "aws_iam_role_policy" "members" {
  count = var.assume_members ? 1 : 0

  name = "AssumeMemberRoles"
  role = aws_iam_role.reads.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "sts:AssumeRole"
      Resource = "arn:${data.aws_partition.here.partition}:iam::*:role/${var.role_name}"
    }]
  })
}
