# The function's own role: what its report declares, and what Lambda needs to log, trace, retry and read its sources.

locals {
  own_statements = concat(
    [
      {
        Sid      = "Log"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${aws_cloudwatch_log_group.function.arn}:*"]
      },
      {
        # X-Ray knows no resources.
        Sid      = "Trace"
        Effect   = "Allow"
        Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
        Resource = ["*"]
      },
      {
        Sid      = "KeepDeadLetters"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = [aws_sqs_queue.dead_letters.arn]
      },
    ],
    var.continue_by_itself ? [{
      Sid      = "Continue"
      Effect   = "Allow"
      Action   = ["lambda:InvokeFunction"]
      Resource = [local.function_arn, "${local.function_arn}:${var.environment}"]
    }] : [],
    length(var.sqs_sources) > 0 ? [{
      Sid      = "ReadQueues"
      Effect   = "Allow"
      Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
      Resource = [for each in values(var.sqs_sources) : each.queue_arn]
    }] : [],
    length(var.kinesis_sources) > 0 ? [{
      Sid    = "ReadStreams"
      Effect = "Allow"
      Action = [
        "kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards",
      ]
      Resource = [for each in values(var.kinesis_sources) : each.stream_arn]
    }] : [],
    [
      for name, each in var.kinesis_sources : {
        Sid    = "KeepWhatFailed${replace(title(replace(name, "/[^A-Za-z0-9]/", " ")), " ", "")}"
        Effect = "Allow"
        Action = lookup(
          { sqs = ["sqs:SendMessage"], sns = ["sns:Publish"] }, split(":", each.on_failure_arn)[2], ["s3:ListBucket", "s3:PutObject"],
        )
        Resource = split(":", each.on_failure_arn)[2] == "s3" ? [each.on_failure_arn, "${each.on_failure_arn}/*"] : [each.on_failure_arn]
      } if each.on_failure_arn != null
    ],
    length(var.data_kms_key_arns) + length(var.kms_key_arn[*]) > 0 ? [{
      Sid      = "UseKeys"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource = distinct(concat(var.data_kms_key_arns, var.kms_key_arn[*]))
    }] : [],
    var.vpc != null ? [{
      # Network interfaces are not there yet when they are made, and those to describe cannot be named.
      Sid    = "JoinNetwork"
      Effect = "Allow"
      Action = [
        "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
      ]
      Resource = ["*"]
    }] : [],
  )
}

resource "aws_iam_role" "function" {
  name                 = "${var.name}-function"
  description          = "Of the Lambda function ${var.name}"
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "function" {
  name   = "function"
  role   = aws_iam_role.function.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.own_statements })
}

resource "aws_iam_role_policy" "report" {
  count = var.policy_json == null ? 0 : 1

  name   = "report"
  role   = aws_iam_role.function.id
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
