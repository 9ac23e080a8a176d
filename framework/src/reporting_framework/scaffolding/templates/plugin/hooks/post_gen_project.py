"""Takes away what belongs to other roles."""

from pathlib import Path

MODULE = "{{ cookiecutter.__module }}"
PACKAGE = Path("src", "{{ cookiecutter.__package }}")

for test in Path("tests").glob("test_*.py"):
    module = test.stem.removeprefix("test_")
    if module not in ("plugin", MODULE):
        (PACKAGE / f"{module}.py").unlink()
        test.unlink()
if MODULE != "validator":
    (PACKAGE / "models.py").unlink()
