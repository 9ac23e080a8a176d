"""A real browser, and what it makes of a page: what it says, asks for, draws, and how accessible that is."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

from reporting_framework.cli.chromium import PROGRAMS

AXE = "4.14.1"
"""Version of axe-core."""

_MARKS = ".mark-rect path, .mark-symbol path, .mark-line path, .mark-rule line, .mark-bar path"


def chromium() -> str | None:
    """Where Chromium is on this machine, if anywhere."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


@contextmanager
def browser(program: str) -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        yield running
        running.close()


class Seen(NamedTuple):
    """A page that is open, with what it has said and asked for since."""

    page: Page
    said: list[str]
    asked: list[str]

    def marks(self) -> list[int]:
        """For each chart, how many marks are drawn in its SVG."""
        script = f"places => places.map(place => place.querySelectorAll('svg').length === 1 && place.querySelectorAll('{_MARKS}').length)"
        found: list[int] = self.page.eval_on_selector_all("figure .chart", script)
        return found

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        found: int = self.page.evaluate(
            "document.documentElement.scrollWidth - window.innerWidth"
        )
        return found

    def violations(self, axe: str) -> list[str]:
        """What axe-core objects to: each rule with the places it is about."""
        self.page.evaluate(axe)
        found: dict[str, Any] = self.page.evaluate(
            "axe.run(document, {resultTypes: ['violations']})"
        )
        return [
            f"{each['id']}: {json.dumps([node['target'] for node in each['nodes'][:3]])} {each['nodes'][0].get('failureSummary')}"
            for each in found["violations"]
        ]


@contextmanager
def opened(
    running: Browser, path: Path, *, width: int = 1400, dark: bool = False, **more: Any
) -> Iterator[Seen]:
    """A page of this machine, its charts drawn.

    Args:
        running: The browser.
        path: The file.
        width: Of the window, in pixels.
        dark: Whether the reader prefers dark.
        more: What else Playwright is to be told of the context.
    """
    page = running.new_page(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        **more,
    )
    seen = Seen(page, [], [])
    page.on(
        "console", lambda message: seen.said.append(f"{message.type}: {message.text}")
    )
    page.on("pageerror", lambda error: seen.said.append(f"error: {error}"))
    page.on("request", lambda request: seen.asked.append(request.url))
    page.goto(path.as_uri())
    if more.get("java_script_enabled", True):
        page.wait_for_selector("html[data-drawn]", timeout=60_000, state="attached")
    yield seen
    page.close()


def fetched_axe(folder: Path) -> str | None:
    """The text of axe-core from npm; None where there is no npm, or no registry."""
    npm = shutil.which("npm")
    if not npm:
        return None
    done = subprocess.run(
        [npm, "pack", "--silent", f"axe-core@{AXE}"],
        cwd=folder,
        capture_output=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        return None
    with tarfile.open(next(folder.glob("axe-core-*.tgz"))) as archive:
        member = archive.extractfile("package/axe.min.js")
        assert member is not None
        return member.read().decode()
