"""Ctrl-C for a command that runs as a process of its own."""

import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


def assert_interrupted(
    command: Sequence[str | Path],
    wait_until_busy: Callable[[], object],
    env: Mapping[str, str] | None = None,
) -> None:
    """Interrupt a command while it is busy: it must say so and end with 130."""
    started = subprocess.Popen(
        command,
        env=env,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.SIG_DFL
        ),  # a job in the background ignores it
    )
    try:
        wait_until_busy()
        started.send_signal(signal.SIGINT)
        assert started.communicate(timeout=60)[1] == "interrupted\n"
    finally:
        started.kill()
    assert started.returncode == 130
