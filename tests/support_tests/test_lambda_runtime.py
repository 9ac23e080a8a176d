"""The stand-in for Lambda runs a handler as Lambda does."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support import (
    InstallError,
    LambdaError,
    LambdaFunction,
    LambdaInitError,
    lambda_function,
    xray_daemon,
)
from tests.support.packages import find_python, packages, python_version

HANDLER = """
import json, logging, os, subprocess, sys, time

count = 0

def handler(event, context):
    global count
    count += 1
    return globals()[event["do"]](event, context)

def echo(event, context):
    return {"event": event, "count": count}

def describe(event, context):
    return {
        "arn": context.invoked_function_arn,
        "cwd": os.getcwd(),
        "environ": dict(os.environ),
        "name": context.function_name,
        "path": sys.path,
        "remaining": context.get_remaining_time_in_millis(),
        "request": context.aws_request_id,
        "tools": context.client_context and context.client_context.custom,
        "version": "%d.%d" % sys.version_info[:2],
    }

def load(event, context):
    module = __import__(event["module"])
    return getattr(module, "whence", module.__file__)

def say(event, context):
    print("plain")
    print(json.dumps({"level": "INFO", "count": count}))
    print([1], file=sys.stderr)
    print("3")
    logging.getLogger().warning("by logging")
    subprocess.run([sys.executable, "-S", "-c", "print('by a child')"], check=True)

def fail(event, context):
    print("before")
    raise LookupError("no such thing")

def leave(event, context):
    print("before")
    os._exit(3)

