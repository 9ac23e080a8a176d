# Buckets, where they are wanted, and the queue of new objects.

module "source" {
  count  = local.create.source ? 1 : 0
  source = "../modules/storage"

  bucket_name   = var.source_bucket
  kms_key_arn   = var.kms_key_arn
  force_destroy = var.force_destroy
  # A checkpoint may be in the same bucket; without one, nothing here is protected but by the absence of a rule.
  protected_prefixes = var.source_bucket == var.checkpoint_bucket ? [local.checkpoint_folder == "" ? "" : "${local.checkpoint_folder}/"] : []
  lifecycle_rules = var.expire_events_after_days == null ? [] : [{
    prefix            = local.source_folder == "" ? "" : "${local.source_folder}/"
    expire_after_days = var.expire_events_after_days
  }]
}

module "checkpoint" {
  count  = local.create.checkpoint ? 1 : 0
  source = "../modules/storage"

  bucket_name   = var.checkpoint_bucket
  kms_key_arn   = var.kms_key_arn
  force_destroy = var.force_destroy
}

module "artifacts" {
  count  = local.create.artifacts ? 1 : 0
  source = "../modules/storage"

  bucket_name   = "${local.name}-artifacts-${data.aws_caller_identity.current.account_id}"
  kms_key_arn   = var.kms_key_arn
  force_destroy = true # all of it can be built again
}

resource "aws_sqs_queue" "arrivals" {
  count = var.notifications ? 1 : 0

  name = "${local.name}-arrivals"
  # Six times the function's time, as Lambda advises, lest a message comes again while its batch is still at work.
  visibility_timeout_seconds = 6 * var.lambda_timeout
  message_retention_seconds  = 1209600
  sqs_managed_sse_enabled    = var.kms_key_arn == null ? true : null
  kms_master_key_id          = var.kms_key_arn

  redrive_policy = jsonencode({
    deadLetterTargetArn = module.function.dead_letter_queue_arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue_policy" "arrivals" {
  count = var.notifications ? 1 : 0

  queue_url = aws_sqs_queue.arrivals[0].url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sqs:SendMessage"
      Principal = { Service = "s3.amazonaws.com" }
      Resource  = aws_sqs_queue.arrivals[0].arn
      Condition = {
        ArnEquals    = { "aws:SourceArn" = "arn:${data.aws_partition.current.partition}:s3:::${var.source_bucket}" }
        StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id }
      }
    }]
  })
}

resource "aws_s3_bucket_notification" "arrivals" {
  count = var.notifications ? 1 : 0

  bucket = var.source_bucket

  queue {
    id            = local.name
    queue_arn     = aws_sqs_queue.arrivals[0].arn
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = local.source_folder == "" ? "" : "${local.source_folder}/"
    filter_suffix = ".json"
  }

  depends_on = [aws_sqs_queue_policy.arrivals, module.source]
}
