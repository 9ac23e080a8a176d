"""Reports in AWS Lambda: one handler for all of them (`reporting_framework.aws.handler.handler`)."""
