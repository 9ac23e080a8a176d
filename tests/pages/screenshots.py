"""Pictures of the monthly report for the documentation: `hatch run screenshots`."""

import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from reporting_event_log_checkpoint.page import MonthlyVisits
from tests.support import visits
from tests.support.browser import browser, chromium, opened

FOLDER = Path(__file__).parents[2] / "docs" / "assets" / "monthly-report"


class Shot(NamedTuple):
    """A picture: how wide the window is, from which part of the page on, and how much of it, in pixels."""

    width: int
    height: int
    part: str = ""
    dark: bool = False


SHOTS = {
    "desktop.png": Shot(1400, 1490),
    "dark.png": Shot(1400, 1440, part="pass-rates", dark=True),
    "phone.png": Shot(400, 1560),
    "phone-charts.png": Shot(400, 1560, part="pass-rates"),
}


def take(folder: Path) -> list[Path]:
    """Take all pictures; the files."""
    program = chromium()
    if program is None:
        raise SystemExit("there is no Chromium on this machine")
    found = []
    with tempfile.TemporaryDirectory() as scratch, browser(program) as running:
        page = Path(scratch, "page.html")
        page.write_text(
            MonthlyVisits(MonthlyVisits.Settings()).render(visits.material()),
            encoding="utf-8",
        )
        for name, shot in SHOTS.items():
            with opened(running, page, width=shot.width, dark=shot.dark) as seen:
                top = (
                    seen.page.locator(f"#{shot.part}").bounding_box()["y"] - 24
                    if shot.part
                    else 0
                )  # type: ignore[index]  # it is there
                clip = {"x": 0, "y": top, "width": shot.width, "height": shot.height}
                path = folder / name
                seen.page.screenshot(path=path, full_page=True, clip=clip)  # type: ignore[arg-type]  # a plain rectangle
                found.append(path)
    return found


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for each in take(FOLDER):
        sys.stdout.write(f"{each} {each.stat().st_size:,} bytes\n")
