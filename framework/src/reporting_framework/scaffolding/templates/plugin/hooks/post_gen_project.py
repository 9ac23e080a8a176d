"""Takes away what belongs to other roles."""

from pathlib import Path

ROLE = "{{ cookiecutter.role }}"
PACKAGE = Path("src", "{{ cookiecutter.__package }}")

for role in ("source", "validator", "transform", "sink", "engine", "observer"):
    if role != ROLE:
        (PACKAGE / f"{role}.py").unlink()
        Path("tests", f"test_{role}.py").unlink()
if ROLE != "validator":
    (PACKAGE / "models.py").unlink()
