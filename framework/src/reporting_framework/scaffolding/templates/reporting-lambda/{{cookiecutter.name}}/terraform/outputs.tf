output "function_name" {
  description = "Name of the function."
  value       = module.function.function_name
}

output "alias_arn" {
  description = "ARN of the alias: what to invoke."
  value       = module.function.alias_arn
}

output "log_group_name" {
  description = "The function's log group."
  value       = module.function.log_group_name
}

output "dead_letter_queue_url" {
  description = "URL of the queue for invocations that failed for good."
  value       = module.function.dead_letter_queue_url
}
{% if cookiecutter.__pushed %}

output "records_dead_letter_queue_url" {
  description = "URL of the queue for records that can never succeed."
  value       = aws_sqs_queue.records.url
}
{% endif %}

output "policy" {
  description = "What the report may do, as JSON."
  value       = local.policy
}

output "alarm_arns" {
  description = "ARNs of the alarms, by what they watch."
  value       = module.monitoring.alarm_arns
}
