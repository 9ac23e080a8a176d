"""A tap under the settings of a source: how it is started, and what it is called."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reporting_framework.errors import SettingsError
from reporting_singer.environments import (
    cache_folder,
    clean_environment,
    tap_program,
)
from reporting_singer.private_files import PrivateFiles
from reporting_singer.secrets import resolved
from reporting_singer.settings import SingerSettings
from reporting_singer.tap_log import TapLog
from reporting_singer.tap_process import TapProcess


class Tap:
    """Tap of a source.

    Args:
        settings: Settings of the source.
    """

    def __init__(self, settings: SingerSettings) -> None:
        self._settings = settings
        self._command: Sequence[str] | None = None

    @property
    def name(self) -> str:
        """Name for messages."""
        return Path(self.command[0]).name

    @property
    def command(self) -> Sequence[str]:
        """Program and arguments; the program is installed first if necessary.

        Raises:
            SettingsError: There is no such program, or it cannot be installed.
            StorageUnavailable: It cannot be installed for now.
        """
        if self._command is None:
            self._command = self._found()
        return self._command

    @contextmanager
    def started(
        self, files: PrivateFiles, *arguments: str
    ) -> Iterator[tuple[TapProcess, TapLog]]:
        """Start the tap, and stop it in the end.

        Args:
            files: Place for its configuration.
            arguments: Further arguments.
        """
        settings = self._settings
        words = list(self.command)
        if settings.config is not None:
            words += ["--config", files.write("config.json", resolved(settings.config))]
        log = TapLog(self.name, show=settings.log_text)
        process = TapProcess(
            [*words, *arguments],
            {**clean_environment(), **resolved(settings.env)},
            log,
            idle_timeout=settings.idle_timeout,
            stop_timeout=settings.stop_timeout,
        )
        try:
            yield process, log
        finally:
            process.close()

    def _found(self) -> Sequence[str]:
        settings = self._settings
        if settings.pip_url is not None:
            folder = cache_folder(settings.environments)
            return [
                tap_program(
                    settings.pip_url, settings.executable, settings.python, folder
                )
            ]
        program = shutil.which(settings.command[0])
        if program is None:
            raise SettingsError(
                f"source singer: command: there is no program {settings.command[0]};"
                " install the tap, correct its path, or give pip_url",
                path=("command",),
            )
        return [program, *settings.command[1:]]

    def key(self) -> Any:
        """Return data that is the same for taps that discover the same."""
        return self._settings.model_dump_json(
            include={
                "command", "pip_url", "executable", "python", "environments", "config",
                "env", "catalog", "discover", "streams",
            }
        )  # fmt: skip
