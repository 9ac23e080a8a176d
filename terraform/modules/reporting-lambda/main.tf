data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  direct_upload = 50 * 1024 * 1024 # bytes, what Lambda takes without S3

  manifest = jsondecode(file("${var.packages_dir}/manifest.json"))
  package  = local.manifest.packages["function.zip"]
  file     = "${var.packages_dir}/function.zip"
  large    = local.package.zipped > local.direct_upload

  # Known before the function is: its own policy names it.
  function_arn = "arn:${data.aws_partition.current.partition}:lambda:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:function:${var.name}"
}

resource "aws_s3_object" "artifact" {
  count = local.large ? 1 : 0

  bucket      = var.artifact_bucket
  key         = "functions/${var.name}-${local.package.sha256}.zip"
  source      = local.file
  source_hash = local.package.sha256

  # An object has 10 tags at the most, fewer than a provider may give to everything.
  override_provider {
    default_tags {
      tags = {}
    }
  }

  lifecycle {
    precondition {
      condition     = var.artifact_bucket != null
      error_message = "function.zip is over 50 MB, which Lambda takes from S3 only: set artifact_bucket."
    }
  }
}

resource "aws_lambda_function" "this" {
  function_name = var.name
  description   = "Runs the report ${var.report} (${var.environment})"
  role          = aws_iam_role.function.arn
  handler       = "reporting_framework.aws_lambda.handler.handler"
  runtime       = "python${local.manifest.python}"
  architectures = [local.manifest.arch]

  filename         = local.large ? null : local.file
  s3_bucket        = local.large ? aws_s3_object.artifact[0].bucket : null
  s3_key           = local.large ? aws_s3_object.artifact[0].key : null
  source_code_hash = local.package.source_code_hash
  layers           = var.layer_arns
  publish          = true

  memory_size                    = var.lambda_memory_size
  timeout                        = var.lambda_timeout
  reserved_concurrent_executions = var.reserved_concurrent_executions
  kms_key_arn                    = var.kms_key_arn

  environment {
    variables = merge({ POWERTOOLS_SERVICE_NAME = var.name }, var.environment_variables, {
      LOG_LEVEL             = var.log_level
      REPORTING_CONTINUE    = var.continue_by_itself ? "self" : "no"
      REPORTING_ENVIRONMENT = var.environment
      REPORTING_ON_ERROR    = var.on_error
      REPORTING_REPORT      = var.report
    })
  }

  ephemeral_storage {
    size = var.ephemeral_storage_size
  }

  dead_letter_config {
    target_arn = aws_sqs_queue.dead_letters.arn
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.function.name
    # Lambda takes lines without a level, such as metrics, for INFO: a higher level here would drop them. LOG_LEVEL decides.
    application_log_level = var.log_level == "DEBUG" ? "DEBUG" : "INFO"
    system_log_level      = "INFO"
  }

  tracing_config {
    mode = var.tracing_mode
  }

  dynamic "vpc_config" {
    for_each = var.vpc[*]

    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  tags = var.tags

  # Lambda tries the role when it makes the function.
  depends_on = [aws_iam_role_policy.function]

  lifecycle {
    precondition {
      condition     = local.manifest.report == var.report
      error_message = "packages_dir holds the packages of the report ${local.manifest.report}, not of ${var.report}: build those, or name another folder."
    }

    precondition {
      condition     = filesha256(local.file) == local.package.sha256
      error_message = "function.zip is not the one that manifest.json describes: build the packages again."
    }
  }
}

resource "aws_lambda_alias" "this" {
  name             = var.environment
  description      = "What runs in ${var.environment}"
  function_name    = aws_lambda_function.this.function_name
  function_version = coalesce(var.alias_version, aws_lambda_function.this.version)
}

resource "aws_lambda_function_event_invoke_config" "this" {
  function_name                = aws_lambda_function.this.function_name
  qualifier                    = aws_lambda_alias.this.name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600
}

resource "aws_lambda_function_recursion_config" "this" {
  count = var.continue_by_itself ? 1 : 0

  # A run that goes on by itself looks like a loop; the framework limits the chain (REPORTING_CONTINUE_LIMIT).
  function_name  = aws_lambda_function.this.function_name
  recursive_loop = "Allow"
}

resource "aws_cloudwatch_log_group" "function" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-dead-letters"
  message_retention_seconds = var.dead_letter_queue_retention_days * 86400
  sqs_managed_sse_enabled   = var.kms_key_arn == null ? true : null
  kms_master_key_id         = var.kms_key_arn
  tags                      = var.tags
}
