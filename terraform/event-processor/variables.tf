variable "environment" {
  description = "dev, staging or prod: in the names of all that is made, the alias's name, the dimension of all metrics."
  type        = string
  default     = "dev"

  validation {
    condition     = contains(["dev", "staging", "prod"], var.environment)
    error_message = "environment is dev, staging or prod."
  }
}

variable "region" {
  description = "AWS region, such as us-east-1; null: as the environment or the profile says."
  type        = string
  default     = null
}

variable "name" {
  description = "Name of the function without the environment, which is appended."
  type        = string
  default     = "event-processor"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,40}$", var.name))
    error_message = "name is 1 to 40 letters, digits, hyphens and underscores."
  }
}

variable "packages_dir" {
  description = "Folder that `reporting build event-processor --out DIR` made."
  type        = string
  default     = "../../dist"
}

variable "tags" {
  description = "Tags of all that can have them, beside project, report and environment."
  type        = map(string)
  default     = {}
}

# -- stream -----------------------------------------------------------------------------------------------------------

variable "stream_arn" {
  description = "ARN of the Kinesis stream that events come from; null: with create_stream, the one that is made."
  type        = string
  default     = null

  validation {
    condition     = var.stream_arn == null || can(regex("^arn:aws[a-z-]*:kinesis:[a-z0-9-]+:[0-9]{12}:stream/[A-Za-z0-9_.-]+$", var.stream_arn))
    error_message = "stream_arn is the ARN of a stream, not of a consumer: arn:aws:kinesis:REGION:ACCOUNT:stream/NAME."
  }

  validation {
    condition     = var.create_stream == (var.stream_arn == null)
    error_message = "Give stream_arn, or set create_stream: one of the two."
  }
}

variable "create_stream" {
  description = "Make the stream too: on demand, encrypted."
  type        = bool
  default     = false
}

variable "stream_name" {
  description = "With create_stream: its name; null: NAME-ENVIRONMENT."
  type        = string
  default     = null

  validation {
    condition     = var.stream_name == null || can(regex("^[A-Za-z0-9_.-]{1,128}$", var.stream_name))
    error_message = "stream_name is 1 to 128 letters, digits, hyphens, underscores and dots."
  }

  validation {
    condition     = var.stream_name == null || var.create_stream
    error_message = "stream_name goes with create_stream; a stream that is there is named by stream_arn."
  }
}

variable "retention_hours" {
  description = "Hours that the stream keeps its records; of a stream that is not made here, what it has, for marker_days is checked against it."
  type        = number
  default     = 168

  validation {
    condition     = var.retention_hours >= 24 && var.retention_hours <= 8760 && floor(var.retention_hours) == var.retention_hours
    error_message = "retention_hours is a whole number from 24 (a day) to 8760 (a year)."
  }
}

variable "starting_position" {
  description = "Where reading begins the first time: TRIM_HORIZON, with all that the stream has, or LATEST. A change replaces the trigger."
  type        = string
  default     = "TRIM_HORIZON"

  validation {
    condition     = contains(["TRIM_HORIZON", "LATEST"], var.starting_position)
    error_message = "starting_position is TRIM_HORIZON or LATEST."
  }
}

variable "batch_size" {
  description = "Records that an invocation gets at most."
  type        = number
  default     = 100

  validation {
    condition     = var.batch_size >= 1 && var.batch_size <= 10000 && floor(var.batch_size) == var.batch_size
    error_message = "batch_size is a whole number from 1 to 10000."
  }
}

variable "batching_window_seconds" {
  description = "Seconds that Lambda waits for a batch to fill."
  type        = number
  default     = 5

  validation {
    condition     = var.batching_window_seconds >= 0 && var.batching_window_seconds <= 300 && floor(var.batching_window_seconds) == var.batching_window_seconds
    error_message = "batching_window_seconds is a whole number from 0 to 300."
  }
}

variable "parallelization_factor" {
  description = "Batches of a shard that are processed at once."
  type        = number
  default     = 1

  validation {
    condition     = var.parallelization_factor >= 1 && var.parallelization_factor <= 10 && floor(var.parallelization_factor) == var.parallelization_factor
    error_message = "parallelization_factor is a whole number from 1 to 10."
  }
}

# -- data -------------------------------------------------------------------------------------------------------------

variable "dynamodb_table" {
  description = "Table of the counters, with partition_key and sort_key (strings) and time to live on expires_at; null: with create_dynamodb_table, NAME-ENVIRONMENT-counters."
  type        = string
  default     = null

  validation {
    condition     = var.dynamodb_table == null || can(regex("^[A-Za-z0-9_.-]{3,255}$", var.dynamodb_table))
    error_message = "dynamodb_table is a table's name alone, of 3 to 255 letters, digits, hyphens, underscores and dots."
  }

  validation {
    condition     = var.dynamodb_table != null || var.create_dynamodb_table
    error_message = "Give dynamodb_table, the name of the table that is there, or set create_dynamodb_table."
  }
}

