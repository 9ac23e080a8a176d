"""The answer sets: each makes a package, of which everything is tried."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from reporting_framework.scaffolding.rendering import render

FOLDER = Path(__file__).with_name("answers")
MODULES = (Path(__file__).parents[2] / "terraform" / "modules" / "{module}").as_posix()


class AnswerSet(NamedTuple):
    """Answers to all that is asked.

    Attributes:
        id: The file's name.
        template: Name of the template.
        answers: The answers, by variable.
    """

    id: str
    template: str
    answers: dict[str, Any]

    @property
    def name(self) -> str:
        """Name of the package."""
        return str(self.answers["name"])

    @property
    def package(self) -> str:
        """Name of the import package."""
        return self.name.replace("-", "_")

    def made(self, out: Path) -> Path:
        """Make the package in a folder."""
        more = {"modules": MODULES} if self.template == "reporting-lambda" else {}
        return render(self.template, self.answers | more, out, None)


ANSWER_SETS = [
    AnswerSet(path.stem, **json.loads(path.read_text(encoding="utf-8"))) for path in sorted(FOLDER.glob("*.json"))
]
