# Like prod, on a copy of its events, once a day. Takes the layers that prod has published, where both are in one account.

environment       = "staging"
source_bucket     = "my-visit-events-staging"
prefix            = "visits/"
checkpoint_bucket = "my-checkpoints-staging"
checkpoint_key    = "visits/{study}/{datatype}/events.parquet"

create_checkpoint_bucket = true

schedule             = "cron(0 6 * * ? *)"
schedule_timezone    = "America/Chicago"
success_within_hours = 26

settings = { validator = "visit-event-v2" }
