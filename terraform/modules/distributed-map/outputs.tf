output "state_machine_arn" {
  description = "ARN of the state machine: what to start."
  value       = aws_sfn_state_machine.this.arn
}

output "definition" {
  description = "The state machine's definition, as JSON."
  value       = aws_sfn_state_machine.this.definition
}

output "role_arn" {
  description = "ARN of the state machine's role."
  value       = aws_iam_role.states.arn
}

output "log_group_name" {
  description = "Log group of executions that fail."
  value       = aws_cloudwatch_log_group.this.name
}
