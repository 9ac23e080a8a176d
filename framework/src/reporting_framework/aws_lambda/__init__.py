"""Reports in AWS Lambda: one handler for all of them.

The handler is `reporting_framework.aws_lambda.handler.handler`.
"""
