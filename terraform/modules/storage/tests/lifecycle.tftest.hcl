# These runs apply, to the mock: in a plan what the provider itself fills in is unknown. Days that are not set are then 0.
mock_provider "aws" {}

variables {
  bucket_name = "events-prod"
}

run "housekeeping_spares_current_objects" {
  command = apply

  assert {
    condition     = length(aws_s3_bucket_lifecycle_configuration.this.rule) == 1
    error_message = "Without lifecycle_rules there must be one rule."
  }

  assert {
    condition = alltrue([
      for rule in aws_s3_bucket_lifecycle_configuration.this.rule :
      length(rule.transition) == 0 && rule.expiration[0].days == 0 && rule.expiration[0].date == null && rule.expiration[0].expired_object_delete_marker
    ])
    error_message = "It may remove delete markers with nothing behind them, but no current object."
  }

  assert {
    condition = alltrue([
      for rule in aws_s3_bucket_lifecycle_configuration.this.rule :
      rule.status == "Enabled" &&
      rule.noncurrent_version_expiration[0].noncurrent_days == 30 &&
      rule.noncurrent_version_expiration[0].newer_noncurrent_versions == 5 &&
      rule.abort_incomplete_multipart_upload[0].days_after_initiation == 7
    ])
    error_message = "Old versions and the parts of broken uploads must go."
  }
}

run "given" {
  command = apply

  variables {
    kms_key_arn              = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    force_destroy            = true
    noncurrent_days          = 3
    noncurrent_versions_kept = 1
    abort_upload_days        = 2
    access_log_bucket        = "access-logs"
    event_bridge             = true
    tags                     = { team = "data" }
  }

  assert {
    condition = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).bucket_key_enabled && one(
      aws_s3_bucket_server_side_encryption_configuration.this.rule
      ).apply_server_side_encryption_by_default == tolist([{
        sse_algorithm = "aws:kms", kms_master_key_id = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    }])
    error_message = "The given key must be used, with a bucket key."
  }

  assert {
    condition = alltrue([
      for rule in aws_s3_bucket_lifecycle_configuration.this.rule :
      rule.noncurrent_version_expiration[0].noncurrent_days == 3 &&
      rule.noncurrent_version_expiration[0].newer_noncurrent_versions == 1 &&
      rule.abort_incomplete_multipart_upload[0].days_after_initiation == 2
    ])
    error_message = "The given numbers must be used."
  }

  assert {
    condition     = aws_s3_bucket_logging.this[0].target_bucket == "access-logs" && aws_s3_bucket_logging.this[0].target_prefix == "events-prod/"
    error_message = "Access must be logged, below the bucket's name."
  }

  assert {
    condition     = aws_s3_bucket_notification.this[0].eventbridge && aws_s3_bucket.this.force_destroy && aws_s3_bucket.this.tags == tomap({ team = "data" })
    error_message = "EventBridge, force_destroy and tags must be as given."
  }
}

run "rules" {
  command = apply

  variables {
    protected_prefixes = ["out/", "state/events."]
    lifecycle_rules = [
      {
        prefix = "events/"
        archive = [
          { days = 30, storage_class = "STANDARD_IA" },
          { days = 60, storage_class = "GLACIER_IR" },
        ]
        expire_after_days = 61
      },
      # Neither above nor below what is protected, though alike.
      { prefix = "state/events/", archive = [{ days = 0, storage_class = "INTELLIGENT_TIERING" }] },
      { prefix = "old/", cold = true, archive = [{ days = 1, storage_class = "GLACIER" }, { days = 91, storage_class = "DEEP_ARCHIVE" }] },
      { prefix = "outer/", expire_after_days = 1 },
    ]
  }

  assert {
    condition = {
      for rule in aws_s3_bucket_lifecycle_configuration.this.rule :
      rule.id => concat(
        [try(rule.filter[0].prefix, "")],
        [for step in rule.transition : "${step.days} ${step.storage_class}"],
        [for expiry in rule.expiration : "expire ${expiry.days}"],
      ) if rule.id != "housekeeping"
      } == {
      "current:events/"       = ["events/", "30 STANDARD_IA", "60 GLACIER_IR", "expire 61"]
      "current:state/events/" = ["state/events/", "0 INTELLIGENT_TIERING"]
      "current:old/"          = ["old/", "1 GLACIER", "91 DEEP_ARCHIVE"]
      "current:outer/"        = ["outer/", "expire 1"]
    }
    error_message = "Each rule must act below its own prefix only."
  }

  assert {
    condition = {
      for rule in aws_s3_bucket_lifecycle_configuration.this.rule :
      rule.id => [for item in rule.noncurrent_version_expiration : coalesce(item.newer_noncurrent_versions, 0)] if length(rule.noncurrent_version_expiration) > 0
      } == {
      "housekeeping"    = [5]
      "current:events/" = [0]
      "current:outer/"  = [0]
    }
    error_message = "What a rule expires must vanish in the end, not be kept as one of five versions."
  }
}
