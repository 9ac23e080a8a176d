# The state machine: plan, read with many invocations at once, commit, remove; again until nothing is left.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  partition = data.aws_partition.current.partition
  states    = "arn:${local.partition}:states:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}"

  # Known before the state machine is: its own policy names it.
  arn = "${local.states}:stateMachine:${var.name}"

  folder    = trim(var.work_prefix, "/")
  work_arn  = "arn:${local.partition}:s3:::${var.work_bucket}/${local.folder}"
  log_group = "/aws/vendedlogs/states/${var.name}"

  retry = [
    {
      # What stays as it is, however often it is tried.
      ErrorEquals = [
        "AccessDenied", "CheckFailed", "CorruptCheckpoint", "InvalidLocation", "InvariantBroken", "LocationError", "NotSupported",
        "ObjectMissing", "PluginError", "SchemaChanged", "SettingsError", "TriggerError",
      ]
      MaxAttempts = 0
    },
    {
      # What goes away by itself.
      ErrorEquals     = ["StorageUnavailable", "CommitConflict", "Lambda.ServiceException", "Lambda.SdkClientException", "Lambda.TooManyRequestsException"]
      IntervalSeconds = 5
      BackoffRate     = 2
      MaxAttempts     = 6
      JitterStrategy  = "FULL"
    },
    {
      # A process that was killed, or an error that may go away.
      ErrorEquals     = ["States.TaskFailed"]
      IntervalSeconds = 5
      BackoffRate     = 2
      MaxAttempts     = 2
      JitterStrategy  = "FULL"
    },
  ]
}

resource "aws_sfn_state_machine" "this" {
  name     = var.name
  role_arn = aws_iam_role.states.arn
  type     = "STANDARD"
  tags     = var.tags

  definition = templatefile("${path.module}/definition.asl.json", {
    partition                    = local.partition
    function_arn                 = var.function_alias_arn
    work                         = "s3://${var.work_bucket}/${local.folder}"
    max_splits                   = var.max_splits
    max_rounds                   = var.max_rounds
    max_concurrency              = var.max_concurrency
    tolerated_failure_percentage = var.tolerated_failure_percentage
    retry                        = jsonencode(local.retry)
  })

  logging_configuration {
    level                  = "ERROR"
    include_execution_data = false
    log_destination        = "${aws_cloudwatch_log_group.this.arn}:*"
  }

  # Step Functions tries the role when it makes the state machine.
  depends_on = [aws_iam_role_policy.states]
}

resource "aws_cloudwatch_log_group" "this" {
  name              = local.log_group
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}
