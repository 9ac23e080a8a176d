# The report {{ cookiecutter.name }}: function, layers, alarms, and what starts it.

provider "aws" {
  region = var.region

  default_tags {
    tags = merge({ project = "reporting", report = local.report, environment = var.environment }, var.tags)
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}
{% if cookiecutter.__pushed or cookiecutter.sink == "dynamodb-counters" %}

data "aws_region" "current" {}
{% endif %}

locals {
  report = "{{ cookiecutter.name }}"
  name   = "${var.name}-${var.environment}"
}

module "artifacts" {
  source = "{{ cookiecutter.modules.replace('{module}', 'storage') }}"

  bucket_name   = "${local.name}-artifacts-${data.aws_caller_identity.current.account_id}"
  force_destroy = true # all of it can be built again
}

module "layers" {
  source = "{{ cookiecutter.modules.replace('{module}', 'lambda-layers') }}"

  owner           = local.name
  packages_dir    = var.packages_dir
  artifact_bucket = module.artifacts.bucket_name
}

module "function" {
  source = "{{ cookiecutter.modules.replace('{module}', 'reporting-lambda') }}"

  name            = local.name
  environment     = var.environment
  report          = local.report
  packages_dir    = var.packages_dir
  artifact_bucket = module.artifacts.bucket_name
  layer_arns      = module.layers.layer_arns
  policy_json     = local.policy

  environment_variables = merge(
    { for name, value in local.settings : "REPORTING_{{ cookiecutter.__package.upper() }}__${upper(name)}" => value },
    { for name, value in var.settings : "REPORTING_{{ cookiecutter.__package.upper() }}__${upper(name)}" => value },
  )

  log_level          = var.log_level
  lambda_timeout     = var.lambda_timeout
  lambda_memory_size = var.lambda_memory_size
  log_retention_days = var.log_retention_days
{% if cookiecutter.__pushed %}
  continue_by_itself = false # Lambda hands over again what was not done in time
{% else %}
  continue_by_itself = true
{% endif %}
{% if cookiecutter.source == "kinesis" %}

  kinesis_sources = {
    records = { stream_arn = var.stream_arn }
  }
{% elif cookiecutter.source == "sqs" %}

  sqs_sources = {
    records = { queue_arn = var.queue_arn }
  }
{% else %}

  schedules = var.schedule == null ? {} : {
    run = { expression = var.schedule, timezone = var.schedule_timezone }
  }
{% endif %}
}

module "monitoring" {
  source = "{{ cookiecutter.modules.replace('{module}', 'monitoring') }}"

  name                   = local.name
  function_name          = module.function.function_name
  log_group_name         = module.function.log_group_name
  report                 = local.report
  environment            = var.environment
  alarm_sns_topic_arn    = var.alarm_sns_topic_arn
  lambda_timeout         = var.lambda_timeout
  dead_letter_queue_name = module.function.dead_letter_queue_name
  success_within_hours   = var.success_within_hours
{% if cookiecutter.source == "kinesis" %}
  stream_alarm           = true
{% endif %}
}
{% if cookiecutter.__pushed %}

resource "aws_sqs_queue" "records" {
  name                      = "${local.name}-records-dead-letters"
  message_retention_seconds = 1209600 # 14 days, the most that there is
  sqs_managed_sse_enabled   = true
}

resource "aws_cloudwatch_metric_alarm" "records" {
  alarm_name          = "${local.name}-records-dead-letter"
  alarm_description   = "Records that ${local.name} can never process are in the queue ${aws_sqs_queue.records.name}, each with what is wrong with it."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.records.name }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = compact([var.alarm_sns_topic_arn])
  ok_actions          = compact([var.alarm_sns_topic_arn])
}
{% endif %}
{% if cookiecutter.sink == "dynamodb-counters" %}

resource "aws_dynamodb_table" "counters" {
  name                        = "${local.name}-counters"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "partition_key"
  range_key                   = "sort_key"
  deletion_protection_enabled = var.environment == "prod"

  attribute {
    name = "partition_key"
    type = "S"
  }

  attribute {
    name = "sort_key"
    type = "S"
  }

  # Markers have it, counters do not: these stay.
  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled = true
  }
}
{% endif %}
