# For trying things: buckets of its own that go with everything else, debug logs, alarms that only show.

environment       = "dev"
source_bucket     = "my-visit-events-dev"
prefix            = "visits/"
checkpoint_bucket = "my-checkpoints-dev"
checkpoint_key    = "visits/events.parquet"

create_source_bucket     = true
create_checkpoint_bucket = true
force_destroy            = true
retain_layer_versions    = false

schedule           = null
log_level          = "DEBUG"
log_retention_days = 7
lambda_memory_size = 2048

success_within_hours = null
dashboard            = false
