# The job's own role: its archive and its script, its logs, and what its report declares.

locals {
  own_statements = concat(
    [
      {
        Sid      = "ReadArtifacts"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = [for object in aws_s3_object.artifact : "arn:${data.aws_partition.current.partition}:s3:::${object.bucket}/${object.key}"]
      },
    ],
    local.emr ? [] : [{
      Sid    = "Log"
      Effect = "Allow"
      Action = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = [
        "arn:${data.aws_partition.current.partition}:logs:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:log-group:/aws-glue/jobs/*",
      ]
    }],
    length(var.data_kms_key_arns) > 0 ? [{
      Sid      = "UseKeys"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource = var.data_kms_key_arns
    }] : [],
  )
}

resource "aws_iam_role" "job" {
  name                 = "${var.name}-job"
  description          = "Of the job ${var.name} on Spark"
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = local.emr ? "emr-serverless.amazonaws.com" : "glue.amazonaws.com" }
      Condition = merge(
        { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } },
        { for arn in aws_emrserverless_application.this[*].arn : "ArnLike" => { "aws:SourceArn" = arn } },
      )
    }]
  })
}

resource "aws_iam_role_policy" "job" {
  name   = "job"
  role   = aws_iam_role.job.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.own_statements })
}

resource "aws_iam_role_policy" "report" {
  count = var.policy_json == null ? 0 : 1

  name   = "report"
  role   = aws_iam_role.job.id
  policy = var.policy_json

  lifecycle {
    precondition {
      condition = alltrue(flatten([
        for statement in try(jsondecode(var.policy_json).Statement, []) : [for action in flatten([statement.Action]) : !strcontains(action, "*")]
      ]))
      error_message = "policy_json has an action with a wildcard; name the actions, as `reporting iam REPORT` does."
    }
  }
}