def linger(event, context):
    print("before", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A task root with the handler `app.handler`."""
    path = tmp_path / "task"
    path.mkdir()
    (path / "app.py").write_text(HANDLER)
    return path


def start(root: Path, **options: Any) -> AbstractContextManager[LambdaFunction]:
    return lambda_function("app.handler", task_root=root, **options)


@pytest.fixture
def function(root: Path) -> Iterator[LambdaFunction]:
    with start(root) as started:
        yield started


def layer(folder: Path, module: str, inner: str = "python") -> Path:
    (folder / inner).mkdir(parents=True)
    (folder / inner / f"{module}.py").write_text(f"whence = {folder.name!r}")
    return folder


def test_events_and_answers_pass_unharmed_and_later_invocations_are_warm(
    function: LambdaFunction,
) -> None:
    event = {
        "do": "echo",
        "text": "Zürich \u2603",
        "number": 0.1,
        "nothing": None,
        "large": "x" * 1_000_000,
    }
    first, second = function.invoke(event), function.invoke({"do": "echo"})
    assert first.answer == {"event": event, "count": 1}
    assert second.answer == {"event": {"do": "echo"}, "count": 2}
    assert (first.cold, second.cold) == (True, False)
    assert first.error is None
    assert first.logs == []
    assert first.request_id != second.request_id


def test_an_event_may_be_bytes(function: LambdaFunction) -> None:
    assert function.invoke(b'{"do": "echo"}').answer["count"] == 1


def test_the_handler_sees_the_environment_of_lambda_and_nothing_of_the_developer_s(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "private")
    with start(
        root, environment={"REPORT": "daily", "AWS_REGION": "eu-west-1"}, name="nightly"
    ) as function:
        found = function.invoke(
            {"do": "describe"},
            remaining=timedelta(seconds=30),
            request_id="r-1",
            trace_id="Root=1",
        )
    environ = found.answer["environ"]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert environ.pop("AWS_LAMBDA_RUNTIME_API").startswith("127.0.0.1:")
    assert environ.pop("AWS_LAMBDA_LOG_STREAM_NAME")
    assert environ.pop("LAMBDA_RUNTIME_DIR") == str(packages("awslambdaric>=4,<5"))
    assert environ.pop("PYTHONPATH").split(os.pathsep)[0] == str(root)
    environ.pop(
        "LC_CTYPE", None
    )  # Python's own doing where the locale of `LANG` is not installed
    assert environ == {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{version}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "AWS_LAMBDA_FUNCTION_NAME": "nightly",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/nightly",
        "AWS_REGION": "eu-west-1",
        "LAMBDA_TASK_ROOT": str(root),
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "REPORT": "daily",
        "TZ": ":UTC",
        "_HANDLER": "app.handler",
        "_X_AMZN_TRACE_ID": "Root=1",
    }
    assert (
        found.answer["arn"] == "arn:aws:lambda:eu-west-1:123456789012:function:nightly"
    )
    assert found.answer["request"] == found.request_id == "r-1"
    assert found.answer["name"] == "nightly"
    assert 20_000 < found.answer["remaining"] <= 30_000
    assert not Path(found.answer["cwd"]).exists()  # by now


def test_modules_come_from_the_task_root_the_layers_and_the_runtime_only(
    function: LambdaFunction,
) -> None:
    path = function.invoke({"do": "describe"}).answer["path"]
    assert not [each for each in path if "site-packages" in each]
    for module in ("pytest", "boto3", "reporting_framework"):
        failed = function.invoke({"do": "load", "module": module}).error
        assert failed is not None
        assert failed["errorType"] == "ModuleNotFoundError"


def test_code_wins_over_layers_and_later_layers_win_over_earlier_ones(
    root: Path, tmp_path: Path
) -> None:
    (root / "own.py").write_text("whence = 'task'")
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    one = layer(tmp_path / "one", "both")
    (one / "python" / "own.py").write_text("whence = 'one'")
    two = layer(tmp_path / "two", "both")
    three = layer(tmp_path / "three", "deep", f"python/lib/python{minor}/site-packages")
    with start(root, layers=[one, two, three]) as function:
        found = {
            name: function.invoke({"do": "load", "module": name}).answer
            for name in ("own", "both", "deep")
        }
    assert found == {"own": "task", "both": "two", "deep": "three"}


def test_an_installed_environment_will_do_also_by_its_links(
    root: Path, tmp_path: Path
) -> None:
    site = layer(tmp_path / "site", "there", ".")
    linked = layer(tmp_path / "linked", "elsewhere", ".")
    (site / "_editable.pth").write_text(
        f"import os{'; x = 1' * 99}\n\n# no folder\n{linked}\n"
    )
    (site / "app.py").write_text(HANDLER)
    with lambda_function("app.handler", pythonpath=[site]) as function:
        found = [
            function.invoke({"do": "load", "module": name}).answer
            for name in ("there", "elsewhere")
        ]
    assert found == ["site", "linked"]


def test_everything_printed_is_kept_apart_by_invocation(
    function: LambdaFunction,
) -> None:
    for count in (1, 2):
        found = function.invoke({"do": "say"}, request_id=f"r-{count}")
        assert found.answer is None
        assert found.error is None
        by_logging = found.logs.pop(4)
        assert found.logs == [
            "plain",
            f'{{"level": "INFO", "count": {count}}}',
            "[1]",
            "3",
            "by a child",
        ]
        assert by_logging.startswith("[WARNING]\t")
        assert by_logging.endswith(f"\tr-{count}\tby logging")
        assert found.json_logs == [{"level": "INFO", "count": count}]


def test_logs_of_python_are_json_if_the_function_is_set_up_so(root: Path) -> None:
    with start(root, environment={"AWS_LAMBDA_LOG_FORMAT": "JSON"}) as function:
        found = function.invoke({"do": "say"}, request_id="r-1").json_logs[1]
    assert (found["message"], found["requestId"], found["level"]) == (
        "by logging",
        "r-1",
        "WARNING",
    )


def test_what_the_handler_raises_is_the_error_and_the_process_goes_on(
    function: LambdaFunction,
) -> None:
    found = function.invoke({"do": "fail"}, request_id="r-1")
    assert found.answer is None
    assert found.error is not None
    trace = found.error.pop("stackTrace")
    assert found.error == {
        "errorType": "LookupError",
        "errorMessage": "no such thing",
        "requestId": "r-1",
    }
    assert "in fail\n" in trace[-1]
    assert found.logs[0] == "before"
    assert found.logs[1].startswith(
        "[ERROR] LookupError: no such thing\rTraceback (most recent call last):\r"
    )
    assert len(found.logs) == 2  # a traceback is one entry
    assert not function.invoke({"do": "echo"}).cold


def test_a_process_that_ends_is_an_error_with_its_output_and_the_next_one_is_cold(
    function: LambdaFunction,
) -> None:
    found = function.invoke({"do": "leave"}, request_id="r-1")
    assert found.error == {
        "errorType": "Runtime.ExitError",
        "errorMessage": "RequestId: r-1 Error: Runtime exited with error: exit status 3",
        "stackTrace": [],
        "output": "before\n",
    }
    assert found.logs == ["before"]
    again = function.invoke({"do": "echo"})
    assert again.cold
    assert again.answer["count"] == 1


def test_a_process_may_be_killed_while_it_works(function: LambdaFunction) -> None:
    def kill() -> None:
        time.sleep(0.2)
        assert function.pid is not None
        os.kill(function.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    found = function.invoke({"do": "linger"}, request_id="r-1")
    killer.join()
    assert found.error is not None
    assert (
        found.error["errorMessage"]
        == "RequestId: r-1 Error: Runtime exited with error: signal: SIGKILL"
    )


def test_a_process_that_is_gone_between_two_events_is_started_again(
    function: LambdaFunction,
) -> None:
    function.invoke({"do": "echo"})
    function.kill()
    assert function.pid is None
    assert function.invoke({"do": "echo"}).cold


def test_the_time_is_up_as_in_lambda(function: LambdaFunction) -> None:
    found = function.invoke(
        {"do": "linger"}, remaining=timedelta(seconds=0.3), request_id="r-1"
    )
    assert found.error is not None
    assert found.error["errorType"] == "Sandbox.Timedout"
    assert (
        found.error["errorMessage"]
        == "RequestId: r-1 Task timed out after 0.30 seconds"
    )
    assert found.error["output"] == "before\n"
    assert function.pid is None
    assert function.invoke({"do": "echo"}).cold


def test_a_test_does_not_wait_for_fifteen_minutes(root: Path) -> None:
    with start(root) as function:
        function.invoke({"do": "echo"})
        function.patience = 1.0
        with pytest.raises(
            LambdaError,
            match=r"no answer within 1 s, though 0:15:00 were left; it printed:\nbefore\n",
        ):
            function.invoke({"do": "linger"})


def test_the_caller_s_context_arrives(function: LambdaFunction) -> None:
    found = function.invoke(
        {"do": "describe"}, client_context={"custom": {"tool": "x"}}
    ).answer
    assert found["tools"] == {"tool": "x"}


@pytest.mark.parametrize(
    ("handler", "error"),
    [
        (
            "absent.handler",
            "Runtime.ImportModuleError: Unable to import module 'absent': No module named 'absent'",
        ),
        (
            "app.absent",
            "Runtime.HandlerNotFound: Handler 'absent' missing on module 'app'",
        ),
        ("broken.handler", "ValueError: at import"),
    ],
)
def test_a_handler_that_does_not_load_is_told(
    root: Path, handler: str, error: str
) -> None:
    (root / "broken.py").write_text("print('loading')\nraise ValueError('at import')")
    with (
        pytest.raises(LambdaInitError) as raised,
        lambda_function(handler, task_root=root),
    ):
        pass
    assert str(raised.value).startswith(error)
    assert raised.value.error["errorType"] == error.partition(":")[0]
    assert (
        "the function printed:\nloading\n" in str(raised.value)
    ) == handler.startswith("broken")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (
            "import os; print('here', flush=True); os._exit(7)",
            r"process exited with error: exit status 7; it printed:\nhere\n",
        ),
        (
            "import os; os._exit(0)",
            "process exited without providing a reason; it printed:",
        ),
        (
            "import time; print('here', flush=True); time.sleep(60)",
            r"did not ask .* within 3 s; it printed:\nhere\n",
        ),
    ],
)
def test_a_process_that_never_asks_for_an_event_is_told(
    root: Path, code: str, told: str
) -> None:
    (root / "app.py").write_text(code)
    with (
        pytest.raises(LambdaError, match=told),
        start(root, patience=3.0 if "sleep" in code else 60.0),
    ):
        pass


def test_another_interpreter_runs_the_function(root: Path) -> None:
    other = next(
        (
            each
            for each in map(find_python, ("3.13", "3.12", "3.11"))
            if each != sys.executable
        ),
        None,
    )
    if other is None:
        pytest.skip("no other interpreter here")
    with start(root, python=other) as function:
        assert python_version(other).startswith(
            function.invoke({"do": "describe"}).answer["version"] + "."
        )


def test_nothing_is_left_of_a_function(root: Path) -> None:
    with start(root) as function:
        process, folder = function.pid, function.folder
        assert process is not None
        assert folder.exists()
    assert not folder.parent.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


@pytest.mark.skipif(
    sys.platform != "linux", reason="the kernel's doing, as Linux has it"
)
def test_the_function_goes_with_the_test_that_is_killed(
    root: Path, tmp_path: Path
) -> None:
    code = (
        "import sys, time; from pathlib import Path; from tests.support import lambda_function\n"
        f"with lambda_function('app.handler', task_root=Path({str(root)!r})) as f: print(f.pid, flush=True); time.sleep(60)"
    )
    test = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={
            **os.environ,
            "TMPDIR": str(tmp_path),
        },  # whoever is killed does not tidy up
    )
    assert test.stdout is not None
    with test.stdout:
        pid = int(test.stdout.readline())
    test.kill()
    test.wait()
    deadline = time.monotonic() + 5
    while _alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _alive(pid: int) -> bool:
    """Whether it runs; one that nobody has waited for yet does not."""
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        )
    except FileNotFoundError:
        return False


def test_the_daemon_collects_segment_documents(root: Path) -> None:
    sending = """
import os, socket
def handler(event, context):
    host, port = os.environ["AWS_XRAY_DAEMON_ADDRESS"].split(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(event["datagram"].encode(), (host, int(port)))
    return os.environ["_X_AMZN_TRACE_ID"]
"""
    (root / "app.py").write_text(sending)
    document = {"name": "part", "id": "70de5b6f19ff9a0a", "type": "subsegment"}
    with (
        xray_daemon() as daemon,
        start(root, environment=daemon.environment()) as function,
    ):
        trace = function.invoke(
            {"datagram": '{"format": "json", "version": 1}\n' + json.dumps(document)}
        ).answer
        function.invoke({"datagram": '{"format": "other"}\n{}'})
        assert daemon.wait(1) == [document]
        with pytest.raises(
            TimeoutError, match="1 of 2 segment documents came within 0.1 s"
        ):
            daemon.wait(2, timeout=0.1)
        assert daemon.unreadable == [b'{"format": "other"}\n{}']
    assert trace.startswith("Root=1-")
    assert trace.endswith(";Sampled=1")


def test_a_socket_of_the_daemon_is_its_own() -> None:
    with xray_daemon() as one, xray_daemon() as other:
        assert one.address != other.address
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out,
            pytest.raises(OSError, match="in use"),
        ):
            out.bind(("127.0.0.1", int(one.address.rpartition(":")[2])))


def test_what_cannot_be_installed_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(InstallError, match="cannot install ./absent: .* said:\n"):
        packages("./absent")
