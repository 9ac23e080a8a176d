variable "name" {
  description = "Name of the application or job, and of what belongs to it."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,50}$", var.name))
    error_message = "name is 1 to 50 letters, digits, hyphens and underscores (names of roles made from it have 64 at most)."
  }
}

variable "packages_dir" {
  description = "Folder that `reporting build --target` made, with manifest.json, environment.tar.gz and job.py; it decides the service."
  type        = string

  validation {
    condition     = fileexists("${var.packages_dir}/manifest.json")
    error_message = "There is no manifest.json in packages_dir: run `reporting build REPORT --target emr-serverless --out DIR` first (or glue), and name that folder."
  }

  validation {
    condition     = contains(["emr-serverless", "glue"], try(jsondecode(file("${var.packages_dir}/manifest.json")).service, "lambda"))
    error_message = "packages_dir holds packages for Lambda: run `reporting build REPORT --target emr-serverless --out DIR` (or glue)."
  }
}

variable "artifact_bucket" {
  description = "Bucket for the archive and the script, in the region of the job."
  type        = string
}

variable "artifact_prefix" {
  description = "Folder in artifact_bucket."
  type        = string
  default     = "spark-jobs"

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$", var.artifact_prefix))
    error_message = "artifact_prefix is a folder such as spark-jobs or teams/reports, without a slash at either end."
  }
}

variable "options" {
  description = "Options of the report, as on the command line: [\"--source\", \"s3://…\"]."
  type        = list(string)
  default     = []
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

variable "release_label" {
  description = "Release of EMR Serverless: emr-7.x (Spark 3.5) or emr-spark-8.x (Spark 4)."
  type        = string
  default     = "emr-spark-8.1.0"

  validation {
    condition     = can(regex("^emr-(7\\.[0-9]+\\.[0-9]+|spark-[0-9]+\\.[0-9]+\\.[0-9]+)$", var.release_label))
    error_message = "release_label is a release such as emr-7.13.0 or emr-spark-8.1.0; older ones run on Amazon Linux 2, which cannot load the packages."
  }
}

variable "maximum_capacity" {
  description = "Processors and memory that all jobs of the EMR Serverless application may use at once."
  type = object({
    vcpus     = number
    memory_gb = number
  })
  default = { vcpus = 16, memory_gb = 64 }

  validation {
    condition     = var.maximum_capacity.vcpus >= 4 && var.maximum_capacity.memory_gb >= 8
    error_message = "maximum_capacity is at least 4 vcpus and 8 memory_gb: a driver and an executor."
  }
}

variable "idle_timeout_minutes" {
  description = "Minutes without a job after which the EMR Serverless application stops."
  type        = number
  default     = 15

  validation {
    condition     = var.idle_timeout_minutes >= 1 && var.idle_timeout_minutes <= 10080 && floor(var.idle_timeout_minutes) == var.idle_timeout_minutes
    error_message = "idle_timeout_minutes is a whole number from 1 to 10080."
  }
}

variable "vpc" {
  description = "Subnets and security groups of the EMR Serverless application, for a report that needs a network of yours; null: none."
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

variable "worker_type" {
  description = "Type of Glue's workers."
  type        = string
  default     = "G.1X"

  validation {
    condition     = can(regex("^[GR]\\.[0-9]+X$", var.worker_type))
    error_message = "worker_type is a type for Spark such as G.1X, G.2X or R.1X."
  }
}

variable "number_of_workers" {
  description = "Number of Glue's workers; one of them is the driver."
  type        = number
  default     = 2

  validation {
    condition     = var.number_of_workers >= 2 && floor(var.number_of_workers) == var.number_of_workers
    error_message = "number_of_workers is a whole number of 2 or more."
  }
}

variable "timeout_minutes" {
  description = "Minutes that a run in Glue may take."
  type        = number
  default     = 60

  validation {
    condition     = var.timeout_minutes >= 1 && var.timeout_minutes <= 10080 && floor(var.timeout_minutes) == var.timeout_minutes
    error_message = "timeout_minutes is a whole number from 1 to 10080."
  }
}

variable "data_kms_key_arns" {
  description = "Keys with which the buckets that the job reads and writes are encrypted; it may decrypt and encrypt with them."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.data_kms_key_arns : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", arn))])
    error_message = "Each of data_kms_key_arns is the ARN of a key: arn:aws:kms:REGION:ACCOUNT:key/ID."
  }
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the role, where the account demands one."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of all that can have them."
  type        = map(string)
  default     = {}
}
