"""Paper: a page as PDF, printed by Chromium."""

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
"""Names that it goes by."""

VARIABLE = "REPORTING_CHROMIUM"
"""Environment variable that says where it is."""

TIMEOUT_SECONDS = 120
"""Seconds that it may take."""

_DRAWING = 20_000
"""Milliseconds that a page may take to draw its charts, by a clock that waits for
nothing else.
"""

_A4 = "794,1123"
"""Pixels of a sheet: what is drawn to the width of the window fits it."""


def find_chromium(given: str | None) -> str:
    """Where Chromium is.

    Raises:
        PluginError: It is nowhere.
    """
    named = given or os.environ.get(VARIABLE)
    if named:
        if path := shutil.which(named):
            return path
        where = "--chromium" if given else VARIABLE
        raise PluginError(
            f"{where} {named}: there is no such program; --pdf needs Chromium or Chrome"
        )
    for name in PROGRAMS:
        if path := shutil.which(name):
            return path
    raise PluginError(
        f"--pdf needs Chromium, and there is none of {', '.join(PROGRAMS)}: install it"
        " (apt-get install chromium), or say where it is with --chromium or"
        f" {VARIABLE}; or print the HTML page from any browser"
    )


def print_page(html: str, chromium: str, patience: float = TIMEOUT_SECONDS) -> bytes:
    """The page as PDF.

    Raises:
        LocationError: Chromium gave none.
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
            command.insert(1, "--no-sandbox")  # it does not start as root otherwise
        try:
            done = subprocess.run(  # noqa: S603 - no shell
                command, capture_output=True, timeout=patience, check=False
            )
        except subprocess.TimeoutExpired:
            raise LocationError(
                f"{chromium} took longer than {patience} seconds; no PDF is written"
            ) from None
        except OSError as error:
            raise LocationError(
                f"{chromium}: {error.strerror}; no PDF is written"
            ) from error
        if done.returncode or not paper.exists():
            raise LocationError(
                f"{chromium} gave no PDF (exit code {done.returncode}); no PDF is"
                " written"
            )
        return paper.read_bytes()
