# The function, its role and what starts it. Nothing is applied; the provider is a stand-in.

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

  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:us-east-1:123456789012:visits-dev-dead-letters" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/visits-dev" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/visits-dev" }
  }

  mock_resource "aws_lambda_function" {
    defaults = { version = "4", arn = "arn:aws:lambda:us-east-1:123456789012:function:visits-dev" }
  }

  mock_resource "aws_lambda_alias" {
    defaults = { arn = "arn:aws:lambda:us-east-1:123456789012:function:visits-dev:dev" }
  }
}

variables {
  name         = "visits-dev"
  environment  = "dev"
  report       = "event-log-checkpoint"
  packages_dir = "../../tests/packages"
  layer_arns   = ["arn:aws:lambda:us-east-1:123456789012:layer:data:1"]
}

run "defaults" {
  command = plan

  assert {
    condition = (
      aws_lambda_function.this.memory_size == 3008
      && aws_lambda_function.this.timeout == 900
      && aws_lambda_function.this.publish
      && aws_lambda_function.this.tracing_config[0].mode == "Active"
      && aws_lambda_function.this.ephemeral_storage[0].size == 2048
      && aws_cloudwatch_log_group.function.retention_in_days == 30
    )
    error_message = "3008 MB, 900 s, published, traced, logs for 30 days."
  }

  assert {
    condition     = aws_lambda_function.this.runtime == "python3.12" && aws_lambda_function.this.architectures == tolist(["arm64"])
    error_message = "The packages decide runtime and architecture."
  }

  assert {
    condition = output.environment_variables == tomap({
      LOG_LEVEL               = "INFO"
      POWERTOOLS_SERVICE_NAME = "visits-dev"
      REPORTING_CONTINUE      = "no"
      REPORTING_ENVIRONMENT   = "dev"
      REPORTING_ON_ERROR      = "auto"
      REPORTING_REPORT        = "event-log-checkpoint"
    })
    error_message = "The environment says which report it is and where."
  }

  assert {
    condition     = aws_lambda_alias.this.name == "dev" && aws_lambda_alias.this.function_version == "4"
    error_message = "The alias is the environment's, at the newest version."
  }

  assert {
    condition     = aws_lambda_function.this.dead_letter_config[0].target_arn == aws_sqs_queue.dead_letters.arn
    error_message = "What fails for good goes to the dead-letter queue."
  }

  assert {
    condition = (
      length(aws_scheduler_schedule.this) + length(aws_s3_bucket_notification.this) + length(aws_lambda_event_source_mapping.sqs)
      + length(aws_lambda_event_source_mapping.kinesis) + length(aws_iam_role.scheduler) + length(aws_iam_role_policy.report)
      + length(aws_lambda_function_recursion_config.this) == 0
    )
    error_message = "Nothing that was not asked for."
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.function.policy).Statement : statement.Sid] == [
      "Log", "Trace", "KeepDeadLetters",
    ]
    error_message = "The role may log, trace and send dead letters."
  }
}

run "policies_name_what_they_allow" {
  command = plan

  variables {
    continue_by_itself = true
    kms_key_arn        = "arn:aws:kms:us-east-1:123456789012:key/1234"
    sqs_sources        = { arrivals = { queue_arn = "arn:aws:sqs:us-east-1:123456789012:arrivals" } }
    kinesis_sources = {
      events = { stream_arn = "arn:aws:kinesis:us-east-1:123456789012:stream/events" }
      more = {
        stream_arn     = "arn:aws:kinesis:us-east-1:123456789012:stream/more"
        on_failure_arn = "arn:aws:s3:::failed-records"
      }
    }
  }

  assert {
    condition = alltrue(flatten([
      for statement in jsondecode(aws_iam_role_policy.function.policy).Statement : [for action in statement.Action : !strcontains(action, "*")]
    ]))
    error_message = "No action has a wildcard."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.function.policy).Statement : statement.Sid if contains(statement.Resource, "*")
    ] == ["Trace"]
    error_message = "Only X-Ray, which knows no resources, is for all of them."
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_iam_role_policy.function.policy).Statement : statement.Resource if statement.Sid == "Continue"
      ]) == [
      "arn:aws:lambda:us-east-1:123456789012:function:visits-dev", "arn:aws:lambda:us-east-1:123456789012:function:visits-dev:dev",
    ]
    error_message = "It may invoke itself, at its alias, and nobody else."
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_iam_role_policy.function.policy).Statement : statement if statement.Sid == "KeepWhatFailedMore"
    ]).Action == ["s3:ListBucket", "s3:PutObject"]
    error_message = "A bucket for failed records may be written to."
  }

  assert {
    condition     = aws_lambda_function_recursion_config.this[0].recursive_loop == "Allow"
    error_message = "A chain of runs is no loop to be stopped."
  }
}

