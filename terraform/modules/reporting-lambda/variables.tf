variable "name" {
  description = "Name of the function, and of what belongs to it."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,50}$", var.name))
    error_message = "name is 1 to 50 letters, digits, hyphens and underscores (names of roles made from it have 64 at most)."
  }
}

variable "environment" {
  description = "dev, staging or prod: the alias's name, and the dimension `environment` of all metrics."
  type        = string

  validation {
    condition     = contains(["dev", "staging", "prod"], var.environment)
    error_message = "environment is dev, staging or prod."
  }
}

variable "report" {
  description = "The report to run, as `reporting list` shows it."
  type        = string

  validation {
    condition     = length(trimspace(var.report)) > 0
    error_message = "report is the name of a report; `reporting list` shows them."
  }
}

variable "packages_dir" {
  description = "Folder that `reporting build` made, with manifest.json and function.zip; it decides runtime and architecture."
  type        = string

  validation {
    condition     = fileexists("${var.packages_dir}/manifest.json")
    error_message = "There is no manifest.json in packages_dir: run `reporting build REPORT --out DIR` first, and name that folder."
  }
}

variable "artifact_bucket" {
  description = "Bucket through which a function.zip of more than 50 MB reaches Lambda."
  type        = string
  default     = null
}

variable "layer_arns" {
  description = "ARNs of the layer versions, as the module lambda-layers gives them."
  type        = list(string)
}

variable "policy_json" {
  description = "What the report must be allowed to do, as `reporting iam REPORT` prints it; null: nothing."
  type        = string
  default     = null

  validation {
    condition = var.policy_json == null || can([
      for statement in jsondecode(var.policy_json).Statement : statement.Effect
    ])
    error_message = "policy_json is an IAM policy as JSON, with a list of statements, as `reporting iam REPORT` prints it."
  }
}

variable "environment_variables" {
  description = "The report's settings as environment variables. REPORTING_REPORT, REPORTING_ENVIRONMENT, REPORTING_CONTINUE, REPORTING_ON_ERROR and LOG_LEVEL have variables of their own; POWERTOOLS_SERVICE_NAME is `name` unless given."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setintersection(keys(var.environment_variables), ["REPORTING_REPORT", "REPORTING_ENVIRONMENT", "LOG_LEVEL", "REPORTING_CONTINUE", "REPORTING_ON_ERROR"])) == 0
    error_message = "REPORTING_REPORT, REPORTING_ENVIRONMENT, LOG_LEVEL, REPORTING_CONTINUE and REPORTING_ON_ERROR are set by report, environment, log_level, continue_by_itself and on_error."
  }
}

variable "log_level" {
  description = "Level of the framework's and the plugins' logs."
  type        = string
  default     = "INFO"

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], var.log_level)
    error_message = "log_level is DEBUG, INFO, WARNING, ERROR or CRITICAL."
  }
}

variable "lambda_timeout" {
  description = "Seconds that an invocation may take."
  type        = number
  default     = 900

  validation {
    condition     = var.lambda_timeout >= 1 && var.lambda_timeout <= 900 && floor(var.lambda_timeout) == var.lambda_timeout
    error_message = "lambda_timeout is a whole number of seconds from 1 to 900."
  }
}

variable "lambda_memory_size" {
  description = "Memory in MB; processor time grows with it."
  type        = number
  default     = 3008

  validation {
    condition     = var.lambda_memory_size >= 512 && var.lambda_memory_size <= 10240 && floor(var.lambda_memory_size) == var.lambda_memory_size
    error_message = "lambda_memory_size is a whole number of MB from 512 (less than that does not hold polars and a batch) to 10240."
  }
}

variable "ephemeral_storage_size" {
  description = "Size of /tmp in MB: a checkpoint is written there before it is uploaded."
  type        = number
  default     = 2048

  validation {
    condition     = var.ephemeral_storage_size >= 512 && var.ephemeral_storage_size <= 10240
    error_message = "ephemeral_storage_size is 512 to 10240 MB."
  }
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days is one of what CloudWatch allows: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653."
  }
}

variable "tracing_mode" {
  description = "X-Ray: Active, or PassThrough."
  type        = string
  default     = "Active"

  validation {
    condition     = contains(["Active", "PassThrough"], var.tracing_mode)
    error_message = "tracing_mode is Active or PassThrough."
  }
}

variable "reserved_concurrent_executions" {
  description = "How many executions there may be at once, taken out of the account's; -1: no limit of its own."
  type        = number
  default     = -1

  validation {
    condition     = var.reserved_concurrent_executions == -1 || var.reserved_concurrent_executions >= 1
    error_message = "reserved_concurrent_executions is -1 (no limit of its own), or 1 and more."
  }
}

variable "alias_version" {
  description = "The published version that the alias points to, for a rollback; null: the newest."
  type        = string
  default     = null

  validation {
    condition     = var.alias_version == null || can(regex("^[1-9][0-9]*$", var.alias_version))
    error_message = "alias_version is the number of a published version, such as \"7\"; null for the newest."
  }
}

variable "continue_by_itself" {
  description = "Whether a run that its deadline stopped invokes the function again for the rest (REPORTING_CONTINUE)."
  type        = bool
  default     = false
}

variable "on_error" {
  description = "What a failed run does (REPORTING_ON_ERROR): auto raises where nobody reads the answer, raise always does (for Step Functions), respond never does."
  type        = string
  default     = "auto"

  validation {
    condition     = contains(["auto", "raise", "respond"], var.on_error)
    error_message = "on_error is auto, raise or respond."
  }
}

