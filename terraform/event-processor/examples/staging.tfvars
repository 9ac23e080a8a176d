# Like prod, on a stream of its own, which something fills all day. Takes the layers that prod has published, where both are in one account.

environment    = "staging"
stream_arn     = "arn:aws:kinesis:us-east-1:123456789012:stream/my-experiment-events-staging"
archive_bucket = "my-archive-staging"
archive_prefix = "experiments/"

assignments_table = "my-assignments-staging"
experiments_table = "my-experiments-staging"

create_archive_bucket     = true
archive_expire_after_days = 90

success_within_hours = 3
