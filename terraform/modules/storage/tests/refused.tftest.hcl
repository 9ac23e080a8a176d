# Each run gives one value that is not allowed.
mock_provider "aws" {}

variables {
  bucket_name = "events-prod"
}

run "bucket_name_1" {
  command = plan

  variables {
    bucket_name = "ab"
  }

  expect_failures = [var.bucket_name]
}

run "bucket_name_2" {
  command = plan

  variables {
    bucket_name = "Events"
  }

  expect_failures = [var.bucket_name]
}

run "bucket_name_3" {
  command = plan

  variables {
    bucket_name = "events-"
  }

  expect_failures = [var.bucket_name]
}

run "bucket_name_4" {
  command = plan

  variables {
    bucket_name = "my_events"
  }

  expect_failures = [var.bucket_name]
}

run "bucket_name_5" {
  command = plan

  variables {
    bucket_name = "a..b"
  }

  expect_failures = [var.bucket_name]
}

run "bucket_name_6" {
  command = plan

  variables {
    bucket_name = "192.168.1.1"
  }

  expect_failures = [var.bucket_name]
}

run "bucket_name_7" {
  command = plan

  variables {
    bucket_name = "xn--events"
  }

  expect_failures = [var.bucket_name]
}

run "bucket_name_8" {
  command = plan

  variables {
    bucket_name = "events-s3alias"
  }

  expect_failures = [var.bucket_name]
}

run "bucket_name_9" {
  command = plan

  variables {
    bucket_name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  }

  expect_failures = [var.bucket_name]
}

run "kms_key_arn_1" {
  command = plan

  variables {
    kms_key_arn = "alias/events"
  }

  expect_failures = [var.kms_key_arn]
}

run "kms_key_arn_2" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:alias/events"
  }

  expect_failures = [var.kms_key_arn]
}

run "protected_prefixes_1" {
  command = plan

  variables {
    protected_prefixes = ["/out/"]
  }

  expect_failures = [var.protected_prefixes]
}

run "protected_prefixes_2" {
  command = plan

  variables {
    protected_prefixes = ["s3://bucket/out/"]
  }

  expect_failures = [var.protected_prefixes]
}

run "protected_prefixes_3" {
  command = plan

  variables {
    protected_prefixes = ["out/*"]
  }

  expect_failures = [var.protected_prefixes]
}

run "protected_prefixes_4" {
  command = plan

  variables {
    protected_prefixes = ["out/{study}/"]
  }

  expect_failures = [var.protected_prefixes]
}

run "protected_prefixes_5" {
  command = plan

  variables {
    protected_prefixes = [null]
  }

  expect_failures = [var.protected_prefixes]
}

run "rule_prefix_with_leading_slash" {
  command = plan

  variables {
    protected_prefixes = ["out/"]
    lifecycle_rules    = [{ prefix = "/events/", expire_after_days = 9 }]
  }

  expect_failures = [var.lifecycle_rules]
}

run "rule_without_prefix" {
  command = plan

  variables {
    protected_prefixes = ["out/"]
    lifecycle_rules    = [{ prefix = null, expire_after_days = 9 }]
  }

  expect_failures = [var.lifecycle_rules]
}

run "rules_of_the_same_prefix" {
  command = plan

  variables {
    protected_prefixes = ["out/"]
    lifecycle_rules    = [{ prefix = "a/", expire_after_days = 9 }, { prefix = "a/", expire_after_days = 8 }]
  }

  expect_failures = [var.lifecycle_rules]
}

run "rule_while_all_is_protected" {
  command = plan

  variables {
    protected_prefixes = [""]
    lifecycle_rules    = [{ prefix = "events/", expire_after_days = 9 }]
  }

  expect_failures = [var.lifecycle_rules]
}

run "rule_equal_to_protected" {
  command = plan

  variables {
    protected_prefixes = ["out/"]
    lifecycle_rules    = [{ prefix = "out/", expire_after_days = 9 }]
  }

  expect_failures = [var.lifecycle_rules]
}

run "rule_below_protected" {
  command = plan

  variables {
    protected_prefixes = ["out/"]
    lifecycle_rules    = [{ prefix = "out/a/", expire_after_days = 9 }]
  }

  expect_failures = [var.lifecycle_rules]
}

run "rule_above_protected" {
  command = plan

  variables {
    protected_prefixes = ["out/"]
    lifecycle_rules    = [{ prefix = "ou", expire_after_days = 9 }]
  }

  expect_failures = [var.lifecycle_rules]
}

run "rule_for_everything" {
  command = plan

  variables {
    protected_prefixes = ["out/"]
    lifecycle_rules    = [{ prefix = "", expire_after_days = 9 }]
  }

  expect_failures = [var.lifecycle_rules]
}

run "archiving_protected" {
  command = plan

  variables {
    protected_prefixes = ["out/"]
    lifecycle_rules    = [{ prefix = "out/", archive = [{ days = 0, storage_class = "GLACIER_IR" }] }]
  }

  expect_failures = [var.lifecycle_rules]
}

run "rule_above_the_second_protected" {
  command = plan

  variables {
    protected_prefixes = ["x/", "out/_quarantine/"]
    lifecycle_rules    = [{ prefix = "out/_quar", expire_after_days = 9 }]
  }

  expect_failures = [var.lifecycle_rules]
}

run "second_rule_below_protected_without_slash" {
  command = plan

  variables {
    protected_prefixes = ["x/", "out"]
    lifecycle_rules    = [{ prefix = "in/", expire_after_days = 9 }, { prefix = "outer/", expire_after_days = 9 }]
  }

  expect_failures = [var.lifecycle_rules]
}

