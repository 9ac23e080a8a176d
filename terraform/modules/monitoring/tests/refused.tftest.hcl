# Each run gives one value that is not allowed.
mock_provider "aws" {}

variables {
  name                   = "events-prod"
  function_name          = "events-function"
  report                 = "event-log-checkpoint"
  environment            = "prod"
  lambda_timeout         = 900
  dead_letter_queue_name = "events-failed"
}

run "name_1" {
  command = plan

  variables {
    name = "events prod"
  }

  expect_failures = [var.name]
}

run "function_name_1" {
  command = plan

  variables {
    function_name = "arn:aws:lambda:us-east-1:123456789012:function:f"
  }

  expect_failures = [var.function_name]
}

run "report_1" {
  command = plan

  variables {
    report = ""
  }

  expect_failures = [var.report]
}

run "environment_1" {
  command = plan

  variables {
    environment = " prod"
  }

  expect_failures = [var.environment]
}

run "metrics_namespace_1" {
  command = plan

  variables {
    metrics_namespace = "AWS/Lambda"
  }

  expect_failures = [var.metrics_namespace]
}

run "metrics_namespace_2" {
  command = plan

  variables {
    metrics_namespace = " Reporting"
  }

  expect_failures = [var.metrics_namespace]
}

run "log_group_name_1" {
  command = plan

  variables {
    log_group_name = "/aws/lambda/x'y"
  }

  expect_failures = [var.log_group_name]
}

run "alarm_sns_topic_arn_1" {
  command = plan

  variables {
    alarm_sns_topic_arn = "alarms"
  }

  expect_failures = [var.alarm_sns_topic_arn]
}

run "alarm_sns_topic_arn_2" {
  command = plan

  variables {
    alarm_sns_topic_arn = "arn:aws:sns:us-east-1:123456789012:alarms.fifo"
  }

  expect_failures = [var.alarm_sns_topic_arn]
}

run "lambda_timeout_1" {
  command = plan

  variables {
    lambda_timeout = 0
  }

  expect_failures = [var.lambda_timeout]
}

run "lambda_timeout_2" {
  command = plan

  variables {
    lambda_timeout = 901
  }

  expect_failures = [var.lambda_timeout]
}

run "rejected_percent_1" {
  command = plan

  variables {
    rejected_percent = -1
  }

  expect_failures = [var.rejected_percent]
}

run "rejected_percent_2" {
  command = plan

  variables {
    rejected_percent = 100
  }

  expect_failures = [var.rejected_percent]
}

run "dead_letter_queue_name_1" {
  command = plan

  variables {
    dead_letter_queue_name = "https://sqs.us-east-1.amazonaws.com/123456789012/failed"
  }

  expect_failures = [var.dead_letter_queue_name]
}

run "dead_letter_queue_name_2" {
  command = plan

  variables {
    dead_letter_queue_name = ""
  }

  expect_failures = [var.dead_letter_queue_name]
}

run "iterator_age_minutes_1" {
  command = plan

  variables {
    iterator_age_minutes = 0
  }

  expect_failures = [var.iterator_age_minutes]
}

run "iterator_age_minutes_2" {
  command = plan

  variables {
    iterator_age_minutes = 525601
  }

  expect_failures = [var.iterator_age_minutes]
}

run "success_within_hours_1" {
  command = plan

  variables {
    success_within_hours = 0
  }

  expect_failures = [var.success_within_hours]
}

run "success_within_hours_2" {
  command = plan

  variables {
    success_within_hours = 169
  }

  expect_failures = [var.success_within_hours]
}

run "success_within_hours_3" {
  command = plan

  variables {
    success_within_hours = 1.5
  }

  expect_failures = [var.success_within_hours]
}

run "tags_1" {
  command = plan

  variables {
    tags = { "aws:x" = "y" }
  }

  expect_failures = [var.tags]
}

run "tags_2" {
  command = plan

  variables {
    tags = { x = null }
  }

  expect_failures = [var.tags]
}
