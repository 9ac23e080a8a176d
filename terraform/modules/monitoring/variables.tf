variable "name" {
  type        = string
  nullable    = false
  description = "Prefix of the alarms' names and name of the dashboard; usually the function's name."

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,200}$", var.name))
    error_message = "name must be 1 to 200 letters, digits, hyphens and underscores."
  }
}

variable "function_name" {
  type        = string
  nullable    = false
  description = "Name of the function that is watched; neither an ARN nor an alias."

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,64}$", var.function_name))
    error_message = "function_name must be 1 to 64 letters, digits, hyphens and underscores: the name, not the ARN."
  }
}

variable "report" {
  type        = string
  nullable    = false
  description = "The report that the function runs (REPORTING_REPORT); dimension of its metrics."

  validation {
    condition     = can(regex("^[!-~]([ -~]{0,253}[!-~])?$", var.report))
    error_message = "report must be 1 to 255 printable ASCII characters, with no space at either end."
  }
}

variable "environment" {
  type        = string
  nullable    = false
  description = "The function's REPORTING_ENVIRONMENT; dimension of its metrics."

  validation {
    condition     = can(regex("^[!-~]([ -~]{0,253}[!-~])?$", var.environment))
    error_message = "environment must be 1 to 255 printable ASCII characters, with no space at either end, as in REPORTING_ENVIRONMENT."
  }
}

variable "metrics_namespace" {
  type        = string
  nullable    = false
  default     = "Reporting"
  description = "The function's REPORTING_METRICS_NAMESPACE. If the two differ, the alarms on metrics of the report see nothing."

  validation {
    condition     = can(regex("^[A-Za-z0-9._/#:-][A-Za-z0-9 ._/#:-]{0,254}$", var.metrics_namespace)) && !startswith(var.metrics_namespace, "AWS/")
    error_message = "metrics_namespace must be 1 to 255 letters, digits, spaces (not the first) and . _ / # : -, and must not begin with AWS/."
  }
}

variable "log_group_name" {
  type        = string
  default     = null
  description = "Log group of the function, for the dashboard's list of errors; null means /aws/lambda/<function_name>."

  validation {
    condition     = var.log_group_name == null ? true : can(regex("^[A-Za-z0-9_/.#-]{1,512}$", var.log_group_name))
    error_message = "log_group_name must be null, or 1 to 512 letters, digits and _ / . # -."
  }
}

variable "alarm_sns_topic_arn" {
  type        = string
  nullable    = false
  default     = ""
  description = "Topic that is told when an alarm goes off and when it is over; empty means alarms without action."

  validation {
    condition     = var.alarm_sns_topic_arn == "" ? true : can(regex("^arn:aws(-[a-z]+)*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$", var.alarm_sns_topic_arn))
    error_message = "alarm_sns_topic_arn must be empty, or the ARN of a standard SNS topic such as arn:aws:sns:us-east-1:123456789012:alarms (also in aws-us-gov, aws-cn)."
  }
}

variable "lambda_timeout" {
  type        = number
  nullable    = false
  description = "The function's timeout in seconds. An invocation that takes more than two thirds of it raises the alarm on the duration, so that there is time to act."

  validation {
    condition     = var.lambda_timeout >= 1 && var.lambda_timeout <= 900
    error_message = "lambda_timeout must be the function's timeout: 1 to 900 seconds."
  }
}

variable "rejected_percent" {
  type        = number
  nullable    = false
  default     = 10
  description = "Alarm when the records that an hour's runs rejected are more than this share of those that they processed."

  validation {
    condition     = var.rejected_percent >= 0 && var.rejected_percent < 100
    error_message = "rejected_percent must be 0 or more, and less than 100."
  }
}

# A queue's name may be known only after apply, and Terraform must know earlier how many alarms there are:
# hence a switch of its own.
variable "dead_letter_alarm" {
  type        = bool
  nullable    = false
  default     = true
  description = "Whether to alarm when something is in the dead-letter queue; needs dead_letter_queue_name."
}

variable "dead_letter_queue_name" {
  type        = string
  nullable    = false
  default     = ""
  description = "Name (not URL or ARN) of the dead-letter queue; needed if dead_letter_alarm is true."

  validation {
    condition     = var.dead_letter_queue_name == "" || can(regex("^[A-Za-z0-9_-]{1,80}$", trimsuffix(var.dead_letter_queue_name, ".fifo")))
    error_message = "dead_letter_queue_name must be a queue's name: 1 to 80 letters, digits, hyphens and underscores, which .fifo may follow; neither URL nor ARN."
  }

  validation {
    condition     = !var.dead_letter_alarm || var.dead_letter_queue_name != ""
    error_message = "dead_letter_queue_name must be given, or dead_letter_alarm be set to false."
  }
}

variable "stream_alarm" {
  type        = bool
  nullable    = false
  default     = false
  description = "Whether to alarm when the function falls behind the stream that it reads; only for one that reads a stream."
}

variable "iterator_age_minutes" {
  type        = number
  nullable    = false
  default     = 60
  description = "Alarm when a stream's record is this old before it is read. Well below the stream's retention, after which records are lost."

  validation {
    condition     = var.iterator_age_minutes > 0 && var.iterator_age_minutes <= 525600
    error_message = "iterator_age_minutes must be greater than 0 and at most 525600, the longest retention of a stream (365 days)."
  }
}

variable "success_within_hours" {
  type        = number
  default     = 26
  description = "Alarm when no run succeeded for so many hours, or none read everything that there was: the schedule's interval and some time to spare. null for a function without schedule."

  validation {
    condition = var.success_within_hours == null ? true : (
      var.success_within_hours >= 1 && var.success_within_hours <= 168 && floor(var.success_within_hours) == var.success_within_hours
    )
    error_message = "success_within_hours must be null, or a whole number from 1 to 168: CloudWatch looks back a week at most."
  }
}

variable "dashboard" {
  type        = bool
  nullable    = false
  default     = true
  description = "Whether to make a dashboard."
}

variable "tags" {
  type        = map(string)
  nullable    = false
  default     = {}
  description = "Tags of all that can have them."

  validation {
    condition = length(var.tags) <= 50 && alltrue([
      for key, value in var.tags :
      value == null ? false : length(key) >= 1 && length(key) <= 128 && !startswith(lower(key), "aws:") && length(value) <= 256
    ])
    error_message = "tags must be at most 50, with keys of 1 to 128 characters that do not begin with aws: and values of at most 256 characters."
  }
}
