# `override_during` needs Terraform 1.11 or later, the module does not.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_cloudwatch_metric_alarm" {
    defaults = { arn = "arn:aws-us-gov:cloudwatch:us-gov-west-1:123456789012:alarm:mocked" }
  }

  mock_data "aws_region" {
    defaults = { name = "us-gov-west-1" }
  }
}

variables {
  name                   = "events-prod"
  function_name          = "events-function"
  report                 = "event-log-checkpoint"
  environment            = "prod"
  lambda_timeout         = 900
  dead_letter_queue_name = "events-failed"
}

run "defaults" {
  command = plan

  assert {
    condition     = toset(keys(output.alarm_names)) == toset(["errors", "duration", "throttles", "rejected", "dead-letter", "no-success", "unread", "backlog", "run-failed"])
    error_message = "These alarms are expected: ${join(", ", keys(output.alarm_names))}"
  }

  assert {
    condition     = alltrue([for key, name in output.alarm_names : name == "events-prod-${key}"])
    error_message = "An alarm is named <name>-<short name>."
  }

  assert {
    condition     = keys(output.alarm_arns) == keys(output.alarm_names) && startswith(output.alarm_arns["rejected"], "arn:")
    error_message = "There must be an ARN for each alarm."
  }

  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.this), [aws_cloudwatch_metric_alarm.rejected]) :
      length(alarm.alarm_actions) == 0 && length(alarm.ok_actions) == 0
    ])
    error_message = "Without a topic there must be no action."
  }

  assert {
    condition = { for key, alarm in aws_cloudwatch_metric_alarm.this : key => join(" ", [
      alarm.namespace, alarm.metric_name, alarm.statistic, alarm.comparison_operator, alarm.threshold, alarm.period, alarm.treat_missing_data
      ]) } == {
      errors      = "AWS/Lambda Errors Sum GreaterThanThreshold 0 300 notBreaching"
      duration    = "AWS/Lambda Duration Maximum GreaterThanThreshold 600000 300 notBreaching"
      throttles   = "AWS/Lambda Throttles Sum GreaterThanThreshold 0 300 notBreaching"
      unread      = "Reporting ObjectsUnread Minimum GreaterThanThreshold 0 3600 breaching"
      backlog     = "Reporting ObjectsRemaining Minimum GreaterThanThreshold 0 3600 breaching"
      run-failed  = "Reporting RunFailed Sum GreaterThanThreshold 0 300 notBreaching"
      no-success  = "Reporting RunSucceeded Sum LessThanThreshold 1 3600 breaching"
      dead-letter = "AWS/SQS ApproximateNumberOfMessagesVisible Maximum GreaterThanThreshold 0 300 notBreaching"
    }
    error_message = "What an alarm measures has changed."
  }

  assert {
    condition = { for key, alarm in aws_cloudwatch_metric_alarm.this : key => alarm.dimensions } == {
      errors      = tomap({ FunctionName = "events-function" })
      duration    = tomap({ FunctionName = "events-function" })
      throttles   = tomap({ FunctionName = "events-function" })
      unread      = tomap({ report = "event-log-checkpoint", environment = "prod" })
      backlog     = tomap({ report = "event-log-checkpoint", environment = "prod" })
      run-failed  = tomap({ report = "event-log-checkpoint", environment = "prod" })
      no-success  = tomap({ report = "event-log-checkpoint", environment = "prod" })
      dead-letter = tomap({ QueueName = "events-failed" })
    }
    error_message = "The dimensions must be those that Lambda, SQS and the function emit."
  }

  assert {
    condition = alltrue([
      for key in ["no-success", "unread", "backlog"] :
      aws_cloudwatch_metric_alarm.this[key].evaluation_periods == 26 && aws_cloudwatch_metric_alarm.this[key].datapoints_to_alarm == 26
    ])
    error_message = "The alarms on missing success and on work that stays partial must look at all of 26 hours."
  }
}

run "rejected_share" {
  command = plan

  assert {
    condition     = one([for query in aws_cloudwatch_metric_alarm.rejected.metric_query : query.expression if query.return_data]) == "100 * failed / IF(processed > 0, processed, 1)"
    error_message = "The share must be of the processed records of the period, without dividing by zero."
  }

  assert {
    condition = {
      for query in aws_cloudwatch_metric_alarm.rejected.metric_query : query.id => [for metric in query.metric : "${metric.namespace} ${metric.metric_name} ${metric.stat} ${metric.period} ${metric.dimensions.report} ${metric.dimensions.environment}"] if !query.return_data
      } == {
      processed = ["Reporting EventsProcessed Sum 3600 event-log-checkpoint prod"]
      failed    = ["Reporting EventsFailed Sum 3600 event-log-checkpoint prod"]
    }
    error_message = "The share must be made of the accepted and the rejected of an hour."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.rejected.threshold == 10 &&
      aws_cloudwatch_metric_alarm.rejected.comparison_operator == "GreaterThanThreshold" &&
      aws_cloudwatch_metric_alarm.rejected.treat_missing_data == "notBreaching"
    )
    error_message = "The alarm must go off above 10 % and be silent in hours without a run."
  }
}

