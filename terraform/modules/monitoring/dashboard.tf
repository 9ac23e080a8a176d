data "aws_region" "current" {}

locals {
  region    = data.aws_region.current.name
  log_group = coalesce(var.log_group_name, "/aws/lambda/${var.function_name}")

  of_function = ["FunctionName", var.function_name]
  of_report   = ["report", var.report, "environment", var.environment]

  charts = [for chart in [
    {
      on    = true
      title = "Invocations"
      metrics = [
        for metric in ["Invocations", "Errors", "Throttles"] :
        concat(["AWS/Lambda", metric], local.of_function, [{ stat = "Sum" }])
      ]
      lines = []
    },
    {
      on    = true
      title = "Duration, ms"
      metrics = [
        for stat in ["p50", "Maximum"] : concat(["AWS/Lambda", "Duration"], local.of_function, [{ stat = stat, label = stat }])
      ]
      lines = [{ label = "alarm", value = local.duration_alarm_ms }]
    },
    {
      on    = true
      title = "Records: processed, rejected, filtered"
      metrics = [
        for metric, label in { EventsProcessed = "processed", EventsFailed = "rejected", EventsFiltered = "filtered" } :
        concat([var.metrics_namespace, metric], local.of_report, [{ stat = "Sum", label = label }])
      ]
      lines = []
    },
    {
      on    = true
      title = "Runs and refused requests"
      metrics = [
        for metric, label in { RunSucceeded = "succeeded", RunFailed = "failed", RequestsRefused = "refused" } :
        concat([var.metrics_namespace, metric], local.of_report, [{ stat = "Sum", label = label }])
      ]
      lines = []
    },
    {
      on    = true
      title = "Objects: unread, remaining"
      metrics = [
        for metric, label in { ObjectsUnread = "unread", ObjectsRemaining = "remaining" } :
        concat([var.metrics_namespace, metric], local.of_report, [{ stat = "Maximum", label = label }])
      ]
      lines = []
    },
    {
      on      = true
      title   = "Size of output, bytes"
      metrics = [concat([var.metrics_namespace, "OutputFileSize"], local.of_report, [{ stat = "Maximum" }])]
      lines   = []
    },
    {
      on    = true
      title = "Rejected, % of an hour's processed"
      metrics = [
        [{ expression = local.rejected_share, id = "rejected", label = "rejected, %" }],
        # An hour as in the alarm, or the line would not mean the same.
        concat([var.metrics_namespace, "EventsProcessed"], local.of_report, [{ id = "processed", stat = "Sum", period = 3600, visible = false }]),
        concat([var.metrics_namespace, "EventsFailed"], local.of_report, [{ id = "failed", stat = "Sum", period = 3600, visible = false }]),
      ]
      lines = [{ label = "alarm", value = var.rejected_percent }]
    },
    {
      on      = var.dead_letter_alarm
      title   = "Dead-letter queue, messages"
      metrics = [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.dead_letter_queue_name, { stat = "Maximum" }]]
      lines   = []
    },
    {
      on      = var.stream_alarm
      title   = "Age of the stream's records, ms"
      metrics = [concat(["AWS/Lambda", "IteratorAge"], local.of_function, [{ stat = "Maximum" }])]
      lines   = [{ label = "alarm", value = var.iterator_age_minutes * 60000 }]
    },
  ] : chart if chart.on]

  # Three charts in a row, below the header and the alarms.
  charts_top = 6
  charts_end = local.charts_top + 6 * ceil(length(local.charts) / 3)
}

resource "aws_cloudwatch_dashboard" "this" {
  count = var.dashboard ? 1 : 0

  dashboard_name = var.name
  dashboard_body = jsonencode({
    widgets = concat(
      [
        {
          type       = "text", x = 0, y = 0, width = 24, height = 2
          properties = { markdown = "# ${var.report}\nEnvironment **${var.environment}**, function ${var.function_name}" }
        },
        {
          type       = "alarm", x = 0, y = 2, width = 24, height = 4
          properties = { title = "Alarms", alarms = values(local.alarm_arns) }
        },
      ],
      [
        for index, chart in local.charts : {
          type = "metric", x = 8 * (index % 3), y = local.charts_top + 6 * floor(index / 3), width = 8, height = 6
          properties = {
            title       = chart.title
            region      = local.region
            view        = "timeSeries"
            stacked     = false
            period      = 300
            metrics     = chart.metrics
            annotations = { horizontal = chart.lines }
            yAxis       = { left = { min = 0 } }
          }
        }
      ],
      [
        {
          type = "log", x = 0, y = local.charts_end, width = 24, height = 8
          properties = {
            title  = "Errors"
            region = local.region
            view   = "table"
            # What Lambda itself says of a timeout or a crash has no level ERROR: hence the pattern.
            query = join("\n", [
              "SOURCE '${local.log_group}'",
              "| fields @timestamp, level, message, error_type, run_id, correlation_id, @message",
              "| filter level in ['ERROR', 'CRITICAL'] or @message like /Task timed out|Runtime exited|\"status\": ?\"(timeout|error|failure)\"/",
              "| sort @timestamp desc",
              "| limit 50",
            ])
          }
        },
      ],
    )
  })
}