variable "dead_letter_queue_retention_days" {
  description = "Days that the dead-letter queue keeps what failed for good."
  type        = number
  default     = 14

  validation {
    condition     = var.dead_letter_queue_retention_days >= 1 && var.dead_letter_queue_retention_days <= 14
    error_message = "dead_letter_queue_retention_days is 1 to 14."
  }
}

variable "kms_key_arn" {
  description = "Key for the log group, the queue and the environment variables; null: AWS's own keys."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn is the ARN of a key: arn:aws:kms:REGION:ACCOUNT:key/ID."
  }
}

variable "data_kms_key_arns" {
  description = "Keys with which the buckets that the report reads and writes are encrypted; it may decrypt and encrypt with them."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.data_kms_key_arns : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", arn))])
    error_message = "Each of data_kms_key_arns is the ARN of a key: arn:aws:kms:REGION:ACCOUNT:key/ID."
  }
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the roles, where the account demands one."
  type        = string
  default     = null
}

variable "vpc" {
  description = "Subnets and security groups, for a function that needs a network of yours; null: none. S3 is then reached through a gateway endpoint."
  type = object({
    subnet_ids         = list(string)
    security_group_ids = list(string)
  })
  default = null

  validation {
    condition     = var.vpc == null || try(length(var.vpc.subnet_ids) > 0 && length(var.vpc.security_group_ids) > 0, false)
    error_message = "vpc has at least one subnet and one security group."
  }
}

variable "schedules" {
  description = "Schedules by name: a cron(...) or rate(...) expression, and the time zone it is meant in."
  type = map(object({
    expression = string
    timezone   = optional(string, "UTC")
    enabled    = optional(bool, true)
  }))
  default = {}

  validation {
    condition     = alltrue([for each in var.schedules : can(regex("^(cron|rate|at)\\(.+\\)$", each.expression))])
    error_message = "A schedule's expression is cron(...), rate(...) or at(...), such as cron(0 6 * * ? *) or rate(1 hour)."
  }
}

variable "s3_notifications" {
  description = "By bucket name: objects whose creation invokes the function at once. The bucket's whole notification configuration becomes this one."
  type = map(object({
    prefix = optional(string, "")
    suffix = optional(string, "")
  }))
  default = {}
}

variable "sqs_sources" {
  description = "Queues by name, read with partial batch responses."
  type = map(object({
    queue_arn               = string
    batch_size              = optional(number, 100)
    batching_window_seconds = optional(number, 30)
    maximum_concurrency     = optional(number)
  }))
  default = {}

  validation {
    condition     = alltrue([for each in var.sqs_sources : can(regex("^arn:aws[a-z-]*:sqs:", each.queue_arn))])
    error_message = "queue_arn is the ARN of a queue: arn:aws:sqs:REGION:ACCOUNT:NAME."
  }

  validation {
    condition = alltrue([
      for each in var.sqs_sources :
      each.batch_size >= 1 && each.batch_size <= 10000 && each.batching_window_seconds >= 0 && each.batching_window_seconds <= 300
      && (each.batch_size <= 10 || each.batching_window_seconds >= 1)
    ])
    error_message = "batch_size is 1 to 10000 and batching_window_seconds 0 to 300; for more than 10 messages the window is at least 1."
  }

  validation {
    condition     = alltrue([for each in var.sqs_sources : each.maximum_concurrency == null || try(each.maximum_concurrency >= 2 && each.maximum_concurrency <= 1000, false)])
    error_message = "maximum_concurrency is 2 to 1000."
  }
}

variable "kinesis_sources" {
  description = "Streams by name, read with partial batch responses. What is retried without end (-1) is kept until the stream drops it; the alarm on the iterator's age tells."
  type = map(object({
    stream_arn               = string
    batch_size               = optional(number, 100)
    batching_window_seconds  = optional(number, 5)
    parallelization_factor   = optional(number, 1)
    starting_position        = optional(string, "TRIM_HORIZON")
    maximum_retry_attempts   = optional(number, -1)
    maximum_record_age_hours = optional(number, -1)
    bisect_batch_on_error    = optional(bool, true)
    on_failure_arn           = optional(string)
  }))
  default = {}

  validation {
    condition     = alltrue([for each in var.kinesis_sources : can(regex("^arn:aws[a-z-]*:kinesis:", each.stream_arn))])
    error_message = "stream_arn is the ARN of a stream: arn:aws:kinesis:REGION:ACCOUNT:stream/NAME."
  }

  validation {
    condition = alltrue([
      for each in var.kinesis_sources :
      each.batch_size >= 1 && each.batch_size <= 10000 && each.parallelization_factor >= 1 && each.parallelization_factor <= 10
      && each.batching_window_seconds >= 0 && each.batching_window_seconds <= 300
      && contains(["TRIM_HORIZON", "LATEST"], each.starting_position)
      && each.maximum_retry_attempts >= -1 && each.maximum_retry_attempts <= 10000
      && (each.maximum_record_age_hours == -1 || (each.maximum_record_age_hours >= 1 && each.maximum_record_age_hours <= 168))
    ])
    error_message = "batch_size is 1 to 10000, batching_window_seconds 0 to 300, parallelization_factor 1 to 10, starting_position TRIM_HORIZON or LATEST, maximum_retry_attempts -1 to 10000, maximum_record_age_hours -1 or 1 to 168."
  }

  validation {
    condition     = alltrue([for each in var.kinesis_sources : each.on_failure_arn == null || can(regex("^arn:aws[a-z-]*:(sqs|sns|s3):", each.on_failure_arn))])
    error_message = "on_failure_arn is the ARN of a queue, a topic or a bucket (which alone gets the records themselves); unset: the dead-letter queue."
  }
}

variable "tags" {
  description = "Tags of all that can have them."
  type        = map(string)
  default     = {}
}
