# The state machine's role, and what the function may do in the work folder.

resource "aws_iam_role" "states" {
  name                 = "${var.name}-states"
  description          = "Of the state machine ${var.name}"
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "states.amazonaws.com" }
      # Only state machines of this account may take the role.
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "states" {
  name = "states"
  role = aws_iam_role.states.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "Invoke"
          Effect   = "Allow"
          Action   = ["lambda:InvokeFunction"]
          Resource = [var.function_alias_arn]
        },
        {
          Sid      = "ReadItems"
          Effect   = "Allow"
          Action   = ["s3:GetObject"]
          Resource = ["${local.work_arn}/*/items.jsonl"]
        },
        {
          # Each child is an execution of the state machine.
          Sid      = "StartChildren"
          Effect   = "Allow"
          Action   = ["states:StartExecution"]
          Resource = [local.arn]
        },
        {
          Sid      = "WatchChildren"
          Effect   = "Allow"
          Action   = ["states:DescribeExecution", "states:StopExecution"]
          Resource = ["${local.states}:execution:${var.name}:*", "${local.states}:execution:${var.name}/*"]
        },
        {
          # The delivery of logs knows no resources.
          Sid    = "Log"
          Effect = "Allow"
          Action = [
            "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies",
            "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
          ]
          Resource = ["*"]
        },
      ],
      length(var.data_kms_key_arns) > 0 ? [{
        Sid      = "DecryptItems"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = var.data_kms_key_arns
      }] : [],
    )
  })
}

resource "aws_iam_role_policy" "work" {
  name = "${var.name}-work"
  role = var.function_role_name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Work"
        Effect   = "Allow"
        Action   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
        Resource = ["${local.work_arn}/*"]
      },
      {
        # Without it, S3 answers 403 for a result that is missing.
        Sid       = "ListWork"
        Effect    = "Allow"
        Action    = ["s3:ListBucket"]
        Resource  = ["arn:${local.partition}:s3:::${var.work_bucket}"]
        Condition = { StringLikeIfExists = { "s3:prefix" = ["${local.folder}/*"] } }
      },
    ]
  })
}
