variable "name" {
  description = "Name of the state machine, and of what belongs to it."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,50}$", var.name))
    error_message = "name is 1 to 50 letters, digits, hyphens and underscores (names of roles made from it have 64 at most)."
  }
}

variable "function_alias_arn" {
  description = "ARN of the function's alias, as the module reporting-lambda gives it."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+:[A-Za-z0-9_-]+$", var.function_alias_arn))
    error_message = "function_alias_arn is the ARN of an alias: arn:aws:lambda:REGION:ACCOUNT:function:NAME:ALIAS."
  }
}

variable "function_role_name" {
  description = "Name of the function's role: it gets the right to read, write and delete in the work folder."
  type        = string
}

variable "work_bucket" {
  description = "Bucket of the work folder, in the state machine's region."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.work_bucket))
    error_message = "work_bucket is the name of a bucket."
  }
}

variable "work_prefix" {
  description = "Work folder in work_bucket, of this state machine alone, such as checkpoints/_work."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9!_.'()=-]+(/[A-Za-z0-9!_.'()=-]+)*/?$", var.work_prefix))
    error_message = "work_prefix is a folder, such as checkpoints/_work, without a slash at its beginning."
  }
}

variable "max_splits" {
  description = "Most splits (of up to 500 objects each) that one round plans, reads and commits."
  type        = number
  default     = 1000

  validation {
    condition     = var.max_splits >= 1 && var.max_splits <= 10000 && floor(var.max_splits) == var.max_splits
    error_message = "max_splits is a whole number from 1 to 10000."
  }
}

variable "max_rounds" {
  description = "Rounds after which an execution fails that has not taken everything."
  type        = number
  default     = 20

  validation {
    condition     = var.max_rounds >= 1 && var.max_rounds <= 500 && floor(var.max_rounds) == var.max_rounds
    error_message = "max_rounds is a whole number from 1 to 500: an execution has at most 25,000 events, and a round takes some 25."
  }
}

variable "max_concurrency" {
  description = "Most invocations that read at once; they count towards the account's and the function's concurrency."
  type        = number
  default     = 100

  validation {
    condition     = var.max_concurrency >= 1 && var.max_concurrency <= 10000 && floor(var.max_concurrency) == var.max_concurrency
    error_message = "max_concurrency is a whole number from 1 to 10000."
  }
}

variable "tolerated_failure_percentage" {
  description = "Share (%) of splits that may fail without failing the execution; their objects are left to the next one."
  type        = number
  default     = 0

  validation {
    condition     = var.tolerated_failure_percentage >= 0 && var.tolerated_failure_percentage <= 100
    error_message = "tolerated_failure_percentage is 0 to 100."
  }
}

variable "schedule" {
  description = "When to start, cron(...) or rate(...); null: not on schedule."
  type        = string
  default     = null

  validation {
    condition     = var.schedule == null || can(regex("^(cron|rate)\\(.+\\)$", var.schedule))
    error_message = "schedule is cron(...) or rate(...), such as rate(1 day)."
  }
}

variable "schedule_timezone" {
  description = "Time zone that a cron expression is meant in."
  type        = string
  default     = "UTC"
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

variable "kms_key_arn" {
  description = "Key for the log group and the schedule; null: AWS's own keys."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn is the ARN of a key: arn:aws:kms:REGION:ACCOUNT:key/ID."
  }
}

variable "data_kms_key_arns" {
  description = "Keys with which work_bucket is encrypted; the state machine may decrypt with them."
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

variable "tags" {
  description = "Tags of all that can have them."
  type        = map(string)
  default     = {}
}
