"""A Lambda function on this machine: AWS's own runtime client, `awslambdaric`, in a process made as Lambda makes it.

What differs from Lambda: no memory limit, no read-only file system, layers lie beside each other and not merged in
`/opt`, boto3 is not there unless a layer brings it, and the limits on time for start-up and on size of event and
answer are not kept.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from reporting_framework.testing.s3 import REGION
from tests.support.lambda_api import RuntimeApi, Work, runtime_api
from tests.support.lambda_environment import NAME, layered, linked, variables
from tests.support.packages import packages, python_version
from tests.support.s3server import LAUNCHER

RUNTIME_CLIENT = "awslambdaric>=4,<5"
ACCOUNT = "123456789012"


class LambdaError(RuntimeError):
    """The function cannot be run; the message ends with what it printed."""


class LambdaInitError(LambdaError):
    """The handler could not be loaded."""

    def __init__(self, error: Mapping[str, Any], output: str) -> None:
        trace = "".join(error.get("stackTrace") or [])
        super().__init__(
            f"{error['errorType']}: {error['errorMessage']}\n{trace}the function printed:\n{output}"
        )
        self.error = dict(error)


@dataclass(frozen=True)
class Invocation:
    """What became of one event."""

    request_id: str
    answer: Any
    """What the handler returned, by way of JSON; `None` also if it failed."""
    error: dict[str, Any] | None
    """`errorType`, `errorMessage`, `stackTrace`; with `output` too if the process died or was too slow."""
    logs: list[str]
    """The lines printed meanwhile, on stdout and stderr; a cold start's own are among the first one's."""
    cold: bool
    """Whether the process was started for it."""
    seconds: float = field(compare=False)

    @property
    def json_logs(self) -> list[dict[str, Any]]:
        """Those of the lines that are JSON objects."""
        return [found for found in map(_json, self.logs) if isinstance(found, dict)]


class LambdaFunction:
    """A function that has been started; one invocation at a time, as in each of Lambda's own environments."""

    def __init__(
        self,
        command: list[str],
        environment: dict[str, str],
        folder: Path,
        patience: float,
    ) -> None:
        self.folder = folder
        """The process's working directory."""
        self.arn = f"arn:aws:lambda:{environment['AWS_REGION']}:{ACCOUNT}:function:{environment[NAME]}"
        self._command, self._environment, self.patience = (
            command,
            environment,
            patience,
        )
        self._xray = "AWS_XRAY_DAEMON_ADDRESS" in environment
        self._output = folder.with_name("output")
        self._read = 0
        self._cold = True
        self._running = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        self._api = RuntimeApi()

    @property
    def pid(self) -> int | None:
        """Of the process while it runs, for a test that kills it."""
        return (
            self._process.pid
            if self._process is not None and self._process.poll() is None
            else None
        )

    def start(self) -> None:
        """Start a process unless one runs; done when its handler is loaded.

        Raises:
            LambdaInitError: the handler cannot be loaded.
            LambdaError: the process ended or took too long before it asked for an event.
        """
        if self.pid is not None:
            return
        self.stop()
        self._cold = True
        self._api = self._running.enter_context(runtime_api())
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", LAUNCHER, *self._command],
                cwd=self.folder,
                env={**self._environment, "AWS_LAMBDA_RUNTIME_API": self._api.address},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        if (
            not self._until(self._api.ready.is_set, self.patience)
            or self._api.init_error is not None
        ):
            ended = self._process.poll() is not None
            self.stop()
            printed = self._printed()
            if self._api.init_error is not None:
                raise LambdaInitError(self._api.init_error, printed)
            why = (
                self._exit()
                if ended
                else f"did not ask for an event within {self.patience:g} s"
            )
            raise LambdaError(f"the function's process {why}; it printed:\n{printed}")

    def invoke(
        self,
        event: Any,
        *,
        remaining: timedelta = timedelta(seconds=900),
        trace_id: str | None = None,
        request_id: str | None = None,
        client_context: Mapping[str, Any] | None = None,
    ) -> Invocation:
        """Give it an event and wait for what becomes of it.

        A process that has died, or was killed because it was too slow, is started again at the next event, as
        Lambda does; otherwise each invocation after the first one is warm.

        Args:
            event: anything that JSON can tell, or bytes that are sent as they are.
            remaining: what is left of the function's timeout; when it is over, the process is killed.
            trace_id: of X-Ray; a fresh one, sampled if there is a daemon, when not given.
            request_id: a fresh one when not given.
            client_context: what a caller passes by `ClientContext`.

        Raises:
            LambdaError: it cannot be started, or it was still busy when `patience` was over before `remaining` was.
        """
        self.start()
        assert self._process is not None
        cold, self._cold = self._cold, False
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        work = Work(
            request_id or str(uuid.uuid4()),
            body,
            int((time.time() + remaining.total_seconds()) * 1000),
            self.arn,
            trace_id or new_trace_id(sampled=self._xray),
            json.dumps(client_context) if client_context is not None else None,
        )
        began = time.monotonic()
        self._api.submit(work)
        if not self._until(
            work.over.is_set, min(remaining.total_seconds(), self.patience)
        ):
            self._give_up(work, remaining)
        seconds = time.monotonic() - began
        printed = self._printed()
        if work.error is not None and work.error["errorType"] in PLATFORM_ERRORS:
            work.error["output"] = printed[-4000:]
        answer = json.loads(work.answer) if work.answer is not None else None
        return Invocation(
            work.request_id, answer, work.error, _lines(printed), cold, seconds
        )

    def kill(self) -> None:
        """End the process and its children at once, as if the machine were gone; it is started again when needed."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def stop(self) -> None:
        """End what runs."""
        self.kill()
        self._running.close()

    def _give_up(self, work: Work, remaining: timedelta) -> None:
        """The process has died, or the time is up: what Lambda answers instead of the function."""
        assert self._process is not None
        if self._process.poll() is not None:
            if not work.answered:
                work.error = _error(
                    "Runtime.ExitError",
                    f"RequestId: {work.request_id} Error: Runtime {self._exit()}",
                )
            self.stop()  # its children, if any, go with it
            return
        self.stop()
        if remaining.total_seconds() > self.patience:
            raise LambdaError(
                f"no answer within {self.patience:g} s, though {remaining} were left; it printed:\n{self._printed()}"
            )
        message = f"{work.request_id} Task timed out after {remaining.total_seconds():.2f} seconds"
        work.answer, work.error = (
            None,
            _error("Sandbox.Timedout", f"RequestId: {message}"),
        )

    def _until(self, done: Any, seconds: float) -> bool:
        assert self._process is not None
        deadline = time.monotonic() + seconds
        while not done():
            if self._process.poll() is not None:
                return bool(done())
            if time.monotonic() > deadline:
                return False
            time.sleep(0.002)
        return True

    def _exit(self) -> str:
        assert self._process is not None
        status = self._process.wait()
        how = (
            f"signal: {signal.Signals(-status).name}"
            if status < 0
            else f"exit status {status}"
        )
        return (
            f"exited with error: {how}"
            if status
            else "exited without providing a reason"
        )

    def _printed(self) -> str:
        """What it printed since this was asked last; a file, so that nothing is on its way when the answer is here."""
        with self._output.open("rb") as file:
            file.seek(self._read)
            found = file.read()
        self._read += len(found)
        return found.decode(errors="replace")


PLATFORM_ERRORS = ("Runtime.ExitError", "Sandbox.Timedout")


@contextmanager
def lambda_function(
    handler: str,
    *,
    task_root: Path | None = None,
    layers: Sequence[Path] = (),
    pythonpath: Sequence[Path | str] = (),
    environment: Mapping[str, str] | None = None,
    python: str = sys.executable,
    name: str = "reporting",
    memory_size: int = 1024,
    region: str = REGION,
    patience: float = 60.0,
) -> Iterator[LambdaFunction]:
    """Start a function as Lambda would; when this returns, its handler is loaded.

    Its modules come from the task root, the layers, `pythonpath` and the folder that holds the runtime client alone,
    in this order; nothing of `python`'s own site-packages is seen, nor any variable of this process.

    Args:
        handler: `module.function`, as in the function's configuration.
        task_root: the unpacked code; an empty folder when not given.
        layers: folders, each with a `python` folder; later ones win, as they overwrite the earlier in Lambda.
        pythonpath: further folders, such as an environment's site-packages; those that its `.pth` files name count.
        environment: the function's variables; they may replace those that Lambda sets.
        python: the interpreter; the runtime client is installed for it once, in a folder of its own.
        name: of the function.
        memory_size: what the function is told; no limit is kept.
        region: where it believes to be.
        patience: after so many seconds without a sign the test fails, whatever is left of the function's own time.

    Raises:
        LambdaInitError: the handler cannot be loaded.
        LambdaError: the process ended or took too long before it asked for an event.
        InstallError: the runtime client cannot be installed.
    """
    runtime = packages(RUNTIME_CLIENT, python=python)
    with (
        tempfile.TemporaryDirectory(
            prefix="lambda-", ignore_cleanup_errors=True
        ) as made,
        ExitStack() as stack,
    ):
        folder = Path(made, "cwd")
        folder.mkdir()
        root = task_root if task_root is not None else folder
        minor = ".".join(python_version(python).split(".")[:2])
        path = [root, *layered(layers, minor), *linked(pythonpath), runtime]
        found = variables(handler, root, runtime, minor, name, memory_size, region)
        found["PYTHONPATH"] = os.pathsep.join(map(str, path))
        # Not the site module, hence no site-packages; not the working directory, which Lambda has no code in either.
        command = [python, "-S", "-s", "-P", "-m", "awslambdaric", handler]
        function = LambdaFunction(
            command, found | dict(environment or {}), folder, patience
        )
        stack.callback(function.stop)
        function.start()
        yield function


def new_trace_id(*, sampled: bool) -> str:
    """A trace header such as Lambda's."""
    number = uuid.uuid4().hex
    return f"Root=1-{int(time.time()):08x}-{number[:24]};Parent={uuid.uuid4().hex[:16]};Sampled={int(sampled)}"


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"errorType": kind, "errorMessage": message, "stackTrace": []}


def _lines(printed: str) -> list[str]:
    """Lines end with a line feed only: the runtime client puts carriage returns between those of a traceback."""
    return printed.removesuffix("\n").split("\n") if printed else []


def _json(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None
