# Each run gives one value that is not allowed.
mock_provider "aws" {}

variables {
  name               = "visits-dev"
  function_alias_arn = "arn:aws:lambda:us-east-1:123456789012:function:visits-dev:dev"
  function_role_name = "visits-dev-function"
  work_bucket        = "tables"
  work_prefix        = "visits/_work/"
}

run "name" {
  command = plan

  variables {
    name = "visits dev"
  }

  expect_failures = [var.name]
}

run "function_alias_arn" {
  command = plan

  variables {
    function_alias_arn = "arn:aws:lambda:us-east-1:123456789012:function:visits-dev"
  }

  expect_failures = [var.function_alias_arn]
}

run "work_bucket" {
  command = plan

  variables {
    work_bucket = "s3://tables"
  }

  expect_failures = [var.work_bucket]
}

run "work_prefix" {
  command = plan

  variables {
    work_prefix = "/"
  }

  expect_failures = [var.work_prefix]
}

run "max_splits" {
  command = plan

  variables {
    max_splits = 10001
  }

  expect_failures = [var.max_splits]
}

run "max_rounds" {
  command = plan

  variables {
    max_rounds = 0
  }

  expect_failures = [var.max_rounds]
}

run "max_concurrency" {
  command = plan

  variables {
    max_concurrency = 0
  }

  expect_failures = [var.max_concurrency]
}

run "tolerated_failure_percentage" {
  command = plan

  variables {
    tolerated_failure_percentage = 101
  }

  expect_failures = [var.tolerated_failure_percentage]
}

run "schedule" {
  command = plan

  variables {
    schedule = "daily"
  }

  expect_failures = [var.schedule]
}

run "log_retention_days" {
  command = plan

  variables {
    log_retention_days = 2
  }

  expect_failures = [var.log_retention_days]
}

run "kms_key_arn" {
  command = plan

  variables {
    kms_key_arn = "alias/logs"
  }

  expect_failures = [var.kms_key_arn]
}

run "data_kms_key_arns" {
  command = plan

  variables {
    data_kms_key_arns = ["alias/data"]
  }

  expect_failures = [var.data_kms_key_arns]
}
