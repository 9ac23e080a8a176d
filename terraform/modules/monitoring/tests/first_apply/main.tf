# Named here, or terraform test would not hand the mocked provider on.
terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

# Queue, function, log group and topic that are made by the same apply: their attributes are not known at plan.
resource "terraform_data" "new" {}

module "monitoring" {
  source = "../.."

  name                   = "events-prod"
  function_name          = terraform_data.new.id
  report                 = "event-log-checkpoint"
  environment            = "prod"
  lambda_timeout         = 900
  log_group_name         = terraform_data.new.id
  alarm_sns_topic_arn    = terraform_data.new.id
  dead_letter_queue_name = terraform_data.new.id
  stream_alarm           = true
}

output "alarm_names" {
  value = module.monitoring.alarm_names
}
