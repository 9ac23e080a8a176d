# The report event-log-checkpoint: S3 events become a parquet checkpoint, on schedule.

provider "aws" {
  region = var.region

  default_tags {
    tags = merge({ project = "reporting", report = local.report, environment = var.environment }, var.tags)
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  report = "event-log-checkpoint"
  name   = "${var.name}-${var.environment}"

  create = {
    source     = var.create_source_bucket
    checkpoint = var.create_checkpoint_bucket
    artifacts  = var.artifact_bucket == null && !var.use_external_layer_arns
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
    { for name, value in var.settings : "REPORTING_EVENT_LOG_CHECKPOINT__${upper(name)}" => value },
    var.quarantine == null ? {} : { REPORTING_EVENT_LOG_CHECKPOINT__QUARANTINE = var.quarantine },
    var.pages_after_run ? { REPORTING_AFTER = "report" } : {},
    {
      SOURCE_BUCKET     = var.source_bucket
      PREFIX            = var.prefix
      CHECKPOINT_BUCKET = var.checkpoint_bucket
      CHECKPOINT_KEY    = var.checkpoint_key
    },
  )

  log_level                      = var.log_level
  lambda_timeout                 = var.lambda_timeout
  lambda_memory_size             = var.lambda_memory_size
  ephemeral_storage_size         = var.ephemeral_storage_size
  log_retention_days             = var.log_retention_days
  reserved_concurrent_executions = var.reserved_concurrent_executions
  alias_version                  = var.alias_version
  continue_by_itself             = var.continue_by_itself
  on_error                       = var.on_error
  kms_key_arn                    = var.kms_key_arn
  data_kms_key_arns              = distinct(concat(var.data_kms_key_arns, var.create_source_bucket || var.create_checkpoint_bucket ? var.kms_key_arn[*] : []))
  permissions_boundary_arn       = var.permissions_boundary_arn
  vpc                            = var.vpc

  schedules = var.schedule == null ? {} : {
    run = { expression = var.schedule, timezone = var.schedule_timezone }
  }
  sqs_sources = var.notifications ? {
    # Each run rewrites the checkpoint: few large batches, and no more than two at once, which Lambda has for the least.
    arrivals = { queue_arn = aws_sqs_queue.arrivals[0].arn, batch_size = 10000, batching_window_seconds = 300, maximum_concurrency = 2 }
  } : {}
}

module "distributed_map" {
  count  = var.distributed_map == null ? 0 : 1
  source = "../modules/distributed-map"

  name               = local.name
  function_alias_arn = module.function.alias_arn
  function_role_name = module.function.role_name
  work_bucket        = var.checkpoint_bucket
  work_prefix        = trim("${local.checkpoint_folder}/_work", "/")

  max_splits                   = var.distributed_map.max_splits
  max_concurrency              = var.distributed_map.max_concurrency
  tolerated_failure_percentage = var.distributed_map.tolerated_failure_percentage
  schedule                     = var.distributed_map.schedule
  schedule_timezone            = var.schedule_timezone
  log_retention_days           = var.log_retention_days
  kms_key_arn                  = var.kms_key_arn
  data_kms_key_arns            = distinct(concat(var.data_kms_key_arns, var.create_source_bucket || var.create_checkpoint_bucket ? var.kms_key_arn[*] : []))
  permissions_boundary_arn     = var.permissions_boundary_arn
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
  success_within_hours   = var.success_within_hours
  rejected_percent       = var.rejected_percent
  dashboard              = var.dashboard
}