run "rule_that_does_nothing" {
  command = plan

  variables {
    protected_prefixes = ["out/"]
    lifecycle_rules    = [{ prefix = "events/" }]
  }

  expect_failures = [var.lifecycle_rules]
}

run "unknown_storage_class" {
  command = plan

  variables {
    protected_prefixes = ["out/"]
    lifecycle_rules    = [{ prefix = "events/", archive = [{ days = 30, storage_class = "ONEZONE_IA" }] }]
  }

  expect_failures = [var.lifecycle_rules]
}

run "glacier_without_cold" {
  command = plan

  variables {
    protected_prefixes = ["out/"]
    lifecycle_rules    = [{ prefix = "events/", archive = [{ days = 30, storage_class = "GLACIER" }] }]
  }

  expect_failures = [var.lifecycle_rules]
}

run "deep_archive_without_cold" {
  command = plan

  variables {
    protected_prefixes = ["out/"]
    lifecycle_rules    = [{ prefix = "events/", archive = [{ days = 30, storage_class = "DEEP_ARCHIVE" }] }]
  }

  expect_failures = [var.lifecycle_rules]
}

run "standard_ia_too_early" {
  command = plan

  variables {
    protected_prefixes = ["out/"]
    lifecycle_rules    = [{ prefix = "events/", archive = [{ days = 29, storage_class = "STANDARD_IA" }] }]
  }

  expect_failures = [var.lifecycle_rules]
}

run "negative_days" {
  command = plan

  variables {
    protected_prefixes = ["out/"]
    lifecycle_rules    = [{ prefix = "events/", archive = [{ days = -1, storage_class = "GLACIER_IR" }] }]
  }

  expect_failures = [var.lifecycle_rules]
}

run "part_of_a_day" {
  command = plan

  variables {
    protected_prefixes = ["out/"]
    lifecycle_rules    = [{ prefix = "events/", archive = [{ days = 1.5, storage_class = "GLACIER_IR" }] }]
  }

  expect_failures = [var.lifecycle_rules]
}

run "days_that_do_not_increase" {
  command = plan

  variables {
    protected_prefixes = ["out/"]
    lifecycle_rules    = [{ prefix = "events/", archive = [{ days = 60, storage_class = "INTELLIGENT_TIERING" }, { days = 60, storage_class = "GLACIER_IR" }] }]
  }

  expect_failures = [var.lifecycle_rules]
}

run "too_soon_after_standard_ia" {
  command = plan

  variables {
    protected_prefixes = ["out/"]
    lifecycle_rules    = [{ prefix = "events/", archive = [{ days = 30, storage_class = "STANDARD_IA" }, { days = 59, storage_class = "GLACIER_IR" }] }]
  }

  expect_failures = [var.lifecycle_rules]
}

run "upwards" {
  command = plan

  variables {
    protected_prefixes = ["out/"]
    lifecycle_rules    = [{ prefix = "events/", archive = [{ days = 30, storage_class = "GLACIER_IR" }, { days = 60, storage_class = "STANDARD_IA" }] }]
  }

  expect_failures = [var.lifecycle_rules]
}

run "expiry_with_the_last_step" {
  command = plan

  variables {
    protected_prefixes = ["out/"]
    lifecycle_rules    = [{ prefix = "events/", archive = [{ days = 30, storage_class = "GLACIER_IR" }], expire_after_days = 30 }]
  }

  expect_failures = [var.lifecycle_rules]
}

run "expiry_at_once" {
  command = plan

  variables {
    protected_prefixes = ["out/"]
    lifecycle_rules    = [{ prefix = "events/", expire_after_days = 0 }]
  }

  expect_failures = [var.lifecycle_rules]
}

run "expiry_in_part_of_a_day" {
  command = plan

  variables {
    protected_prefixes = ["out/"]
    lifecycle_rules    = [{ prefix = "events/", expire_after_days = 1.5 }]
  }

  expect_failures = [var.lifecycle_rules]
}

run "noncurrent_days_1" {
  command = plan

  variables {
    noncurrent_days = 0
  }

  expect_failures = [var.noncurrent_days]
}

run "noncurrent_days_2" {
  command = plan

  variables {
    noncurrent_days = 1.5
  }

  expect_failures = [var.noncurrent_days]
}

run "noncurrent_versions_kept_1" {
  command = plan

  variables {
    noncurrent_versions_kept = 0
  }

  expect_failures = [var.noncurrent_versions_kept]
}

run "noncurrent_versions_kept_2" {
  command = plan

  variables {
    noncurrent_versions_kept = 101
  }

  expect_failures = [var.noncurrent_versions_kept]
}

run "abort_upload_days_1" {
  command = plan

  variables {
    abort_upload_days = 0
  }

  expect_failures = [var.abort_upload_days]
}

run "access_log_bucket_1" {
  command = plan

  variables {
    access_log_bucket = "arn:aws:s3:::logs"
  }

  expect_failures = [var.access_log_bucket]
}

run "access_log_bucket_2" {
  command = plan

  variables {
    access_log_bucket = "events-prod"
  }

  expect_failures = [var.access_log_bucket]
}

run "tags_1" {
  command = plan

  variables {
    tags = { "aws:x" = "y" }
  }

  expect_failures = [var.tags]
}

run "tags_2" {
  command = plan

  variables {
    tags = { x = null }
  }

  expect_failures = [var.tags]
}
