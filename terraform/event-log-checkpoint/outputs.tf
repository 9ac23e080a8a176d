output "function_arn" {
  description = "ARN of the function."
  value       = module.function.function_arn
}

output "function_name" {
  description = "Name of the function."
  value       = module.function.function_name
}

output "function_version" {
  description = "The version published last."
  value       = module.function.function_version
}

output "alias_arn" {
  description = "ARN of the alias: what to invoke."
  value       = module.function.alias_arn
}

output "alias_name" {
  description = "Name of the alias."
  value       = module.function.alias_name
}

output "layer_arns" {
  description = "ARNs of the layer versions in use."
  value       = module.layers.layer_arns
}

output "layer_versions" {
  description = "Layer versions in use, by ARN without version."
  value       = module.layers.layer_versions
}

output "layer_strategy" {
  description = "By layer: published here, reused from another deployment, or external."
  value       = module.layers.strategy
}

output "role_arn" {
  description = "ARN of the function's role."
  value       = module.function.role_arn
}

output "role_name" {
  description = "Name of the function's role."
  value       = module.function.role_name
}

output "environment_variables" {
  description = "The function's environment."
  value       = module.function.environment_variables
}

output "policy" {
  description = "What the report may do, as JSON."
  value       = local.policy
}

output "log_group_name" {
  description = "The function's log group."
  value       = module.function.log_group_name
}

output "dead_letter_queue_url" {
  description = "URL of the queue for invocations that failed for good."
  value       = module.function.dead_letter_queue_url
}

output "state_machine_arn" {
  description = "ARN of the state machine of distributed_map; null: there is none."
  value       = one(module.distributed_map[*].state_machine_arn)
}

output "alarm_arns" {
  description = "ARNs of the alarms, by what they watch."
  value       = module.monitoring.alarm_arns
}

output "summary" {
  description = "What is deployed, for people."
  value       = <<-TEXT
    ${local.report} (${var.environment})
      reads       s3://${var.source_bucket}/${local.source_folder}
      writes      s3://${var.checkpoint_bucket}/${var.checkpoint_key}
      function    ${module.function.function_name}, version ${module.function.alias_version} as ${module.function.alias_name}
      starts      ${var.schedule == null ? "not on schedule" : var.schedule}${var.notifications ? ", and when objects arrive" : ""}
      layers      ${join(", ", [for key, how in module.layers.strategy : "${key} ${how}"])}
      alarms      ${length(module.monitoring.alarm_arns)}${var.alarm_sns_topic_arn == "" ? ", sent to nobody: set alarm_sns_topic_arn" : ""}
      invoke      aws lambda invoke --function-name ${module.function.function_name}:${module.function.alias_name} --cli-read-timeout 0 answer.json
      logs        aws logs tail ${module.function.log_group_name} --follow
  TEXT
}
