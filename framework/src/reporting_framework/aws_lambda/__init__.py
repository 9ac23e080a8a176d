"""Reports in AWS Lambda: one handler for all of them (`reporting_framework.aws_lambda.handler.handler`)."""
