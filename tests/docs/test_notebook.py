"""The notebook of the how-to page, cell by cell."""

import ast
import json
import os
import subprocess
import sys

import pytest

from tests.docs.playing import DOCS, blocks
from tests.support.packages import InstallError, packages

PAGE = blocks((DOCS / "how-to" / "use-a-notebook.md").read_text())
CELLS = [block.text for block in PAGE if block.language == "python" and not block.title]

IPYTHON = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("config", "HistoryManager.enabled = False")
shown = []
for cell in json.loads(sys.argv[1]):
    done = shell.run_cell(cell)
    done.raise_error()
    shown.append(shell.display_formatter.format(done.result)[0])
print(json.dumps(shown))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for block in PAGE:
        if block.title:
            path = tmp_path / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("shop", None)


def test_each_cell_shows_what_the_page_says(folder, monkeypatch):
    monkeypatch.syspath_prepend(str(folder))
    names, shown = {}, []
    for cell in CELLS:
        *statements, last = ast.parse(cell).body
        exec(compile(ast.Module(statements, []), "cell", "exec"), names)
        assert isinstance(last, ast.Expr)
        shown.append(eval(compile(ast.Expression(last.value), "cell", "eval"), names))
    dry, wet, reasons, rows = shown
    assert (dry.dry_run, wet.dry_run) == (True, False)
    assert "<td>rejected</td><td>1</td>" in wet._repr_html_()
    assert reasons == [("missing", "placed_at", 1)]
    assert rows.height == 1


@pytest.mark.slow
def test_ipython_shows_the_result_as_tables(folder):
    try:
        site = packages("ipython>=9,<10")
    except InstallError as error:
        pytest.skip(str(error))
    path = os.pathsep.join([str(folder), str(site)])
    done = subprocess.run(
        [sys.executable, "-c", IPYTHON, json.dumps(CELLS)],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": path,
            "NO_COLOR": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    dry, wet, _, rows = json.loads(done.stdout.splitlines()[-1])
    assert dry["text/html"].startswith("<b>orders: ok, dry run</b>")
    assert "<td>missing</td><td>placed_at</td><td>1</td>" in wet["text/html"]
    assert "<table" in rows["text/html"]
