# What starts the function. All of it goes through the alias, so that a rollback takes effect for every trigger.

resource "aws_scheduler_schedule" "this" {
  for_each = var.schedules

  name                         = "${var.name}-${each.key}"
  description                  = "Runs ${var.report} (${var.environment})"
  schedule_expression          = each.value.expression
  schedule_expression_timezone = each.value.timezone
  state                        = each.value.enabled ? "ENABLED" : "DISABLED"
  kms_key_arn                  = var.kms_key_arn

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_alias.this.arn
    role_arn = aws_iam_role.scheduler[0].arn

    retry_policy {
      maximum_event_age_in_seconds = 3600
      maximum_retry_attempts       = 5
    }

    dead_letter_config {
      arn = aws_sqs_queue.dead_letters.arn
    }
  }
}

resource "aws_iam_role" "scheduler" {
  count = length(var.schedules) > 0 ? 1 : 0

  name                 = "${var.name}-scheduler"
  description          = "Invokes the Lambda function ${var.name} on schedule"
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "scheduler.amazonaws.com" }
      # Only schedules of this account may take the role.
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "scheduler" {
  count = length(var.schedules) > 0 ? 1 : 0

  name = "invoke"
  role = aws_iam_role.scheduler[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        { Effect = "Allow", Action = ["lambda:InvokeFunction"], Resource = [aws_lambda_alias.this.arn] },
        { Effect = "Allow", Action = ["sqs:SendMessage"], Resource = [aws_sqs_queue.dead_letters.arn] },
      ],
      [for arn in var.kms_key_arn[*] : { Effect = "Allow", Action = ["kms:Decrypt", "kms:GenerateDataKey"], Resource = [arn] }],
    )
  })
}

resource "aws_lambda_permission" "s3" {
  for_each = var.s3_notifications

  statement_id   = "S3-${replace(each.key, ".", "-")}"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.this.function_name
  qualifier      = aws_lambda_alias.this.name
  principal      = "s3.amazonaws.com"
  source_arn     = "arn:${data.aws_partition.current.partition}:s3:::${each.key}"
  source_account = data.aws_caller_identity.current.account_id
}

resource "aws_s3_bucket_notification" "this" {
  for_each = var.s3_notifications

  bucket = each.key

  lambda_function {
    id                  = var.name
    lambda_function_arn = aws_lambda_alias.this.arn
    events              = ["s3:ObjectCreated:*"]
    filter_prefix       = each.value.prefix
    filter_suffix       = each.value.suffix
  }

  # S3 asks Lambda whether it may invoke the function before it takes the configuration.
  depends_on = [aws_lambda_permission.s3]
}

resource "aws_lambda_event_source_mapping" "sqs" {
  for_each = var.sqs_sources

  event_source_arn                   = each.value.queue_arn
  function_name                      = aws_lambda_alias.this.arn
  batch_size                         = each.value.batch_size
  maximum_batching_window_in_seconds = each.value.batching_window_seconds
  function_response_types            = ["ReportBatchItemFailures"]
  tags                               = var.tags

  dynamic "scaling_config" {
    for_each = each.value.maximum_concurrency[*]

    content {
      maximum_concurrency = scaling_config.value
    }
  }

  # Lambda tries to read the queue when the mapping is made.
  depends_on = [aws_iam_role_policy.function]
}

resource "aws_lambda_event_source_mapping" "kinesis" {
  for_each = var.kinesis_sources

  event_source_arn                   = each.value.stream_arn
  function_name                      = aws_lambda_alias.this.arn
  starting_position                  = each.value.starting_position
  batch_size                         = each.value.batch_size
  maximum_batching_window_in_seconds = each.value.batching_window_seconds
  parallelization_factor             = each.value.parallelization_factor
  bisect_batch_on_function_error     = each.value.bisect_batch_on_error
  maximum_retry_attempts             = each.value.maximum_retry_attempts
  maximum_record_age_in_seconds      = each.value.maximum_record_age_hours == -1 ? -1 : each.value.maximum_record_age_hours * 3600
  function_response_types            = ["ReportBatchItemFailures"]
  tags                               = var.tags

  destination_config {
    on_failure {
      destination_arn = coalesce(each.value.on_failure_arn, aws_sqs_queue.dead_letters.arn)
    }
  }

  depends_on = [aws_iam_role_policy.function]
}
