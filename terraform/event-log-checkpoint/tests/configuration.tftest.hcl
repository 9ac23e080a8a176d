# The whole configuration, as each example sets it. Nothing is applied; the provider is a stand-in.

mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { name = "us-east-1" }
  }

  mock_data "aws_ssm_parameters_by_path" {
    defaults = { names = [], values = [] }
  }

  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:us-east-1:123456789012:queue" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/role" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:us-east-1:123456789012:log-group:group" }
  }

  mock_resource "aws_lambda_function" {
    defaults = { version = "1", arn = "arn:aws:lambda:us-east-1:123456789012:function:function" }
  }

  mock_resource "aws_lambda_alias" {
    defaults = { arn = "arn:aws:lambda:us-east-1:123456789012:function:function:dev" }
  }

  mock_resource "aws_sfn_state_machine" {
    defaults = { arn = "arn:aws:states:us-east-1:123456789012:stateMachine:event-log-checkpoint-dev" }
  }

  mock_resource "aws_lambda_layer_version" {
    defaults = { arn = "arn:aws:lambda:us-east-1:123456789012:layer:layer:1", version = "1" }
  }
}

variables {
  environment       = "dev"
  packages_dir      = "../tests/packages"
  source_bucket     = "my-visit-events"
  prefix            = "prod/"
  checkpoint_bucket = "my-checkpoints"
  checkpoint_key    = "visits/of-{study}/{datatype}/events.parquet"
}

run "the_policy_is_of_folders" {
  command = plan

  variables {
    quarantine = "s3://apart/bad/visits.parquet"
  }

  assert {
    condition = [for statement in jsondecode(output.policy).Statement : statement.Resource[0]] == [
      "arn:aws:s3:::my-visit-events/prod/*", "arn:aws:s3:::my-visit-events",
      "arn:aws:s3:::my-checkpoints/visits/*", "arn:aws:s3:::my-checkpoints",
      "arn:aws:s3:::apart/bad/*", "arn:aws:s3:::apart", "arn:aws:s3:::my-checkpoints/visits/_runs/*",
    ]
    error_message = "Read below the prefix; write below the checkpoint's fixed part and the quarantine's folder; delete in the history of runs alone."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(output.policy).Statement :
      can(statement.Condition) == contains(statement.Action, "s3:ListBucket") && (!contains(statement.Action, "s3:PutObject") || !strcontains(statement.Resource[0], "my-visit-events"))
    ])
    error_message = "Listing has a condition; nothing is written to the source."
  }
}

run "settings_become_the_environment" {
  command = plan

  variables {
    settings = { validator = "visit-event-v2" }
  }

  assert {
    condition     = strcontains(output.summary, "not on schedule") == false && strcontains(output.summary, "s3://my-checkpoints/visits/of-{study}")
    error_message = "The summary says what is deployed."
  }
}

run "a_bucket_for_artifacts_only_where_none_is_given" {
  command = plan

  variables {
    artifact_bucket = "artifacts"
  }

  assert {
    condition     = length(module.artifacts) == 0 && length(module.source) == 0 && length(module.checkpoint) == 0
    error_message = "Nothing is made that is there."
  }
}

run "external_layers_need_no_artifacts" {
  command = plan

  variables {
    use_external_layer_arns = true
    external_layer_arns     = ["arn:aws:lambda:us-east-1:123456789012:layer:data:3"]
  }

  assert {
    condition     = length(module.artifacts) == 0 && output.layer_arns == tolist(["arn:aws:lambda:us-east-1:123456789012:layer:data:3"])
    error_message = "Layers of others are taken as they are."
  }
}

run "arrivals" {
  command = plan

  variables {
    notifications = true
    schedule      = null
  }

  assert {
    condition     = aws_sqs_queue.arrivals[0].visibility_timeout_seconds == 5400 && aws_s3_bucket_notification.arrivals[0].queue[0].filter_prefix == "prod/"
    error_message = "New objects below the prefix are announced in a queue that waits for the function."
  }

  assert {
    condition     = strcontains(output.summary, "not on schedule, and when objects arrive")
    error_message = "The summary says what starts it."
  }
}

run "bad_values" {
  command = plan

  variables {
    environment              = "test"
    name                     = "a b"
    source_bucket            = "s3://my-visit-events/prod"
    prefix                   = "prod/*"
    checkpoint_bucket        = "My_Bucket"
    checkpoint_key           = "visits/events.csv"
    quarantine               = "bad.parquet"
    settings                 = { checkpoint = "s3://elsewhere/e.parquet" }
    expire_events_after_days = 30
  }

  expect_failures = [
    var.environment, var.name, var.source_bucket, var.prefix, var.checkpoint_bucket, var.checkpoint_key, var.quarantine, var.settings,
    var.expire_events_after_days,
  ]
}

run "a_prefix_that_names_another_folder" {
  command = plan

  variables {
    environment       = "dev"
    source_bucket     = "my-visit-events"
    prefix            = "/prod/"
    checkpoint_bucket = "my-checkpoints"
  }

  expect_failures = [var.prefix]
}

run "no_state_machine_unless_it_is_asked_for" {
  command = plan

  assert {
    condition     = length(module.distributed_map) == 0 && output.state_machine_arn == null
    error_message = "distributed_map is null by default."
  }
}

run "a_state_machine_works_beside_the_checkpoint" {
  command = plan

  variables {
    distributed_map = { schedule = "rate(1 day)" }
  }

  assert {
    condition = (
      jsondecode(module.distributed_map[0].definition).States.Plan.Parameters.Payload.reporting_map.work == "s3://my-checkpoints/visits/_work"
      && output.state_machine_arn == module.distributed_map[0].state_machine_arn
    )
    error_message = "The work folder is beside the checkpoint."
  }
}

run "the_work_folder_of_a_checkpoint_at_the_top_of_its_bucket" {
  command = plan

  variables {
    checkpoint_key  = "events.parquet"
    distributed_map = {}
  }

  assert {
    condition     = jsondecode(module.distributed_map[0].definition).States.Plan.Parameters.Payload.reporting_map.work == "s3://my-checkpoints/_work"
    error_message = "The work folder is at the top, too."
  }
}