run "everything_on" {
  command = plan

  variables {
    alarm_sns_topic_arn  = "arn:aws-us-gov:sns:us-gov-west-1:123456789012:alarms"
    metrics_namespace    = "Other"
    stream_alarm         = true
    iterator_age_minutes = 5
    lambda_timeout       = 100
    success_within_hours = 168
    tags                 = { team = "data" }
  }

  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.this), [aws_cloudwatch_metric_alarm.rejected]) :
      alarm.alarm_actions == toset([var.alarm_sns_topic_arn]) && alarm.ok_actions == toset([var.alarm_sns_topic_arn]) && alarm.tags == tomap({ team = "data" })
    ]) && length(output.alarm_arns) == 10
    error_message = "Each of ten alarms must tell the topic when it begins and ends, and have the tags."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["duration"].threshold == 66666
    error_message = "The alarm on the duration must scale with the timeout."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["iterator-age"].threshold == 300000 &&
      aws_cloudwatch_metric_alarm.this["iterator-age"].metric_name == "IteratorAge" &&
      aws_cloudwatch_metric_alarm.this["iterator-age"].statistic == "Maximum"
    )
    error_message = "The stream's alarm must compare milliseconds with milliseconds."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["no-success"].period * aws_cloudwatch_metric_alarm.this["no-success"].evaluation_periods <= 604800
    error_message = "CloudWatch refuses an alarm that looks back more than a week."
  }

  assert {
    condition     = alltrue([for alarm in concat(values(aws_cloudwatch_metric_alarm.this), [aws_cloudwatch_metric_alarm.rejected]) : length(alarm.alarm_description) > 100 && length(alarm.alarm_description) <= 1024])
    error_message = "A description must say what to do, in the 1024 characters that CloudWatch allows."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["run-failed"].namespace == "Other" && strcontains(aws_cloudwatch_dashboard.this[0].dashboard_body, "[\"Other\",\"RunFailed\"") && !strcontains(aws_cloudwatch_dashboard.this[0].dashboard_body, "\"Reporting\"")
    error_message = "The namespace must be the given one everywhere."
  }
}

run "least" {
  command = plan

  variables {
    dead_letter_alarm      = false
    dead_letter_queue_name = ""
    success_within_hours   = null
    dashboard              = false
  }

  assert {
    condition     = toset(keys(output.alarm_names)) == toset(["errors", "duration", "throttles", "rejected", "run-failed"])
    error_message = "These alarms are expected to be left: ${join(", ", keys(output.alarm_names))}"
  }

  assert {
    condition     = output.dashboard_name == null && length(aws_cloudwatch_dashboard.this) == 0
    error_message = "There must be no dashboard."
  }
}

run "dashboard" {
  command = plan

  assert {
    condition     = output.dashboard_name == "events-prod"
    error_message = "The dashboard must have the given name."
  }

  assert {
    condition = [for widget in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets : widget.type] == concat(
      ["text", "alarm"], [for _ in range(8) : "metric"], ["log"]
    )
    error_message = "A header, the alarms, eight charts (no stream) and the errors are expected."
  }

  assert {
    condition = strcontains(jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets[0].properties.markdown, "event-log-checkpoint") && strcontains(
      jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets[0].properties.markdown, "prod"
    )
    error_message = "The header must say the report and the environment."
  }

  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets[1].properties.alarms) == length(output.alarm_arns)
    error_message = "All alarms must be on the dashboard."
  }

  assert {
    condition = alltrue([
      for widget in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets :
      widget.properties.region == "us-gov-west-1" if contains(["metric", "log"], widget.type)
    ])
    error_message = "The region must be the provider's."
  }

  assert {
    condition = one([
      for widget in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets :
      widget.properties.annotations.horizontal[0].value if try(startswith(widget.properties.title, "Duration"), false)
    ]) == 600000
    error_message = "The chart of the duration must have a line where the alarm is."
  }

  assert {
    condition = alltrue([
      for metric in ["Invocations", "Errors", "Throttles", "Duration", "EventsProcessed", "EventsFailed", "EventsFiltered", "RunSucceeded", "RunFailed",
      "RequestsRefused", "ObjectsUnread", "ObjectsRemaining", "OutputFileSize", "ApproximateNumberOfMessagesVisible"] :
      strcontains(aws_cloudwatch_dashboard.this[0].dashboard_body, "\"${metric}\"")
    ])
    error_message = "A metric is missing on the dashboard."
  }

  # No two widgets in the same place, none beyond the 24 columns.
  assert {
    condition = length(distinct([
      for widget in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets : "${widget.x} ${widget.y}"
      ])) == 11 && alltrue([
      for widget in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets : widget.x + widget.width <= 24
    ])
    error_message = "Widgets must lie side by side."
  }

  assert {
    condition     = strcontains(jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets[10].properties.query, "SOURCE '/aws/lambda/events-function'\n| fields")
    error_message = "Unless given, the log group is Lambda's own."
  }
}

run "log_group" {
  command = plan

  variables {
    log_group_name = "/reports/events"
    stream_alarm   = true
  }

  assert {
    condition     = strcontains(aws_cloudwatch_dashboard.this[0].dashboard_body, "SOURCE '/reports/events'") && strcontains(aws_cloudwatch_dashboard.this[0].dashboard_body, "IteratorAge")
    error_message = "The given log group and the stream must be on the dashboard."
  }
}

# How many alarms there are must not depend on what is known only after apply.
run "first_apply" {
  command = plan

  module {
    source = "./tests/first_apply"
  }

  assert {
    condition     = length(output.alarm_names) == 10
    error_message = "The plan must know how many alarms there will be."
  }
}
