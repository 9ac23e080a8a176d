"""What the tests stand on: real S3 servers on loopback behind a proxy that breaks answers, Lambda's runtime, an AWS."""

from reporting_framework.testing.faults.proxy import S3Proxy, s3_proxy
from reporting_framework.testing.faults.rules import Exchange, Fault, Rule
from reporting_framework.testing.lambda_events import lambda_event, lambda_events
from reporting_framework.testing.s3 import S3Server, moto_server
from tests.support.lambda_runtime import (
    Invocation,
    LambdaError,
    LambdaFunction,
    LambdaInitError,
    lambda_function,
)
from tests.support.ministack import MiniStack, MiniStackError, ministack, zipped
from tests.support.packages import InstallError
from tests.support.s3server import s3_server
from tests.support.xray import XRayDaemon, xray_daemon

__all__ = [
    "Exchange",
    "Fault",
    "InstallError",
    "Invocation",
    "LambdaError",
    "LambdaFunction",
    "LambdaInitError",
    "MiniStack",
    "MiniStackError",
    "Rule",
    "S3Proxy",
    "S3Server",
    "XRayDaemon",
    "lambda_event",
    "lambda_events",
    "lambda_function",
    "ministack",
    "moto_server",
    "s3_proxy",
    "s3_server",
    "xray_daemon",
    "zipped",
]
