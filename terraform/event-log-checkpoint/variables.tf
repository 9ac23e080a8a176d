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
  default     = "event-log-checkpoint"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,40}$", var.name))
    error_message = "name is 1 to 40 letters, digits, hyphens and underscores."
  }
}

variable "packages_dir" {
  description = "Folder that `reporting build event-log-checkpoint --out DIR` made."
  type        = string
  default     = "../../dist"
}

variable "tags" {
  description = "Tags of all that can have them, beside project, report and environment."
  type        = map(string)
  default     = {}
}

# -- data -------------------------------------------------------------------------------------------------------------

variable "source_bucket" {
  description = "Bucket of the event files."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.source_bucket))
    error_message = "source_bucket is a bucket's name alone, without s3:// and slashes."
  }
}

variable "prefix" {
  description = "Folder of the event files within source_bucket; empty: all of it."
  type        = string
  default     = ""

  validation {
    condition     = !can(regex("[*?$]", var.prefix))
    error_message = "prefix has no *, ? or $, which mean more than themselves in a policy."
  }

  validation {
    condition     = !startswith(var.prefix, "/") && !strcontains(var.prefix, "//")
    error_message = "prefix has no slash at its beginning and no empty segment: they would name another folder."
  }
}

variable "checkpoint_bucket" {
  description = "Bucket of the checkpoint."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.checkpoint_bucket))
    error_message = "checkpoint_bucket is a bucket's name alone, without s3:// and slashes."
  }
}

variable "checkpoint_key" {
  description = "Key of the checkpoint, such as visits/events.parquet; with {study} or any other column in it, one file for each."
  type        = string
  default     = "checkpoints/events.parquet"

  validation {
    condition     = can(regex("^[^/*?$].*\\.parquet$", var.checkpoint_key)) && !can(regex("[*?$]", var.checkpoint_key))
    error_message = "checkpoint_key ends in .parquet, does not begin with a slash, and has no *, ? or $."
  }
}

variable "quarantine" {
  description = "File for what is not kept, s3://BUCKET/KEY.parquet; null: beside the checkpoint."
  type        = string
  default     = null

  validation {
    condition     = var.quarantine == null || can(regex("^s3://[a-z0-9][a-z0-9.-]+/[^/*?$][^*?$]*\\.parquet$", var.quarantine))
    error_message = "quarantine is s3://BUCKET/KEY.parquet, without *, ? and $."
  }
}

variable "settings" {
  description = "More of the report's settings by name, such as { validator = \"visit-event-v2\", lookback_days = \"60\" }; lists as JSON."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.settings) : can(regex("^[a-z][a-z_]*$", name))])
    error_message = "A setting's name is as in `reporting-run event-log-checkpoint --help`, with underscores, without the two hyphens."
  }

  validation {
    condition     = length(setintersection(keys(var.settings), ["source", "checkpoint", "source_bucket", "prefix", "checkpoint_bucket", "checkpoint_key", "quarantine"])) == 0
    error_message = "Where data is, is said by source_bucket, prefix, checkpoint_bucket, checkpoint_key and quarantine, for the policy is made of them; not in settings."
  }
}

variable "data_kms_key_arns" {
  description = "Keys with which the source's and the checkpoint's buckets are encrypted, where they have keys of their own."
  type        = list(string)
  default     = []
}

# -- storage ----------------------------------------------------------------------------------------------------------

variable "create_source_bucket" {
  description = "Make source_bucket too: private, versioned, encrypted."
  type        = bool
  default     = false
}

variable "create_checkpoint_bucket" {
  description = "Make checkpoint_bucket too: private, versioned, encrypted; no rule expires what is in it."
  type        = bool
  default     = false

  validation {
    condition     = !(var.create_source_bucket && var.create_checkpoint_bucket && var.source_bucket == var.checkpoint_bucket)
    error_message = "source_bucket and checkpoint_bucket are the same bucket: set create_source_bucket alone."
  }
}

variable "expire_events_after_days" {
  description = "With create_source_bucket: days after which event files are deleted; their rows stay in the checkpoint. null: never."
  type        = number
  default     = null

  validation {
    condition     = var.expire_events_after_days == null || try(var.expire_events_after_days >= 90, false)
    error_message = "expire_events_after_days is at least 90: what is in quarantine, or could not be read, must be there to be read again."
  }

  validation {
    condition     = var.expire_events_after_days == null || var.create_source_bucket
    error_message = "expire_events_after_days goes with create_source_bucket: rules of a bucket that is not made here are its owner's."
  }
}

variable "artifact_bucket" {
  description = "Bucket through which layers of more than 50 MB are uploaded; null: one is made."
  type        = string
  default     = null
}

variable "force_destroy" {
  description = "Destroy the buckets made here with all that is in them. For experiments."
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
  default     = 900
}

variable "lambda_memory_size" {
  description = "Memory in MB."
  type        = number
  default     = 3008
}

variable "ephemeral_storage_size" {
  description = "Size of /tmp in MB: the checkpoint is written there before it is uploaded, so about twice its size."
  type        = number
  default     = 2048
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 30
}

variable "reserved_concurrent_executions" {
  description = "How many executions there may be at once; -1: no limit of its own."
  type        = number
  default     = -1
}

variable "alias_version" {
  description = "The published version that the alias points to, for a rollback; null: the newest."
  type        = string
  default     = null
}

variable "pages_after_run" {
  description = "Whether pages of this month and the last are put beside the checkpoint after each run (REPORTING_AFTER). The packages are built with reporting-pages."
  type        = bool
  default     = false
}

variable "continue_by_itself" {
  description = "Whether a run that did not get done in its time goes on by itself."
  type        = bool
  default     = true
}

variable "on_error" {
  description = "What a failed run does: auto raises where nobody reads the answer, raise always does (for Step Functions), respond never does."
  type        = string
  default     = "auto"
}

variable "kms_key_arn" {
  description = "Key for logs, queues, environment variables and buckets made here; null: AWS's own keys."
  type        = string
  default     = null
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the roles, where the account demands one."
  type        = string
  default     = null
}

variable "vpc" {
  description = "Subnets and security groups for the function; null: no network of yours."
  type = object({
    subnet_ids         = list(string)
    security_group_ids = list(string)
  })
  default = null
}

# -- what starts it ---------------------------------------------------------------------------------------------------

variable "schedule" {
  description = "When to run, cron(...) or rate(...); null: not on schedule."
  type        = string
  default     = "rate(1 hour)"
}

variable "schedule_timezone" {
  description = "Time zone that a cron expression is meant in, such as America/Chicago."
  type        = string
  default     = "UTC"
}

variable "notifications" {
  description = "Read events minutes after they arrive: new objects are announced in a queue. source_bucket's whole notification configuration becomes this one."
  type        = bool
  default     = false
}

# -- layers -----------------------------------------------------------------------------------------------------------

variable "distributed_map" {
  description = "Make a state machine that reads with many invocations at once, such as {} or { schedule = \"rate(1 day)\" }; null: none."
  type = object({
    schedule                     = optional(string)
    max_splits                   = optional(number, 1000)
    max_concurrency              = optional(number, 100)
    tolerated_failure_percentage = optional(number, 0)
  })
  default = null
}

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

variable "success_within_hours" {
  description = "Alarm when no run has succeeded for so many hours, or none got done with all objects; null: no such alarms."
  type        = number
  default     = 26
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
