variable "bucket_name" {
  type        = string
  nullable    = false
  description = "Name of the bucket, unique in the world. Avoid dots: clients that put the name into the host name fail TLS with them."

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name must be 3 to 63 lower-case letters, digits, hyphens and dots, and begin and end with a letter or digit."
  }

  validation {
    condition     = !strcontains(var.bucket_name, "..") && !can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+$", var.bucket_name))
    error_message = "bucket_name must not have two dots in a row nor look like an IP address."
  }

  validation {
    condition = !can(regex("^(xn--|sthree-|amzn-s3-demo-)", var.bucket_name)) && !can(
      regex("(-s3alias|--ol-s3|\\.mrap|--x-s3|--table-s3)$", var.bucket_name)
    )
    error_message = "bucket_name must not begin with xn--, sthree- or amzn-s3-demo-, nor end with -s3alias, --ol-s3, .mrap, --x-s3 or --table-s3: S3 keeps these for itself."
  }
}

variable "kms_key_arn" {
  type        = string
  default     = null
  description = "Key that objects are encrypted with; null means S3's own (AES256). Whoever reads or writes objects needs to be allowed to use the key."

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws(-[a-z]+)*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be null, or a key's ARN such as arn:aws:kms:us-east-1:123456789012:key/1234abcd-...; not an alias."
  }
}

variable "force_destroy" {
  type        = bool
  nullable    = false
  default     = false
  description = "Whether destroying the bucket deletes all that is in it, every version; for trials only."
}

variable "protected_prefixes" {
  type        = list(string)
  nullable    = false
  default     = [""]
  description = <<-EOT
    Where current objects must never be expired or archived: the folders of checkpoints, of quarantine and of their state.
    Plain prefixes of keys, as in S3: "out/" protects out/a.parquet, "out" also outer/b. "" protects the whole bucket, [] nothing.
  EOT

  # A prefix that no key has would protect nothing and say nothing.
  validation {
    condition = alltrue([
      for prefix in var.protected_prefixes :
      prefix == null ? false : length(prefix) <= 200 && !startswith(prefix, "/") && !can(regex("[*?{}]|://", prefix))
    ])
    error_message = "protected_prefixes must be prefixes of keys, at most 200 characters each: no leading slash, no s3://, none of * ? { }, which S3 would take literally. \"\" is the whole bucket."
  }
}

