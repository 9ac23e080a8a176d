locals {
  actions = compact([var.alarm_sns_topic_arn])

  function_dimensions = { FunctionName = var.function_name }
  report_dimensions   = { report = var.report, environment = var.environment }

  duration_alarm_ms = floor(var.lambda_timeout * 1000 * 2 / 3)

  # What is not measured is nothing wrong: no invocation has no error, a stream without records invokes nothing, and SQS stops measuring a
  # queue only after hours in which it was empty. That nothing runs at all is for no-success to tell.
  usual = {
    on         = true
    statistic  = "Sum"
    comparison = "GreaterThanThreshold"
    threshold  = 0
    period     = 300
    periods    = 1
    missing    = "notBreaching"
  }

  alarms = {
    errors = {
      description = "An invocation of ${var.function_name} raised an error or ran out of time or memory. Look for lines of level ERROR in its log; events are retried, then go to the dead-letter queue."
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = local.function_dimensions
    }

    duration = {
      description = "An invocation of ${var.function_name} took more than two thirds of its timeout of ${var.lambda_timeout} seconds. Compare ObjectsRemaining: a backlog goes on by itself with REPORTING_CONTINUE=self; else give more memory or group the output."
      namespace   = "AWS/Lambda"
      metric      = "Duration"
      dimensions  = local.function_dimensions
      statistic   = "Maximum"
      threshold   = local.duration_alarm_ms
    }

    throttles = {
      description = "${var.function_name} was throttled for 15 minutes: what should have started it waits, and is lost after some hours of retries. See reserved_concurrent_executions and the account's limit of concurrent executions."
      namespace   = "AWS/Lambda"
      metric      = "Throttles"
      dimensions  = local.function_dimensions
      # A single one is retried at once.
      periods = 3
    }

    # A failed run that answers 500 is no error to Lambda: the alarm on errors does not see it.
    run-failed = {
      description = "A run of ${var.report} (${var.environment}) failed, or the function is not set up. Look for lines of level ERROR in the log of ${var.function_name}; nothing is lost, the next run that succeeds reads what this one did not."
      namespace   = var.metrics_namespace
      metric      = "RunFailed"
      dimensions  = local.report_dimensions
    }

    no-success = {
      on          = var.success_within_hours != null
      description = "No run of ${var.report} (${var.environment}) succeeded for ${coalesce(var.success_within_hours, 0)} hours. See whether the schedule is enabled and invokes ${var.function_name}, then what its runs log. A new alarm is on until the first run."
      namespace   = var.metrics_namespace
      metric      = "RunSucceeded"
      dimensions  = local.report_dimensions
      comparison  = "LessThanThreshold"
      threshold   = 1
      # CloudWatch looks back a week with periods of an hour; with shorter ones only a day.
      period  = 3600
      periods = coalesce(var.success_within_hours, 1)
      # A run that never began emits nothing, which is just what this alarm is for.
      missing = "breaching"
    }

    # Work that stays partial: a run that leaves something succeeds, and the next one may do the rest. Hours without a run are
    # breaching, as for no-success, so that one run a day is enough to end the alarm.
    unread = {
      on          = var.success_within_hours != null
      description = "For ${coalesce(var.success_within_hours, 0)} hours no run of ${var.report} (${var.environment}) read every object that it meant to: some are archived, or may not be read, or none ran. The log of ${var.function_name} says how many and why; nothing is lost, each run tries again."
      namespace   = var.metrics_namespace
      metric      = "ObjectsUnread"
      dimensions  = local.report_dimensions
      statistic   = "Minimum"
      period      = 3600
      periods     = coalesce(var.success_within_hours, 1)
      missing     = "breaching"
    }

    backlog = {
      on          = var.success_within_hours != null
      description = "For ${coalesce(var.success_within_hours, 0)} hours no run of ${var.report} (${var.environment}) got done with all objects in its time, or none ran. Give ${var.function_name} more memory, have it continue by itself, or run it more often."
      namespace   = var.metrics_namespace
      metric      = "ObjectsRemaining"
      dimensions  = local.report_dimensions
      statistic   = "Minimum"
      period      = 3600
      periods     = coalesce(var.success_within_hours, 1)
      missing     = "breaching"
    }

    dead-letter = {
      on          = var.dead_letter_alarm
      description = "Events that ${var.function_name} could not process are in the queue ${var.dead_letter_queue_name}. Find the cause in the log, mend it, then redrive the queue before its retention is over."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = var.dead_letter_queue_name }
      statistic   = "Maximum"
    }

    iterator-age = {
      on          = var.stream_alarm
      description = "${var.function_name} reads records of its stream more than ${var.iterator_age_minutes} minutes late; past the stream's retention they are lost. See whether a batch fails again and again, else raise parallelisation or memory."
      namespace   = "AWS/Lambda"
      metric      = "IteratorAge"
      dimensions  = local.function_dimensions
      statistic   = "Maximum"
      threshold   = var.iterator_age_minutes * 60000
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = { for key, alarm in local.alarms : key => merge(local.usual, alarm) if try(alarm.on, true) }

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  period              = each.value.period
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = each.value.periods
  treat_missing_data  = each.value.missing
  alarm_actions       = local.actions
  ok_actions          = local.actions
  tags                = var.tags
}

locals {
  # Of what was processed. Where nothing was, IF avoids a division by zero: each rejected record then counts as 100 %, none as 0 %.
  rejected_share = "100 * failed / IF(processed > 0, processed, 1)"
}

resource "aws_cloudwatch_metric_alarm" "rejected" {
  alarm_name          = "${var.name}-rejected"
  alarm_description   = "In an hour ${var.report} (${var.environment}) rejected more than ${var.rejected_percent} % of the records that it processed. They are set aside with source key and reason, in the quarantine or the records' dead-letter queue: see whether their producer changed or the validator is wrong."
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.rejected_percent
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  # Hours without a run have rejected nothing.
  treat_missing_data = "notBreaching"
  alarm_actions      = local.actions
  ok_actions         = local.actions
  tags               = var.tags

  metric_query {
    id          = "rejected"
    expression  = local.rejected_share
    label       = "rejected, %"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { processed = "EventsProcessed", failed = "EventsFailed" }

    content {
      id          = metric_query.key
      return_data = false

      metric {
        namespace   = var.metrics_namespace
        metric_name = metric_query.value
        dimensions  = local.report_dimensions
        stat        = "Sum"
        period      = 3600
      }
    }
  }
}
