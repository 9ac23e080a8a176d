locals {
  all_alarms  = merge(aws_cloudwatch_metric_alarm.this, { rejected = aws_cloudwatch_metric_alarm.rejected })
  alarm_arns  = { for key, alarm in local.all_alarms : key => alarm.arn }
  alarm_names = { for key, alarm in local.all_alarms : key => alarm.alarm_name }
}

output "alarm_arns" {
  description = "ARN of each alarm, by its short name such as errors or no-success."
  value       = local.alarm_arns
}

output "alarm_names" {
  description = "Name of each alarm, by its short name."
  value       = local.alarm_names
}

output "dashboard_name" {
  description = "Name of the dashboard; null if there is none."
  value       = one(aws_cloudwatch_dashboard.this[*].dashboard_name)
}