variable "lifecycle_rules" {
  type = list(object({
    prefix            = string
    archive           = optional(list(object({ days = number, storage_class = string })), [])
    expire_after_days = optional(number)
    cold              = optional(bool, false)
  }))
  nullable    = false
  default     = []
  description = <<-EOT
    What becomes of current objects below a prefix, such as the events that a report has read. `archive` moves them to other storage
    classes, each step some days after they were written, `expire_after_days` deletes them. `cold` allows GLACIER and DEEP_ARCHIVE, which a
    report cannot read. By default S3 does not move objects below 128 KB to another class.
    The default of protected_prefixes allows no rule at all: name the folders to protect first.
  EOT

  validation {
    condition = alltrue([
      for rule in var.lifecycle_rules :
      rule.prefix == null ? false : length(rule.prefix) <= 200 && !startswith(rule.prefix, "/") && !can(regex("[*?{}]|://", rule.prefix))
    ])
    error_message = "Each prefix of lifecycle_rules must be a prefix of keys of at most 200 characters: no leading slash, no s3://, none of * ? { }, which S3 would take literally. \"\" is the whole bucket."
  }

  validation {
    condition     = length(distinct(var.lifecycle_rules[*].prefix)) == length(var.lifecycle_rules)
    error_message = "lifecycle_rules must not have two rules of the same prefix: put all steps into one."
  }

  # Either may be the prefix of the other: a rule above a protected folder reaches all of it, one below it a part.
  validation {
    condition = alltrue(flatten([
      for rule in var.lifecycle_rules : [
        for protected in var.protected_prefixes : !startswith(rule.prefix, protected) && !startswith(protected, rule.prefix)
        if protected != null
      ] if rule.prefix != null
    ]))
    error_message = "No rule of lifecycle_rules may touch current objects below protected_prefixes, where checkpoints, quarantine and their state are. Change one or the other: ${join("; ", flatten([
      for rule in var.lifecycle_rules : [
        for protected in var.protected_prefixes : "the rule for \"${rule.prefix}\" overlaps the protected \"${protected}\""
        if protected == null ? false : startswith(rule.prefix, protected) || startswith(protected, rule.prefix)
      ] if rule.prefix != null
    ]))}."
  }

  validation {
    condition     = alltrue([for rule in var.lifecycle_rules : rule.expire_after_days != null || length(rule.archive) > 0])
    error_message = "Each rule of lifecycle_rules must have archive or expire_after_days: it does nothing otherwise."
  }

  validation {
    condition = alltrue(flatten([
      for rule in var.lifecycle_rules : [
        for step in rule.archive :
        contains(["STANDARD_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"], coalesce(step.storage_class, "none"))
      ]
    ]))
    error_message = "storage_class must be STANDARD_IA, INTELLIGENT_TIERING or GLACIER_IR, or with cold = true also GLACIER or DEEP_ARCHIVE."
  }

  validation {
    condition = alltrue(flatten([
      for rule in var.lifecycle_rules : [
        for step in rule.archive :
        rule.cold || !contains(["GLACIER", "DEEP_ARCHIVE"], coalesce(step.storage_class, "none"))
      ]
    ]))
    error_message = "GLACIER and DEEP_ARCHIVE need cold = true in their rule: a report cannot read such objects until they are restored and counts them as unread. STANDARD_IA, INTELLIGENT_TIERING and GLACIER_IR stay readable at once."
  }

  validation {
    condition = alltrue(flatten([
      for rule in var.lifecycle_rules : [
        for step in rule.archive :
        step.days == null ? false : step.days >= (step.storage_class == "STANDARD_IA" ? 30 : 0) && floor(step.days) == step.days
      ]
    ]))
    error_message = "The days of an archive step must be a whole number, 0 or more; for STANDARD_IA 30 or more, as S3 asks for."
  }

  validation {
    condition = alltrue(flatten([
      for rule in var.lifecycle_rules : [
        for index, step in rule.archive : index == 0 ? true : try(
          step.days >= rule.archive[index - 1].days + (rule.archive[index - 1].storage_class == "STANDARD_IA" ? 30 : 1), false
        )
      ]
    ]))
    error_message = "The days of a rule's archive steps must increase from step to step, by 30 or more after STANDARD_IA."
  }

  validation {
    condition = alltrue(flatten([
      for rule in var.lifecycle_rules : [
        for index, step in rule.archive : index == 0 ? true : (
          index(["STANDARD_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE", "none"], try(step.storage_class, "none")) >
          index(["STANDARD_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE", "none"], try(rule.archive[index - 1].storage_class, "none"))
        )
      ]
    ]))
    error_message = "S3 moves objects only downwards: a rule's archive steps must keep the order STANDARD_IA, INTELLIGENT_TIERING, GLACIER_IR, GLACIER, DEEP_ARCHIVE."
  }

  validation {
    condition = alltrue([
      for rule in var.lifecycle_rules : rule.expire_after_days == null ? true : (
        rule.expire_after_days >= 1 && floor(rule.expire_after_days) == rule.expire_after_days &&
        alltrue([for step in rule.archive : try(rule.expire_after_days > step.days, false)])
      )
    ])
    error_message = "expire_after_days must be a whole number, 1 or more, and later than the last archive step."
  }
}

variable "noncurrent_days" {
  type        = number
  nullable    = false
  default     = 30
  description = "How many days a version is kept after it was overwritten or deleted; the newest noncurrent_versions_kept are kept longer."

  validation {
    condition     = var.noncurrent_days >= 1 && floor(var.noncurrent_days) == var.noncurrent_days
    error_message = "noncurrent_days must be a whole number, 1 or more."
  }
}

variable "noncurrent_versions_kept" {
  type        = number
  nullable    = false
  default     = 5
  description = "How many of an object's overwritten versions are kept however old they are, so that a checkpoint can be brought back."

  validation {
    condition     = var.noncurrent_versions_kept >= 1 && var.noncurrent_versions_kept <= 100 && floor(var.noncurrent_versions_kept) == var.noncurrent_versions_kept
    error_message = "noncurrent_versions_kept must be a whole number from 1 to 100."
  }
}

variable "abort_upload_days" {
  type        = number
  nullable    = false
  default     = 7
  description = "After how many days the parts of an upload that was never completed are removed."

  validation {
    condition     = var.abort_upload_days >= 1 && floor(var.abort_upload_days) == var.abort_upload_days
    error_message = "abort_upload_days must be a whole number, 1 or more."
  }
}

variable "access_log_bucket" {
  type        = string
  default     = null
  description = "Bucket that S3 writes access logs to, below <bucket_name>/; null means none. It must allow that in its policy. Must be known at plan: a name, or a bucket's attribute `bucket`, not `id`."

  validation {
    condition     = var.access_log_bucket == null ? true : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.access_log_bucket))
    error_message = "access_log_bucket must be null, or the name of a bucket (not its ARN)."
  }

  validation {
    condition     = var.access_log_bucket == null ? true : var.access_log_bucket != var.bucket_name
    error_message = "access_log_bucket must be another bucket than bucket_name: each log would be logged again."
  }
}

variable "event_bridge" {
  type        = bool
  nullable    = false
  default     = false
  description = "Whether S3 tells EventBridge what happens in the bucket. S3 has one notification configuration for each bucket: if true, there must be no other aws_s3_bucket_notification for this one."
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
