"""Pages that are played: their files written, their commands run in order, what they print compared with what is shown.

A fenced block with ``title="PATH"`` is a file; one of the language ``console`` holds commands, each behind ``$``, with
what they print. In what is shown, ``…`` stands for anything on a line, and alone on a line for any number of lines.
A command must fail if it is shown to print ``error:`` first, alone or behind a position in a file, and succeed otherwise.
Blocks of other languages without a title, such as ``sh``, are not run.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.prose.markdown import Block, blocks

__all__ = ["DOCS", "Block", "Player", "blocks"]

DOCS = Path(__file__).parents[2] / "docs"

_PIP = """#!/bin/sh
# An environment made by uv has no pip: uv does the same, into a folder on the path.
[ "$1" = install ] && shift
exec uv pip install --no-deps --target "$PLAYED_SITE" "$@"
"""


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a console block, with what it is shown to print."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines(keepends=True)
        end = next(at for at, line in enumerate(lines) if not line.endswith("\\\n"))
        yield "".join(lines[: end + 1]).strip(), "".join(lines[end + 1 :])


def pattern(shown: str) -> str:
    """A regular expression for what may stand in the place of what is shown."""
    lines = [
        r"(?:.*\n)*?"
        if line.strip() == "…"
        else re.escape(line.rstrip()).replace("…", ".*") + r" *\n"
        for line in shown.rstrip("\n").split("\n")
        if shown.strip()
    ]
    return "".join(lines)


class Player:
    """A reader at a terminal, in an empty folder.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, tools = folder / "work", folder / "tools"
        self._state = folder / "state"
        self.folder.mkdir()
        tools.mkdir()
        (tools / "pip").write_text(_PIP)
        (tools / "pip").chmod(0o755)
        programs = Path(sys.executable).parent
        site = folder / "site"
        site.mkdir()
        self.environment = {
            "PATH": os.pathsep.join([str(tools), str(programs), os.environ["PATH"]]),
            "HOME": str(folder),
            "PYTHONPATH": str(site),
            "PLAYED_SITE": str(site),
            "NO_COLOR": "1",
            "UV_OFFLINE": "1",
            "UV_QUIET": "1",
            "UV_CACHE_DIR": str(folder / "cache"),
            "UV_PYTHON": sys.executable,
        }

    def play(self, page: Sequence[Block]) -> list[str]:
        """Write the files and run the commands, in order; what was run."""
        done = []
        for block in page:
            if block.title:
                path = self.folder / block.title
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text)
            elif block.language == "console":
                for command, shown in commands(block.text):
                    self.check(command, shown)
                    done.append(command)
        return done

    def check(self, command: str, shown: str) -> None:
        """Run a command and compare."""
        script = f"[ ! -f {self._state} ] || . {self._state}\n{command}\ncode=$?\nexport -p > {self._state}\nexit $code"
        done = subprocess.run(
            [shutil.which("bash") or "sh", "-c", script],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        failed = re.match(r"([^:\s]+:\d+:\d+: )?error: ", shown) is not None
        assert (done.returncode != 0) == failed, f"$ {command}\n{done.stdout}"
        assert re.fullmatch(pattern(shown), done.stdout), (
            f"$ {command}\nshown:\n{shown}\nprinted:\n{done.stdout}"
        )
