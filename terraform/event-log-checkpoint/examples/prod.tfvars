# Events are read minutes after they arrive, and every hour in any case; alarms reach people; keys are the centre's own.

environment       = "prod"
source_bucket     = "my-visit-events"
prefix            = "visits/"
checkpoint_bucket = "my-checkpoints"
checkpoint_key    = "visits/{study}/{datatype}/events.parquet"

create_checkpoint_bucket = true
kms_key_arn              = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"

schedule      = "rate(1 hour)"
notifications = true

log_retention_days             = 365
reserved_concurrent_executions = 5

alarm_sns_topic_arn  = "arn:aws:sns:us-east-1:123456789012:reporting-alarms"
success_within_hours = 3
rejected_percent     = 5

settings = {
  validator        = "visit-event-v2"
  exclude_projects = "[\"sandbox-*\"]"
}

tags = { owner = "data-team" }
