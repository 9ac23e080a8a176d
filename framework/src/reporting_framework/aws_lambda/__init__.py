"""AWS Lambda: one handler for all reports.

The handler is `reporting_framework.aws_lambda.handler.handler`.
"""
