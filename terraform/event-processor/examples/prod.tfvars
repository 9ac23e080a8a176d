# Stream, counters and archive are kept here; alarms reach people; keys are the organization's own.

environment    = "prod"
stream_name    = "my-experiment-events"
archive_bucket = "my-archive"
archive_prefix = "experiments/"

assignments_table = "my-assignments"
experiments_table = "my-experiments"

create_stream         = true
create_archive_bucket = true
kms_key_arn           = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
# The tables of assignments and experiments are another team's, with a key of its own.
data_kms_key_arns = ["arn:aws:kms:us-east-1:123456789012:key/66666666-7777-8888-9999-000000000000"]

batch_size             = 500
parallelization_factor = 4

log_retention_days             = 365
reserved_concurrent_executions = 40

alarm_sns_topic_arn  = "arn:aws:sns:us-east-1:123456789012:reporting-alarms"
iterator_age_minutes = 15
rejected_percent     = 5

settings = { cache_seconds = "60" }

tags = { owner = "data-team" }
