# The report event-processor: records of a Kinesis stream are enriched, counted in DynamoDB and archived in S3, as they come.

provider "aws" {
  region = var.region

  default_tags {
    tags = merge({ project = "reporting", report = local.report, environment = var.environment }, var.tags)
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  report = "event-processor"
  name   = "${var.name}-${var.environment}"

  create = {
    stream       = var.create_stream
    counters     = var.create_dynamodb_table
    archive      = var.create_archive_bucket
    dead_letters = var.create_dead_letter_queue
    artifacts    = var.artifact_bucket == null && !var.use_external_layer_arns
  }

  # Names are made here, so that the policy is known at plan. What is read from a resource comes after it has been made.
  stream_name    = coalesce(var.stream_name, local.name)
  stream_arn     = local.create.stream ? aws_kinesis_stream.events[0].arn : var.stream_arn
  counters_name  = coalesce(var.dynamodb_table, "${local.name}-counters")
  records_name   = "${local.name}-records-dead-letters"
  archive_folder = trim(var.archive_prefix, "/")
  archive_bucket = local.create.archive ? module.archive[0].bucket_name : var.archive_bucket

  archive     = "s3://${local.archive_bucket}/${local.archive_folder == "" ? "" : "${local.archive_folder}/"}"
  records_url = local.create.dead_letters ? aws_sqs_queue.records[0].url : var.dead_letter_queue_url
  lookups     = distinct(compact([var.assignments_table, var.experiments_table]))
  alarm_arns  = merge(module.monitoring.alarm_arns, { for each in aws_cloudwatch_metric_alarm.records : "records-dead-letter" => each.arn })

  lookup_tables = {
    ASSIGNMENTS_TABLE = var.create_assignments_table ? aws_dynamodb_table.assignments[0].name : var.assignments_table
    EXPERIMENTS_TABLE = var.create_experiments_table ? aws_dynamodb_table.experiments[0].name : var.experiments_table
  }
}

module "layers" {
  source = "../modules/lambda-layers"

  owner                   = local.name
  packages_dir            = var.packages_dir
  artifact_bucket         = local.create.artifacts ? module.artifacts[0].bucket_name : var.artifact_bucket
  reuse_existing_layers   = var.reuse_existing_layers
  use_external_layer_arns = var.use_external_layer_arns
  external_layer_arns     = var.external_layer_arns
  force_layer_update      = var.force_layer_update
  retain_layer_versions   = var.retain_layer_versions
}

module "function" {
  source = "../modules/reporting-lambda"

  name            = local.name
  environment     = var.environment
  report          = local.report
  packages_dir    = var.packages_dir
  artifact_bucket = local.create.artifacts ? module.artifacts[0].bucket_name : var.artifact_bucket
  layer_arns      = module.layers.layer_arns
  policy_json     = local.policy

  environment_variables = merge(
    { for name, value in var.settings : "REPORTING_EVENT_PROCESSOR__${upper(name)}" => value },
    { for name, value in local.lookup_tables : "REPORTING_EVENT_PROCESSOR__${name}" => value if value != null },
    # The report takes one of the two: a bucket alone is all of it.
    local.archive_folder == "" ? { S3_BUCKET = local.archive_bucket } : { REPORTING_EVENT_PROCESSOR__ARCHIVE = local.archive },
    {
      DYNAMODB_TABLE                         = local.create.counters ? aws_dynamodb_table.counters[0].name : local.counters_name
      DLQ_URL                                = local.records_url
      REPORTING_EVENT_PROCESSOR__DELIVERY    = var.delivery
      REPORTING_EVENT_PROCESSOR__MARKER_DAYS = tostring(var.marker_days)
    },
  )

  log_level                      = var.log_level
  lambda_timeout                 = var.lambda_timeout
  lambda_memory_size             = var.lambda_memory_size
  ephemeral_storage_size         = 512 # a batch is in memory alone
  log_retention_days             = var.log_retention_days
  reserved_concurrent_executions = var.reserved_concurrent_executions
  alias_version                  = var.alias_version
  continue_by_itself             = false # Lambda hands over again what was not done in time
  kms_key_arn                    = var.kms_key_arn
  data_kms_key_arns              = var.data_kms_key_arns
  permissions_boundary_arn       = var.permissions_boundary_arn
  vpc                            = var.vpc

  kinesis_sources = {
    events = {
      stream_arn              = local.stream_arn
      batch_size              = var.batch_size
      batching_window_seconds = var.batching_window_seconds
      parallelization_factor  = var.parallelization_factor
      starting_position       = var.starting_position
      # One record that breaks the function is found by halving its batch, and does not hold up the others for longer.
      bisect_batch_on_error = true
    }
  }
}

module "monitoring" {
  source = "../modules/monitoring"

  name                   = local.name
  function_name          = module.function.function_name
  log_group_name         = module.function.log_group_name
  report                 = local.report
  environment            = var.environment
  alarm_sns_topic_arn    = var.alarm_sns_topic_arn
  lambda_timeout         = var.lambda_timeout
  dead_letter_queue_name = module.function.dead_letter_queue_name
  stream_alarm           = true
  iterator_age_minutes   = var.iterator_age_minutes
  success_within_hours   = var.success_within_hours
  rejected_percent       = var.rejected_percent
  dashboard              = var.dashboard
}

resource "aws_cloudwatch_metric_alarm" "records" {
  count = local.create.dead_letters ? 1 : 0

  alarm_name          = "${local.name}-records-dead-letter"
  alarm_description   = "Records that ${local.name} can never process are in the queue ${local.records_name}, each with what is wrong with it. See whether their producer changed or the validator is wrong; the queue keeps them for 14 days."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.records[0].name }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 300
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  # SQS stops measuring a queue only after hours in which it was empty and unused.
  treat_missing_data = "notBreaching"
  alarm_actions      = compact([var.alarm_sns_topic_arn])
  ok_actions         = compact([var.alarm_sns_topic_arn])
}
