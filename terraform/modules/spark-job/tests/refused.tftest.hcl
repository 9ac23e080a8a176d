# Each run gives one value that is not allowed.
mock_provider "aws" {
  override_during = plan
}

variables {
  name            = "visits"
  packages_dir    = "../../tests/glue-job"
  artifact_bucket = "artifacts"
}

run "name" {
  command = plan

  variables {
    name = "visits job"
  }

  expect_failures = [var.name]
}

run "packages_dir" {
  command = plan

  variables {
    packages_dir = "../../tests/packages"
  }

  expect_failures = [var.packages_dir]
}

run "artifact_prefix" {
  command = plan

  variables {
    artifact_prefix = "/jobs/"
  }

  expect_failures = [var.artifact_prefix]
}

run "policy_json" {
  command = plan

  variables {
    policy_json = "{}"
  }

  expect_failures = [var.policy_json]
}

run "release_label" {
  command = plan

  variables {
    release_label = "emr-6.15.0"
  }

  expect_failures = [var.release_label]
}

run "maximum_capacity" {
  command = plan

  variables {
    maximum_capacity = { vcpus = 2, memory_gb = 64 }
  }

  expect_failures = [var.maximum_capacity]
}

run "idle_timeout_minutes" {
  command = plan

  variables {
    idle_timeout_minutes = 0
  }

  expect_failures = [var.idle_timeout_minutes]
}

run "vpc" {
  command = plan

  variables {
    vpc = { subnet_ids = [], security_group_ids = ["sg-1"] }
  }

  expect_failures = [var.vpc]
}

run "worker_type" {
  command = plan

  variables {
    worker_type = "Standard"
  }

  expect_failures = [var.worker_type]
}

run "number_of_workers" {
  command = plan

  variables {
    number_of_workers = 1
  }

  expect_failures = [var.number_of_workers]
}

run "timeout_minutes" {
  command = plan

  variables {
    timeout_minutes = 0
  }

  expect_failures = [var.timeout_minutes]
}

run "data_kms_key_arns" {
  command = plan

  variables {
    data_kms_key_arns = ["alias/k"]
  }

  expect_failures = [var.data_kms_key_arns]
}

run "vpc_of_glue" {
  command = plan

  variables {
    vpc = { subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"] }
  }

  expect_failures = [aws_glue_job.this]
}

run "policy_with_a_wildcard" {
  command = plan

  variables {
    policy_json = "{\"Statement\": [{\"Effect\": \"Allow\", \"Action\": \"s3:*\", \"Resource\": \"*\"}]}"
  }

  expect_failures = [aws_iam_role_policy.report]
}
