output "function_arn" {
  description = "ARN of the function."
  value       = aws_lambda_function.this.arn
}

output "function_name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "function_version" {
  description = "The version published last."
  value       = aws_lambda_function.this.version
}

output "alias_arn" {
  description = "ARN of the alias: what to invoke."
  value       = aws_lambda_alias.this.arn
}

output "alias_name" {
  description = "Name of the alias."
  value       = aws_lambda_alias.this.name
}

output "alias_version" {
  description = "The version that the alias points to."
  value       = aws_lambda_alias.this.function_version
}

output "role_arn" {
  description = "ARN of the function's role."
  value       = aws_iam_role.function.arn
}

output "role_name" {
  description = "Name of the function's role."
  value       = aws_iam_role.function.name
}

output "environment_variables" {
  description = "The function's environment."
  value       = aws_lambda_function.this.environment[0].variables
}

output "log_group_name" {
  description = "The function's log group."
  value       = aws_cloudwatch_log_group.function.name
}

output "dead_letter_queue_arn" {
  description = "ARN of the queue for invocations that failed for good."
  value       = aws_sqs_queue.dead_letters.arn
}

output "dead_letter_queue_name" {
  description = "Name of the queue for invocations that failed for good."
  value       = aws_sqs_queue.dead_letters.name
}

output "dead_letter_queue_url" {
  description = "URL of the queue for invocations that failed for good."
  value       = aws_sqs_queue.dead_letters.url
}
