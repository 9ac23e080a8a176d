# The state machine, its role and its schedule. Nothing is applied; the provider is a stand-in.

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

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/visits" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:us-east-1:123456789012:log-group:visits" }
  }

  mock_resource "aws_sfn_state_machine" {
    defaults = { arn = "arn:aws:states:us-east-1:123456789012:stateMachine:visits-dev" }
  }
}

variables {
  name               = "visits-dev"
  function_alias_arn = "arn:aws:lambda:us-east-1:123456789012:function:visits-dev:dev"
  function_role_name = "visits-dev-function"
  work_bucket        = "tables"
  work_prefix        = "visits/_work/"
}

run "defaults" {
  command = plan

  assert {
    condition = (
      jsondecode(output.definition).States.Plan.Parameters.Payload.reporting_map.work == "s3://tables/visits/_work"
      && jsondecode(output.definition).States.Plan.Parameters.Payload.reporting_map.max_splits == 1000
      && jsondecode(output.definition).States.Plan.Parameters.FunctionName == var.function_alias_arn
      && jsondecode(output.definition).States.Read.MaxConcurrency == 100
      && jsondecode(output.definition).States.Read.ToleratedFailurePercentage == 0
      && jsondecode(output.definition).States.Read.ItemProcessor.ProcessorConfig.Mode == "DISTRIBUTED"
    )
    error_message = "The definition has the work folder, the alias and the limits."
  }

  assert {
    condition = alltrue([
      for name in ["Plan", "Commit", "Remove"] : jsondecode(output.definition).States[name].Retry == jsondecode(output.definition).States.Read.ItemProcessor.States["Read split"].Retry
    ])
    error_message = "Each task is retried alike."
  }

  assert {
    condition = alltrue(flatten([
      for name, state in jsondecode(output.definition).States : [
        for next in concat([lookup(state, "Next", "Done"), lookup(state, "Default", "Done")], [for each in concat(lookup(state, "Choices", []), lookup(state, "Catch", [])) : each.Next]) :
        contains(keys(jsondecode(output.definition).States), next)
      ]
    ]))
    error_message = "Each state leads to one that there is."
  }

  assert {
    condition     = length(aws_scheduler_schedule.this) == 0 && aws_cloudwatch_log_group.this.retention_in_days == 30
    error_message = "No schedule; logs for 30 days."
  }
}

run "least_rights" {
  command = plan

  assert {
    condition = { for statement in jsondecode(aws_iam_role_policy.states.policy).Statement : statement.Sid => statement.Resource if statement.Sid != "Log" } == {
      Invoke        = [var.function_alias_arn]
      ReadItems     = ["arn:aws:s3:::tables/visits/_work/*/items.jsonl"]
      StartChildren = ["arn:aws:states:us-east-1:123456789012:stateMachine:visits-dev"]
      WatchChildren = ["arn:aws:states:us-east-1:123456789012:execution:visits-dev:*", "arn:aws:states:us-east-1:123456789012:execution:visits-dev/*"]
    }
    error_message = "The state machine invokes the alias, reads items and starts itself."
  }

  assert {
    condition = (
      aws_iam_role_policy.work.role == "visits-dev-function"
      && jsondecode(aws_iam_role_policy.work.policy).Statement[0].Resource == ["arn:aws:s3:::tables/visits/_work/*"]
      && jsondecode(aws_iam_role_policy.work.policy).Statement[1].Condition.StringLikeIfExists["s3:prefix"] == ["visits/_work/*"]
    )
    error_message = "The function may use the work folder alone."
  }
}

run "a_schedule_starts_it" {
  command = plan

  variables {
    schedule          = "cron(0 6 * * ? *)"
    schedule_timezone = "America/Chicago"
    data_kms_key_arns = ["arn:aws:kms:us-east-1:123456789012:key/data"]
    kms_key_arn       = "arn:aws:kms:us-east-1:123456789012:key/logs"
  }

  assert {
    condition = (
      aws_scheduler_schedule.this[0].target[0].arn == output.state_machine_arn
      && jsondecode(aws_iam_role_policy.scheduler[0].policy).Statement[0].Resource == [output.state_machine_arn]
      && jsondecode(aws_iam_role_policy.scheduler[0].policy).Statement[1].Resource == ["arn:aws:kms:us-east-1:123456789012:key/logs"]
    )
    error_message = "The schedule starts the state machine, and may do nothing else."
  }

  assert {
    condition     = one([for statement in jsondecode(aws_iam_role_policy.states.policy).Statement : statement if statement.Sid == "DecryptItems"]).Action == ["kms:Decrypt"]
    error_message = "Items in an encrypted bucket can be read."
  }
}
