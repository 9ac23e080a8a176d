# For trying things: all of its own, which goes with everything else; debug logs, alarms that only show.

environment    = "dev"
archive_bucket = "my-archive-dev"

assignments_table = "my-assignments-dev"
experiments_table = "my-experiments-dev"

create_stream            = true
create_archive_bucket    = true
create_assignments_table = true
create_experiments_table = true
force_destroy            = true
retain_layer_versions    = false

retention_hours         = 24
marker_days             = 2
batching_window_seconds = 1

log_level          = "DEBUG"
log_retention_days = 7

dashboard = false
