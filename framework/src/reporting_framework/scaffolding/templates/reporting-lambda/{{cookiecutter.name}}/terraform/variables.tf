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
  default     = "{{ cookiecutter.name }}"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,31}$", var.name))
    error_message = "name is 1 to 32 lower-case letters, digits and hyphens."
  }
}

variable "packages_dir" {
  description = "Folder that `hatch run build` made."
  type        = string
  default     = "../dist"
}

variable "tags" {
  description = "Tags of all that can have them, beside project, report and environment."
  type        = map(string)
  default     = {}
}

# -- data -------------------------------------------------------------------------------------------------------------
{% if cookiecutter.source == "kinesis" %}

variable "stream_arn" {
  description = "ARN of the Kinesis stream that records come from."
  type        = string
}
{% elif cookiecutter.source == "sqs" %}

variable "queue_arn" {
  description = "ARN of the SQS queue that records come from. Its visibility timeout is six times lambda_timeout or more."
  type        = string
}
{% else %}

variable "source_bucket" {
  description = "Bucket of the records."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.source_bucket))
    error_message = "source_bucket is a bucket's name alone, without s3:// and slashes."
  }
}

variable "prefix" {
  description = "Folder of the records within source_bucket; empty: all of it."
  type        = string
  default     = ""

  validation {
    condition     = !can(regex("[*?$]", var.prefix))
    error_message = "prefix has no *, ? or $, which mean more than themselves in a policy."
  }
}
{% endif %}
{% if cookiecutter.sink != "dynamodb-counters" %}

variable "output_bucket" {
  description = "Bucket that is written to."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.output_bucket))
    error_message = "output_bucket is a bucket's name alone, without s3:// and slashes."
  }
}
{% endif %}
{% if cookiecutter.sink in ("parquet-checkpoint", "own") %}
{% set suffix = "parquet" if cookiecutter.sink == "parquet-checkpoint" else "ndjson" %}

variable "output_key" {
  description = "Key of the file within output_bucket."
  type        = string
  default     = "{{ cookiecutter.name }}/table.{{ suffix }}"

  validation {
    condition     = can(regex("^[^/*?$].*\\.{{ suffix }}$", var.output_key)) && !can(regex("[*?$]", var.output_key))
    error_message = "output_key ends in .{{ suffix }}, does not begin with a slash, and has no *, ? or $."
  }
}
{% elif cookiecutter.sink == "ndjson-archive" %}

variable "output_prefix" {
  description = "Folder of the archive within output_bucket; empty: all of it."
  type        = string
  default     = "{{ cookiecutter.name }}"

  validation {
    condition     = !can(regex("[*?$]", var.output_prefix))
    error_message = "output_prefix has no *, ? or $, which mean more than themselves in a policy."
  }
}
{% endif %}

variable "settings" {
  description = "More of the report's settings by name; lists as JSON. Where data is, is said by the variables above, for the policy is made of them."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.settings) : can(regex("^[a-z][a-z_]*$", name)) && !contains(["source", "checkpoint", "archive", "table", "output", "dead_letter_queue"], name)])
    error_message = "A setting's name is as in `reporting-run {{ cookiecutter.name }} --help`, with underscores, and does not say where data is."
  }
}

# -- function ---------------------------------------------------------------------------------------------------------
{% if not cookiecutter.__pushed %}

variable "schedule" {
  description = "When to run, cron(...) or rate(...); null: not on schedule."
  type        = string
  default     = {{ 'null' if cookiecutter.schedule == 'none' else '"' ~ cookiecutter.schedule ~ '"' }}
}

variable "schedule_timezone" {
  description = "Time zone that a cron expression is meant in, such as America/Chicago."
  type        = string
  default     = "UTC"
}
{% endif %}

variable "lambda_timeout" {
  description = "Seconds that an invocation may take, up to 900."
  type        = number
  default     = {{ '60' if cookiecutter.__pushed else '900' }}
}

variable "lambda_memory_size" {
  description = "Memory in MB."
  type        = number
  default     = 2048
}

variable "log_level" {
  description = "DEBUG, INFO, WARNING, ERROR or CRITICAL."
  type        = string
  default     = "INFO"
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 30
}

# -- monitoring -------------------------------------------------------------------------------------------------------

variable "alarm_sns_topic_arn" {
  description = "Topic that alarms are sent to; empty: alarms that only show."
  type        = string
  nullable    = false
  default     = ""
}

variable "success_within_hours" {
  description = "Alarm when no run has succeeded for so many hours; null: no such alarm."
  type        = number
  default     = null
}