run "triggers" {
  command = plan

  variables {
    schedules        = { hourly = { expression = "rate(1 hour)" }, off = { expression = "cron(0 6 * * ? *)", timezone = "Europe/Paris", enabled = false } }
    s3_notifications = { visits = { prefix = "prod/", suffix = ".json" } }
    sqs_sources      = { arrivals = { queue_arn = "arn:aws:sqs:us-east-1:123456789012:arrivals", maximum_concurrency = 2 } }
    kinesis_sources  = { events = { stream_arn = "arn:aws:kinesis:us-east-1:123456789012:stream/events", parallelization_factor = 10 } }
  }

  assert {
    condition = alltrue([
      for arn in concat(
        [for each in aws_scheduler_schedule.this : each.target[0].arn],
        [for each in aws_s3_bucket_notification.this : each.lambda_function[0].lambda_function_arn],
        [for each in aws_lambda_event_source_mapping.sqs : each.function_name],
        [for each in aws_lambda_event_source_mapping.kinesis : each.function_name],
      ) : arn == aws_lambda_alias.this.arn
    ])
    error_message = "All triggers invoke the alias, so that a rollback takes effect for them."
  }

  assert {
    condition     = aws_scheduler_schedule.this["off"].state == "DISABLED" && aws_scheduler_schedule.this["off"].schedule_expression_timezone == "Europe/Paris"
    error_message = "A schedule has its time zone and can be off."
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.kinesis["events"].function_response_types == toset(["ReportBatchItemFailures"])
      && aws_lambda_event_source_mapping.sqs["arrivals"].function_response_types == toset(["ReportBatchItemFailures"])
      && aws_lambda_event_source_mapping.kinesis["events"].bisect_batch_on_function_error
      && aws_lambda_event_source_mapping.kinesis["events"].starting_position == "TRIM_HORIZON"
      && aws_lambda_event_source_mapping.kinesis["events"].maximum_retry_attempts == -1
      && aws_lambda_event_source_mapping.kinesis["events"].destination_config[0].on_failure[0].destination_arn == aws_sqs_queue.dead_letters.arn
    )
    error_message = "Streams and queues get partial answers; a stream's batch is bisected and kept until it succeeds."
  }

  assert {
    condition     = aws_lambda_permission.s3["visits"].qualifier == "dev" && aws_lambda_permission.s3["visits"].source_account == "123456789012"
    error_message = "S3 may invoke the alias for this account's bucket."
  }
}

run "rollback" {
  command = plan

  variables {
    alias_version = "3"
  }

  assert {
    condition     = aws_lambda_alias.this.function_version == "3"
    error_message = "The alias points where it is told to."
  }
}

run "debug_logs_pass_lambdas_filter_and_metrics_always_do" {
  command = plan

  variables {
    log_level = "DEBUG"
  }

  assert {
    condition     = aws_lambda_function.this.logging_config[0].application_log_level == "DEBUG"
    error_message = "Lambda lets debug lines through."
  }
}

run "quiet_logs_keep_metrics" {
  command = plan

  variables {
    log_level = "ERROR"
  }

  assert {
    condition     = aws_lambda_function.this.logging_config[0].application_log_level == "INFO" && aws_lambda_function.this.environment[0].variables.LOG_LEVEL == "ERROR"
    error_message = "Metrics are lines without level, which Lambda takes for INFO: they must pass."
  }
}

run "packages_of_another_report" {
  command = plan

  variables {
    report = "event-processor"
  }

  expect_failures = [aws_lambda_function.this]
}

run "a_policy_with_wildcard_actions" {
  command = plan

  variables {
    policy_json = "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Action\": [\"s3:*\"], \"Resource\": [\"*\"]}]}"
  }

  expect_failures = [aws_iam_role_policy.report]
}

run "bad_values" {
  command = plan

  variables {
    name                             = "visits dev"
    environment                      = "production"
    policy_json                      = "{}"
    environment_variables            = { REPORTING_REPORT = "other" }
    log_level                        = "verbose"
    lambda_timeout                   = 901
    lambda_memory_size               = 128
    ephemeral_storage_size           = 100
    log_retention_days               = 31
    tracing_mode                     = "On"
    reserved_concurrent_executions   = 0
    alias_version                    = "$LATEST"
    dead_letter_queue_retention_days = 15
    kms_key_arn                      = "alias/mine"
    data_kms_key_arns                = ["1234"]
    vpc                              = { subnet_ids = [], security_group_ids = ["sg-1"] }
    schedules                        = { hourly = { expression = "every hour" } }
    sqs_sources                      = { queue = { queue_arn = "queue", batch_size = 100, batching_window_seconds = 0, maximum_concurrency = 1 } }
    kinesis_sources                  = { stream = { stream_arn = "stream", batch_size = 0, on_failure_arn = "queue" } }
  }

  expect_failures = [
    var.name, var.environment, var.policy_json, var.environment_variables, var.log_level, var.lambda_timeout, var.lambda_memory_size,
    var.ephemeral_storage_size, var.log_retention_days, var.tracing_mode, var.reserved_concurrent_executions, var.alias_version,
    var.dead_letter_queue_retention_days, var.kms_key_arn, var.data_kms_key_arns, var.vpc, var.schedules, var.sqs_sources, var.kinesis_sources,
  ]
}

run "no_packages" {
  command = plan

  variables {
    packages_dir = "nowhere"
  }

  expect_failures = [var.packages_dir]
}
