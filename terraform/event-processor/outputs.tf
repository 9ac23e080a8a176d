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

output "stream_arn" {
  description = "ARN of the stream that is read."
  value       = local.stream_arn
}

output "stream_name" {
  description = "Name of the stream that is read."
  value       = local.create.stream ? local.stream_name : split("/", var.stream_arn)[1]
}

output "dynamodb_table" {
  description = "Name of the counters' table."
  value       = local.counters_name
}

output "archive" {
  description = "Folder of the archive."
  value       = local.archive
}

output "records_dead_letter_queue_url" {
  description = "URL of the queue for records that can never succeed."
  value       = local.records_url
}

output "log_group_name" {
  description = "The function's log group."
  value       = module.function.log_group_name
}

output "dead_letter_queue_url" {
  description = "URL of the queue for invocations that failed for good."
  value       = module.function.dead_letter_queue_url
}

output "alarm_arns" {
  description = "ARNs of the alarms, by what they watch."
  value       = local.alarm_arns
}

output "summary" {
  description = "What is deployed, for people."
  value       = <<-TEXT
    ${local.report} (${var.environment})
      reads       ${local.create.stream ? "the new stream ${local.stream_name}" : var.stream_arn}, up to ${var.batch_size} records at once, ${var.parallelization_factor} of a shard's batches
      looks up    ${length(local.lookups) == 0 ? "nothing" : join(", ", local.lookups)}
      counts in   ${local.counters_name}, ${var.delivery}${var.delivery == "exactly-once" ? ", told apart for ${var.marker_days} days" : ""}
      archives    ${local.archive}
      sets aside  ${local.records_queue.name}: records that can never succeed
      function    ${module.function.function_name}, version ${module.function.alias_version} as ${module.function.alias_name}
      layers      ${join(", ", [for key, how in module.layers.strategy : "${key} ${how}"])}
      alarms      ${length(local.alarm_arns)}${var.alarm_sns_topic_arn == "" ? ", sent to nobody: set alarm_sns_topic_arn" : ""}
      logs        aws logs tail ${module.function.log_group_name} --follow
  TEXT
}
