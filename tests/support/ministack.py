"""An AWS on loopback that runs Lambda functions for real: `ministack`, in a Python environment of its own.

What it can do, tried with version 1.5.33 (most of it again and again, by `tests/support_tests/test_ministack.py`):

- Functions of a zip given directly or through S3, with layers likewise; layers of 60 MB are no matter. A function is
  active after a second, its first invocation takes 0.2 s, a warm one 0.02 s.
- Environment variables, versions, aliases; `Timeout` is kept (`Sandbox.Timedout`), reserved concurrency too (429).
- Asynchronous invocation with retries after 1, 2, … s (`LAMBDA_ASYNC_RETRY_BASE_SECONDS`) and then, *either* to the
  `OnFailure` destination *or* to the dead-letter queue, a destination record.
- EventBridge rules on a pattern, at once; on a schedule, looked at every 10 s, so that `rate(1 minute)` takes up to 70.
- EventBridge Scheduler, looked at every 10 s: `at(…)` in the past fires at the next look. With `Input` and without.
- S3 notifications to a function, to SQS (with the test event first) and to EventBridge, filtered, keys URL-encoded.
- SQS to a function with `ReportBatchItemFailures`, redrive and dead-letter queue; Kinesis, SNS.
- Function URLs: at `endpoint`, with the URL's host name as the `Host` header, since nobody resolves that name.
- S3's conditional writes.

Where the lines go that a function prints: on stdout by `print`, on stderr, or by `logging` from WARNING on, they go to
the log group `/aws/lambda/NAME` (`MiniStack.logs`), to the answer's `LogResult`, and to the server's own output.
Each *invocation* has a log stream of its own. `LoggingConfig` is taken and ignored: `logging` is as in a plain Python.

What it cannot do, or does unlike Lambda:

- It has its own bootstrap, not `awslambdaric`: every exception is a `Runtime.HandlerError` without a stack trace, and
  costs the process (the next invocation is cold). `sys.__stdout__` and file descriptor 1 carry its protocol: what is
  written there is lost, a JSON object with `"status": "ok"` among it is taken for the answer, and after 200 lines
  this invocation or the next one fails.
- The interpreter is its own whatever `Runtime` says, and `boto3` and everything that ministack itself needs (PyYAML,
  h2, …) can be imported although no layer has it. Layers come *before* the function's code on `sys.path`.
- Invoked through an alias by SQS or Kinesis, the function's `invoked_function_arn` ends with the version and not the
  alias. The context has no client context; limits on the size of events, answers and packages, on memory and on what the
  role may do are not kept; signatures are not checked, the access key is the account.
- Dead-letter queues of EventBridge targets and of schedules stay empty. `approximateInvokeCount` is always 3.
- Kinesis: a batch that fails comes again whole and without end, about every two seconds, and blocks its shard; partial
  answers, `MaximumRetryAttempts`, bisecting and the `OnFailure` destination are taken and ignored.
- Metric filters and metrics embedded in logs are not evaluated; `AWS/Lambda`'s own `Invocations` and `Errors` are.
- The Scheduler's default payload has an object as `detail`, where AWS has the string `"{}"`.
- No X-Ray daemon; templates of SAM need the extra `full`.
"""

import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from reporting_framework.testing.s3 import HOST, REGION, S3Server
from tests.support.packages import environment, find_python
from tests.support.s3server import LAUNCHER, free_ports

REQUIREMENTS = ("ministack>=1.5.33,<2", "boto3")
ACCOUNT = "123456789012"


class MiniStackError(RuntimeError):
    """It did not start; the message ends with what it printed."""


@dataclass(frozen=True)
class MiniStack:
    """Where it listens."""

    endpoint: str
    output: Path
    """The server's own log, with that of the functions."""
    account: str = ACCOUNT
    region: str = REGION

    @property
    def s3(self) -> S3Server:
        """Its S3, and the variables with which boto3, obstore and polars reach it."""
        return S3Server(self.endpoint, access_key=self.account)

    def client(self, service: str, **config: Any) -> Any:
        """A boto3 client; `config` goes to `botocore.config.Config` (by default nothing is tried twice)."""
        settings = {
            "s3": {"addressing_style": "path"},
            "retries": {"total_max_attempts": 1},
        } | config
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            aws_access_key_id=self.account,
            aws_secret_access_key="testsecret",
            region_name=self.region,
            config=Config(**settings),
        )

    def arn(self, service: str, name: str) -> str:
        """Of something in the account: `arn("sqs", "queue")`, `arn("lambda", "function:name")`."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{name}"

    def logs(self, function: str) -> list[str]:
        """Every line in the function's log group, oldest first, those of the platform (`START`, …) among them."""
        pages = (
            self.client("logs")
            .get_paginator("filter_log_events")
            .paginate(logGroupName=f"/aws/lambda/{function}")
        )
        found = [event for page in pages for event in page["events"]]
        return [
            event["message"]
            for event in sorted(found, key=lambda event: event["timestamp"])
        ]

    def reset(self) -> None:
        """Forget everything in every service."""
        with urllib.request.urlopen(
            urllib.request.Request(f"{self.endpoint}/_ministack/reset", method="POST")
        ):
            pass


@contextmanager
def ministack(
    *,
    python: str | None = None,
    variables: Mapping[str, str] | None = None,
    timeout: float = 30.0,
) -> Iterator[MiniStack]:
    """Start one on a free port, in about a second; it keeps everything in memory and ends with its functions.

    Args:
        python: the interpreter that it and its functions run on; a Python 3.12 when not given, or else this one. Its
            environment is made once, which takes half a minute.
        variables: of ministack's own environment, which functions inherit; else there is only `PATH`.
        timeout: until it answers, in seconds.

    Raises:
        InstallError: its environment cannot be made.
        MiniStackError: it did not answer within `timeout` seconds.
    """
    program = environment(
        *REQUIREMENTS, python=python or find_python("3.12")
    ).with_name("ministack")
    folder = Path(tempfile.mkdtemp(prefix="ministack-"))
    try:
        process, stack = _start(program, folder, dict(variables or {}), timeout)
        try:
            yield stack
        finally:
            _stop(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def zipped(folder: Path) -> bytes:
    """A folder as a package of a function or a layer."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return packed.getvalue()


def _start(
    program: Path, folder: Path, variables: dict[str, str], timeout: float
) -> tuple[subprocess.Popen[bytes], MiniStack]:
    output = folder / "output"
    for _ in range(3):  # the port may be taken between our look and the server's
        [port] = free_ports(1)
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-c", LAUNCHER, str(program)],
                cwd=folder,
                env=_environment(port, folder) | variables,
                stdout=file,
                stderr=file,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the tests; and its functions can be ended together with it
            )
        stack = MiniStack(f"http://{HOST}:{port}", output)
        try:
            if _ready(process, stack, time.monotonic() + timeout):
                return process, stack
        except BaseException:
            _stop(process)
            raise
        _stop(process)
    printed = output.read_text(errors="replace")[-2000:]
    raise MiniStackError(
        f"ministack did not start within {timeout:g} s; the end of its output:\n{printed}"
    )


def _environment(port: int, folder: Path) -> dict[str, str]:
    return {
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "SFTP_ENABLED": "0",
        "TMPDIR": str(folder),  # it leaves the folders of its functions behind
    }


def _ready(process: subprocess.Popen[bytes], stack: MiniStack, deadline: float) -> bool:
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(
                f"{stack.endpoint}/_ministack/health", timeout=5
            ):
                return True
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.02)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, then end what is left of it and its functions, one that is busy among them."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=3)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
