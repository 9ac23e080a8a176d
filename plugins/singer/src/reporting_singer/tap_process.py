"""A tap as a process of its own: its output in chunks, and its end."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from reporting_framework.errors import SettingsError
from reporting_singer.problems import TapFailed
from reporting_singer.tap_log import TapLog

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

CHUNK = 256 * 1024
"""Maximum number of bytes of one read."""

HEARTBEAT = 1.0
"""Seconds without output after which an empty chunk comes."""

MAX_LEFT = 16
"""Maximum number of reads of what is left of a log: more is of another process."""

MAX_TICK = 0.05
"""Maximum number of seconds between two looks at a tap that should end."""


class TapProcess:
    """Process of a tap, in a process group of its own.

    The tap is held up while its output is not read, so that memory is bounded.

    Args:
        command: Program and arguments.
        environment: All its environment variables.
        log: Log for its stderr.
        idle_timeout: Seconds without any output after which it is taken to hang.
        stop_timeout: Seconds to end after SIGTERM.

    Raises:
        SettingsError: The program cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: TapLog,
        *,
        idle_timeout: float,
        stop_timeout: float,
    ) -> None:
        self._log = log
        self._idle_timeout, self._stop_timeout = idle_timeout, stop_timeout
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the tap of the settings
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(environment),
                start_new_session=True,
                bufsize=0,
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no valid name"
            raise SettingsError(
                f"source singer: command: {command[0]} cannot be started ({reason});"
                " install the tap, or correct its path"
            ) from error
        self._selector = selectors.DefaultSelector()
        for stream in (self._process.stdout, self._process.stderr):
            self._selector.register(stream, selectors.EVENT_READ)  # type: ignore[arg-type]

    def chunks(self) -> Iterator[bytes]:
        """Yield the output; an empty chunk if there is none for a second.

        A log is no output here, but a tap that logs does not hang.

        Raises:
            TapFailed: There was no output for too long.
        """
        output = self._process.stdout
        idle_since = silent_since = time.monotonic()
        while True:
            ready = self._ready(HEARTBEAT)
            if ready:
                idle_since = time.monotonic()
            if self._process.stderr in ready:
                self._read_log()
            if output in ready:
                chunk = os.read(output.fileno(), CHUNK)
                if not chunk:
                    self._selector.unregister(output)
                    return
                yield chunk
            elif ready and time.monotonic() - silent_since < HEARTBEAT:
                continue  # it has only logged
            elif self._has_ended() and output not in self._ready(0):
                return  # a process that it has left behind holds its output open
            else:
                yield b""
                if not ready and time.monotonic() - idle_since > self._idle_timeout:
                    raise TapFailed(
                        f"no output for {self._idle_timeout:g} seconds; raise"
                        " idle_timeout if the tap needs that long"
                    )
            silent_since = time.monotonic()

    def finish(self) -> int:
        """Wait for the end of a tap that has closed its output; return its exit code.

        A tap that does not end is stopped.
        """
        self._wait()
        self.stop()
        return int(self._process.returncode)

    def stop(self) -> None:
        """End the tap and all that it has started: SIGTERM, then SIGKILL."""
        if self._process.returncode is not None:
            return
        if not self._has_ended():
            self._signal(signal.SIGTERM)
            self._wait()
        self._signal(signal.SIGKILL)  # before it is reaped: the group is its own
        self._process.wait()
        self._drain_log()

    def close(self) -> None:
        """Stop the tap if it runs, and release its pipes."""
        self.stop()
        self._selector.close()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _has_ended(self) -> bool:
        """Return whether the tap has ended, without reaping it."""
        if self._process.returncode is not None:
            return True
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self._process.pid, options) is not None

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _wait(self) -> None:
        """Wait for the end of the tap, as long as it has to end; read its log."""
        output = self._process.stdout
        if output in self._registered():  # a tap that is writing must end, too
            self._selector.unregister(output)  # type: ignore[arg-type]
            output.close()  # type: ignore[union-attr]
        until, tick = time.monotonic() + self._stop_timeout, 0.001
        while not self._has_ended() and time.monotonic() < until:
            if self._process.stderr not in self._registered():
                time.sleep(tick)
            elif self._selector.select(tick):
                self._read_log()
            tick = min(2 * tick, MAX_TICK)

    def _ready(self, seconds: float) -> set[FileDescriptorLike]:
        return {key.fileobj for key, _ in self._selector.select(seconds)}

    def _registered(self) -> list[object]:
        return [key.fileobj for key in self._selector.get_map().values()]

    def _drain_log(self) -> None:
        """Read what is left of the log; another process may hold it open."""
        for _ in range(MAX_LEFT):
            if self._process.stderr not in self._ready(0):
                break
            self._read_log()
        self._log.add(b"")

    def _read_log(self) -> None:
        errors = self._process.stderr
        data = os.read(errors.fileno(), CHUNK)  # type: ignore[union-attr]
        if data:
            self._log.add(data)
        else:
            self._selector.unregister(errors)  # type: ignore[arg-type]
