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
    defaults = { arn = "arn:aws:sqs:us-east-1:123456789012:queue", url = "https://sqs.us-east-1.amazonaws.com/123456789012/queue" }
  }

  mock_resource "aws_kinesis_stream" {
    defaults = { arn = "arn:aws:kinesis:us-east-1:123456789012:stream/made" }
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

  mock_resource "aws_lambda_layer_version" {
    defaults = { arn = "arn:aws:lambda:us-east-1:123456789012:layer:layer:1", version = "1" }
  }
}

variables {
  environment    = "dev"
  packages_dir   = "../tests/event-processor-packages"
  stream_arn     = "arn:aws:kinesis:us-east-1:123456789012:stream/events"
  archive_bucket = "my-archive"
  archive_prefix = "/experiments/raw/"
}

run "what_is_there_is_not_made" {
  command = plan

  variables {
    artifact_bucket          = "artifacts"
    dynamodb_table           = "counters"
    create_dynamodb_table    = false
    create_dead_letter_queue = false
    dead_letter_queue_url    = "https://sqs.us-east-1.amazonaws.com/999999999999/bad-records"
    assignments_table        = "assignments"
    experiments_table        = "experiments"
  }

  assert {
    condition = length(concat(
      module.artifacts, module.archive, aws_kinesis_stream.events, aws_dynamodb_table.counters, aws_dynamodb_table.assignments,
      aws_dynamodb_table.experiments, aws_sqs_queue.records, aws_cloudwatch_metric_alarm.records,
    )) == 0
    error_message = "Nothing is made that is there."
  }

  assert {
    condition = [for statement in jsondecode(output.policy).Statement : statement.Resource[0]] == [
      "arn:aws:sqs:us-east-1:999999999999:bad-records",
      "arn:aws:s3:::my-archive/experiments/raw/_dead-letters/*",
      "arn:aws:dynamodb:us-east-1:123456789012:table/assignments",
      "arn:aws:dynamodb:us-east-1:123456789012:table/experiments",
      "arn:aws:s3:::my-archive/experiments/raw/*",
      "arn:aws:dynamodb:us-east-1:123456789012:table/counters",
    ]
    error_message = "The queue is its owner's; objects are below the archive's folder; tables are the deployment's."
  }

  assert {
    condition     = output.stream_name == "events" && output.archive == "s3://my-archive/experiments/raw/" && strcontains(output.summary, "looks up    assignments, experiments")
    error_message = "Outputs tell what is used."
  }
}

run "what_is_made" {
  command = plan

  variables {
    stream_arn                = null
    create_stream             = true
    retention_hours           = 48
    marker_days               = 3
    create_archive_bucket     = true
    archive_expire_after_days = 30
    archive_prefix            = ""
    assignments_table         = "assignments"
    create_assignments_table  = true
    experiments_table         = "experiments"
    create_experiments_table  = true
  }

  assert {
    condition     = aws_kinesis_stream.events[0].name == "event-processor-dev" && aws_kinesis_stream.events[0].retention_period == 48 && aws_kinesis_stream.events[0].encryption_type == "KMS"
    error_message = "The stream keeps what it is told, encrypted."
  }

  assert {
    condition = (
      aws_dynamodb_table.counters[0].hash_key == "partition_key" && aws_dynamodb_table.counters[0].range_key == "sort_key"
      && aws_dynamodb_table.counters[0].ttl[0].attribute_name == "expires_at" && aws_dynamodb_table.counters[0].point_in_time_recovery[0].enabled
      && aws_dynamodb_table.counters[0].server_side_encryption[0].enabled && aws_dynamodb_table.counters[0].deletion_protection_enabled
    )
    error_message = "The counters' table is what the sink needs, and is not lost by accident."
  }

  assert {
    condition     = aws_dynamodb_table.assignments[0].range_key == "experiment_id" && aws_dynamodb_table.experiments[0].hash_key == "experiment_id"
    error_message = "Tables have the keys that they are asked by."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.records[0].dimensions.QueueName == aws_sqs_queue.records[0].name && contains(keys(output.alarm_arns), "records-dead-letter") && contains(keys(output.alarm_arns), "iterator-age") && !contains(keys(output.alarm_arns), "no-success")
    error_message = "Records that were set aside and a stream that is read late are told of; that nothing comes is not."
  }

  assert {
    condition     = jsondecode(output.policy).Statement[0].Resource == ["arn:aws:sqs:us-east-1:123456789012:${aws_sqs_queue.records[0].name}"]
    error_message = "What is set aside goes to the queue that is made."
  }

  assert {
    condition     = output.archive == "s3://my-archive/" && strcontains(output.summary, "the new stream event-processor-dev")
    error_message = "Outputs tell what is made."
  }
}

run "without_markers_retention_is_free" {
  command = plan

  variables {
    delivery        = "at-least-once"
    retention_hours = 8760
  }

  assert {
    condition     = contains([for statement in jsondecode(output.policy).Statement : statement.Action], ["dynamodb:UpdateItem"])
    error_message = "Counting alone needs neither reading nor markers."
  }
}

run "bad_values" {
  command = plan

  variables {
    environment               = "test"
    name                      = "a b"
    stream_arn                = "arn:aws:kinesis:us-east-1:123456789012:stream/events/consumer/me:1"
    stream_name               = "a b"
    starting_position         = "AT_TIMESTAMP"
    batch_size                = 0
    batching_window_seconds   = 301
    parallelization_factor    = 11
    dynamodb_table            = "a b"
    archive_bucket            = "s3://my-archive"
    archive_prefix            = "raw/*"
    archive_expire_after_days = 7
    dead_letter_queue_url     = "bad-records"
    assignments_table         = "no"
    experiments_table         = "arn:aws:dynamodb:us-east-1:123456789012:table/experiments"
    iterator_age_minutes      = 0
    settings                  = { archive = "s3://elsewhere/" }
  }

  expect_failures = [
    var.environment, var.name, var.stream_arn, var.stream_name, var.starting_position, var.batch_size, var.batching_window_seconds,
    var.parallelization_factor, var.dynamodb_table, var.archive_bucket, var.archive_prefix, var.archive_expire_after_days,
    var.dead_letter_queue_url, var.assignments_table, var.experiments_table, var.iterator_age_minutes, var.settings,
  ]
}

# Apart from the others: a variable is not looked at when one that it is compared with is refused.
run "bad_values_that_others_are_compared_with" {
  command = plan

  variables {
    delivery        = "at-most-once"
    retention_hours = 12
  }

  expect_failures = [var.delivery, var.retention_hours]
}

run "what_does_not_go_together" {
  command = plan

  variables {
    create_stream            = true # and a stream's ARN
    retention_hours          = 168
    marker_days              = 7 # no longer than the stream keeps what it has
    iterator_age_minutes     = 10080
    create_dynamodb_table    = false
    create_dead_letter_queue = false
    create_assignments_table = true
    create_experiments_table = true
    archive_prefix           = "raw/../other"
  }

  expect_failures = [
    var.stream_arn, var.marker_days, var.iterator_age_minutes, var.dynamodb_table, var.dead_letter_queue_url, var.assignments_table,
    var.experiments_table, var.archive_prefix,
  ]
}
