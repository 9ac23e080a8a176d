"""Pages printed as PDF by Chromium."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from reporting_framework.errors import LocationError, PluginError
from reporting_framework.storage.temporary import temporary_folder

PROGRAMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
)
"""Names of Chromium's program."""

VARIABLE = "REPORTING_CHROMIUM"
"""Environment variable with the path of Chromium."""

TIMEOUT_SECONDS = 120
"""Seconds that printing a page may take."""

_DRAWING = 20_000
"""Milliseconds that a page may take to draw its charts.

Measured by Chromium's virtual clock, which runs on while the page waits.
"""

_A4 = "794,1123"
"""Pixels of a sheet; content drawn to the width of the window fits the paper."""


def find_chromium(given: str | None) -> str:
    """Return the path of Chromium.

    Raises:
        PluginError: Chromium was not found.
    """
    named = given or os.environ.get(VARIABLE)
    if named:
        if path := shutil.which(named):
            return path
        where = "--chromium" if given else VARIABLE
        raise PluginError(
            f"{where} {named}: no such program; install Chromium or Chrome for --pdf"
        )
    for name in PROGRAMS:
        if path := shutil.which(name):
            return path
    raise PluginError(
        f"--pdf: Chromium was not found (looked for {', '.join(PROGRAMS)}); install"
        " it (apt-get install chromium), or pass its path with --chromium or"
        f" {VARIABLE}, or print the HTML page from a browser"
    )


def print_page(html: str, chromium: str, patience: float = TIMEOUT_SECONDS) -> bytes:
    """Return the page as PDF.

    Raises:
        LocationError: Chromium failed, or took too long.
    """
    with temporary_folder("pdf") as folder:
        page, paper = Path(folder, "page.html"), Path(folder, "page.pdf")
        page.write_text(html, encoding="utf-8")
        command = [
            chromium,
            "--headless",
            "--disable-gpu",
            "--disable-extensions",
            "--disable-background-networking",
            "--no-first-run",
            f"--user-data-dir={Path(folder, 'profile')}",
            f"--window-size={_A4}",
            f"--virtual-time-budget={_DRAWING}",
            "--no-pdf-header-footer",
            f"--print-to-pdf={paper}",
            page.as_uri(),
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")  # root cannot start Chromium otherwise
        try:
            done = subprocess.run(  # noqa: S603 - no shell
                command, capture_output=True, timeout=patience, check=False
            )
        except subprocess.TimeoutExpired:
            raise LocationError(
                f"{chromium}: took longer than {patience} seconds; no PDF was written"
            ) from None
        except OSError as error:
            raise LocationError(
                f"{chromium}: {error.strerror}; no PDF was written"
            ) from error
        if done.returncode or not paper.exists():
            raise LocationError(
                f"{chromium}: printed no PDF (exit code {done.returncode}); no PDF was"
                " written"
            )
        return paper.read_bytes()
