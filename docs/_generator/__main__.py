"""``hatch run docs:generate``: write the reference."""

from pathlib import Path

from docs._generator.reference import write

write(Path(__file__).parents[1] / "reference")
