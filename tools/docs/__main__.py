"""``hatch run docs:generate``: write the reference."""

from pathlib import Path

from tools.docs.reference import write

write(Path(__file__).parents[2] / "docs" / "reference")