variable "create_dynamodb_table" {
  description = "Make the counters' table too: on demand, encrypted, with point-in-time recovery, protected from deletion unless force_destroy."
  type        = bool
  default     = true
}

variable "archive_bucket" {
  description = "Bucket of the archive."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.archive_bucket))
    error_message = "archive_bucket is a bucket's name alone, without s3:// and slashes."
  }
}

variable "archive_prefix" {
  description = "Folder of the archive within archive_bucket; empty: all of it."
  type        = string
  default     = ""

  validation {
    condition     = !can(regex("[*?$]", var.archive_prefix))
    error_message = "archive_prefix has no *, ? or $, which mean more than themselves in a policy."
  }

  validation {
    condition     = !can(regex("(^|/)[.]{0,2}(/|$)", trim(var.archive_prefix, "/"))) || trim(var.archive_prefix, "/") == ""
    error_message = "archive_prefix has no empty, . or .. segment."
  }
}

variable "create_archive_bucket" {
  description = "Make archive_bucket too: private, versioned, encrypted; nothing of it expires unless archive_expire_after_days says so."
  type        = bool
  default     = false
}

variable "archive_expire_after_days" {
  description = "With create_archive_bucket: days after which archived events are deleted; counters of these days can no longer be compared or repaired. null: never."
  type        = number
  default     = null

  validation {
    condition     = var.archive_expire_after_days == null || try(var.archive_expire_after_days >= max(15, var.marker_days), false)
    error_message = "archive_expire_after_days is at least 15, for the dead-letter queue may name payloads in the archive for 14 days, and not less than marker_days."
  }

  validation {
    condition     = var.archive_expire_after_days == null || var.create_archive_bucket
    error_message = "archive_expire_after_days goes with create_archive_bucket: rules of a bucket that is not made here are its owner's."
  }
}

variable "dead_letter_queue_url" {
  description = "URL of the queue for records that can never succeed; null: with create_dead_letter_queue, the one that is made. Not the queue for invocations that failed, which there always is."
  type        = string
  default     = null

  validation {
    condition     = var.dead_letter_queue_url == null || can(regex("^https?://[^/]+/[0-9]{12}/[A-Za-z0-9_-]{1,80}$", var.dead_letter_queue_url))
    error_message = "dead_letter_queue_url is https://sqs.REGION.amazonaws.com/ACCOUNT/NAME, of a standard queue in the deployment's region."
  }

  # Without a queue such a record would come again until the stream drops it, and hold up its shard.
  validation {
    condition     = var.create_dead_letter_queue == (var.dead_letter_queue_url == null)
    error_message = "Give dead_letter_queue_url and set create_dead_letter_queue to false, or give neither."
  }
}

variable "create_dead_letter_queue" {
  description = "Make the queue for records that can never succeed: encrypted, kept for 14 days, with an alarm when something is in it."
  type        = bool
  default     = true
}

variable "assignments_table" {
  description = "Table of assignments, by user_id and experiment_id (strings); null: variants are not looked up."
  type        = string
  default     = null

  validation {
    condition     = var.assignments_table == null || can(regex("^[A-Za-z0-9_.-]{3,255}$", var.assignments_table))
    error_message = "assignments_table is a table's name alone, of 3 to 255 letters, digits, hyphens, underscores and dots."
  }

  validation {
    condition     = var.assignments_table != null || !var.create_assignments_table
    error_message = "create_assignments_table needs assignments_table, the name that it shall have."
  }
}

variable "create_assignments_table" {
  description = "Make assignments_table too, empty: on demand, encrypted, with point-in-time recovery, protected from deletion unless force_destroy."
  type        = bool
  default     = false
}

variable "experiments_table" {
  description = "Table of experiments, by experiment_id (string); null: they are not looked up."
  type        = string
  default     = null

  validation {
    condition     = var.experiments_table == null || can(regex("^[A-Za-z0-9_.-]{3,255}$", var.experiments_table))
    error_message = "experiments_table is a table's name alone, of 3 to 255 letters, digits, hyphens, underscores and dots."
  }

  validation {
    condition     = var.experiments_table != null || !var.create_experiments_table
    error_message = "create_experiments_table needs experiments_table, the name that it shall have."
  }
}

variable "create_experiments_table" {
  description = "Make experiments_table too, empty: on demand, encrypted, with point-in-time recovery, protected from deletion unless force_destroy."
  type        = bool
  default     = false
}

variable "delivery" {
  description = "exactly-once: each event counts once whatever happens, and distinct users are counted; at-least-once: faster and cheaper, and what is delivered again counts again."
  type        = string
  default     = "exactly-once"

  validation {
    condition     = contains(["exactly-once", "at-least-once"], var.delivery)
    error_message = "delivery is exactly-once or at-least-once."
  }
}

