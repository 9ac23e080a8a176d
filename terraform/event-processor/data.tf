# Stream, tables, buckets and the queue for records that can never succeed, where they are wanted.

resource "aws_kinesis_stream" "events" {
  count = local.create.stream ? 1 : 0

  name                      = local.stream_name
  retention_period          = var.retention_hours
  encryption_type           = "KMS"
  kms_key_id                = coalesce(var.kms_key_arn, "alias/aws/kinesis")
  enforce_consumer_deletion = var.force_destroy

  stream_mode_details {
    stream_mode = "ON_DEMAND"
  }
}

resource "aws_dynamodb_table" "counters" {
  count = local.create.counters ? 1 : 0

  name                        = local.counters_name
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "partition_key"
  range_key                   = "sort_key"
  deletion_protection_enabled = !var.force_destroy

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
    enabled     = true
    kms_key_arn = var.kms_key_arn
  }
}

resource "aws_dynamodb_table" "assignments" {
  count = var.create_assignments_table ? 1 : 0

  name                        = var.assignments_table
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "user_id"
  range_key                   = "experiment_id"
  deletion_protection_enabled = !var.force_destroy

  attribute {
    name = "user_id"
    type = "S"
  }

  attribute {
    name = "experiment_id"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = var.kms_key_arn
  }
}

resource "aws_dynamodb_table" "experiments" {
  count = var.create_experiments_table ? 1 : 0

  name                        = var.experiments_table
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "experiment_id"
  deletion_protection_enabled = !var.force_destroy

  attribute {
    name = "experiment_id"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = var.kms_key_arn
  }
}

resource "aws_sqs_queue" "records" {
  count = local.create.dead_letters ? 1 : 0

  name                      = local.records_name
  message_retention_seconds = 1209600 # 14 days, the most that there is
  sqs_managed_sse_enabled   = var.kms_key_arn == null ? true : null
  kms_master_key_id         = var.kms_key_arn
}

module "archive" {
  count  = local.create.archive ? 1 : 0
  source = "../modules/storage"

  bucket_name   = var.archive_bucket
  kms_key_arn   = var.kms_key_arn
  force_destroy = var.force_destroy
  # Counters are compared with the archive and repaired from it: nothing of it expires unless that is asked for.
  protected_prefixes = var.archive_expire_after_days == null ? [""] : []
  lifecycle_rules = var.archive_expire_after_days == null ? [] : [{
    prefix            = local.archive_folder == "" ? "" : "${local.archive_folder}/"
    expire_after_days = var.archive_expire_after_days
  }]
}

module "artifacts" {
  count  = local.create.artifacts ? 1 : 0
  source = "../modules/storage"

  bucket_name   = "${local.name}-artifacts-${data.aws_caller_identity.current.account_id}"
  kms_key_arn   = var.kms_key_arn
  force_destroy = true # all of it can be built again
}
