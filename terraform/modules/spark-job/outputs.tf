output "service" {
  description = "Service that runs the job: emr-serverless or glue."
  value       = local.manifest.service
}

output "application_id" {
  description = "Id of the EMR Serverless application; null for Glue."
  value       = one(aws_emrserverless_application.this[*].id)
}

output "job_name" {
  description = "Name of the job in Glue; null for EMR Serverless."
  value       = one(aws_glue_job.this[*].name)
}

output "role_arn" {
  description = "ARN of the job's role."
  value       = aws_iam_role.job.arn
}

output "role_name" {
  description = "Name of the job's role."
  value       = aws_iam_role.job.name
}

output "job_driver" {
  description = "Job driver as JSON for `aws emr-serverless start-job-run`, a schedule or Step Functions; null for Glue."
  value = local.emr ? jsonencode({
    sparkSubmit = {
      entryPoint            = local.uri[local.script]
      entryPointArguments   = var.options
      sparkSubmitParameters = join(" ", [for name, value in local.properties : "--conf ${name}=${value}"])
    }
  }) : null
}