variable "marker_days" {
  description = "Days that it is known what was counted; longer than the stream keeps its records."
  type        = number
  default     = 8

  validation {
    condition     = var.marker_days >= 1 && var.marker_days <= 3650 && floor(var.marker_days) == var.marker_days
    error_message = "marker_days is a whole number from 1 to 3650."
  }

  # Without markers there is nothing to be forgotten too soon.
  validation {
    condition     = var.delivery == "at-least-once" || var.marker_days * 24 > var.retention_hours
    error_message = "marker_days must be longer than the stream's retention_hours: an event that comes again after its marker is gone would count twice."
  }
}

variable "settings" {
  description = "More of the report's settings by name, such as { extra = \"ignore\", cache_seconds = \"60\" }."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.settings) : can(regex("^[a-z][a-z_]*$", name))])
    error_message = "A setting's name is as in `reporting-run event-processor --help`, with underscores, without the two hyphens."
  }

  validation {
    condition = length(setintersection(keys(var.settings), [
      "archive", "assignments_table", "dead_letter_overflow", "dead_letter_queue", "delivery", "dynamodb_table", "experiments_table", "marker_days", "s3_bucket", "source",
    ])) == 0
    error_message = "What has a variable of its own is not said in settings, for policy and checks are made of it: archive_bucket, archive_prefix, dynamodb_table, assignments_table, experiments_table, dead_letter_queue_url, delivery, marker_days. The source is the stream; long payloads go to _dead-letters in the archive."
  }
}

variable "data_kms_key_arns" {
  description = "Keys of a stream, of tables, of a queue and of a bucket that are not made here, where they have keys of their own."
  type        = list(string)
  default     = []
}

variable "artifact_bucket" {
  description = "Bucket through which layers of more than 50 MB are uploaded; null: one is made."
  type        = string
  default     = null
}

variable "force_destroy" {
  description = "Destroy buckets and tables made here with all that is in them, and the stream with its consumers. For experiments."
  type        = bool
  default     = false
}

# -- function ---------------------------------------------------------------------------------------------------------

variable "log_level" {
  description = "DEBUG, INFO, WARNING, ERROR or CRITICAL."
  type        = string
  default     = "INFO"
}

variable "lambda_timeout" {
  description = "Seconds that an invocation may take, up to 900."
  type        = number
  default     = 120
}

variable "lambda_memory_size" {
  description = "Memory in MB; 1769 is one processor."
  type        = number
  default     = 1769
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 30
}

variable "reserved_concurrent_executions" {
  description = "How many executions there may be at once; -1: no limit of its own. Shards times parallelization_factor are in use at most."
  type        = number
  default     = -1
}

variable "alias_version" {
  description = "The published version that the alias points to, for a rollback; null: the newest."
  type        = string
  default     = null
}

variable "kms_key_arn" {
  description = "Key for logs, environment variables, and queues, buckets, tables and the stream made here; null: AWS's own keys."
  type        = string
  default     = null
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the roles, where the account demands one."
  type        = string
  default     = null
}

variable "vpc" {
  description = "Subnets and security groups for the function; null: no network of yours. It needs endpoints of S3, DynamoDB and SQS."
  type = object({
    subnet_ids         = list(string)
    security_group_ids = list(string)
  })
  default = null
}

# -- layers -----------------------------------------------------------------------------------------------------------

variable "reuse_existing_layers" {
  description = "Take layers that another deployment in this account and region has published, where their content is the same."
  type        = bool
  default     = true
}

variable "use_external_layer_arns" {
  description = "Publish no layers; take external_layer_arns."
  type        = bool
  default     = false
}

variable "external_layer_arns" {
  description = "ARNs of layer versions, with use_external_layer_arns."
  type        = list(string)
  default     = []
}

variable "force_layer_update" {
  description = "Publish new layer versions in this apply, whether or not their content has changed."
  type        = bool
  default     = false
}

variable "retain_layer_versions" {
  description = "Leave layer versions in the account when new ones take their place, or all is destroyed."
  type        = bool
  default     = true
}

# -- monitoring -------------------------------------------------------------------------------------------------------

variable "alarm_sns_topic_arn" {
  description = "Topic that alarms are sent to; empty: alarms that only show."
  type        = string
  nullable    = false
  default     = ""
}

variable "iterator_age_minutes" {
  description = "Alarm when a record is this old before it is read; well below the stream's retention, after which records are lost."
  type        = number
  default     = 60

  validation {
    condition     = var.iterator_age_minutes > 0 && var.iterator_age_minutes < var.retention_hours * 60
    error_message = "iterator_age_minutes is more than 0 and less than the stream's retention: later, records are lost already."
  }
}

variable "success_within_hours" {
  description = "Alarm when no run has succeeded for so many hours, or none got done with all records; null: no such alarms, for a quiet stream runs nothing."
  type        = number
  default     = null
}

variable "rejected_percent" {
  description = "Alarm when the records that an hour's runs rejected are more than this share (%) of those that they processed."
  type        = number
  default     = 10
}

variable "dashboard" {
  description = "Make a CloudWatch dashboard."
  type        = bool
  default     = true
}
