"""Takes away what the answers leave out."""

import shutil
from pathlib import Path

SOURCE, VALIDATOR, SINK = "{{ cookiecutter.source }}", "{{ cookiecutter.validator }}", "{{ cookiecutter.sink }}"
PACKAGE = Path("src", "{{ cookiecutter.__package }}")
PUSHED = SOURCE in ("kinesis", "sqs")

LEFT_OUT = {
    PACKAGE / "source.py": SOURCE != "own",
    Path("tests/test_source.py"): SOURCE != "own",
    PACKAGE / "validator.py": VALIDATOR != "own",
    PACKAGE / "sink.py": SINK != "own",
    Path("tests/test_sink.py"): SINK != "own",
    Path("example/run.py"): SINK != "dynamodb-counters",
    Path("example/event.json"): not PUSHED,
    Path("example/records"): PUSHED,
    Path("example/records/january.csv"): SOURCE != "own",
    Path("example/records/february.csv"): SOURCE != "own",
    Path("example/records/january.json"): SOURCE != "object-store-json",
    Path("example/records/february.json"): SOURCE != "object-store-json",
    Path("terraform"): "{{ cookiecutter.terraform }}" != "True",
}

for path, leave_out in LEFT_OUT.items():
    if leave_out and path.is_dir():
        shutil.rmtree(path)
    elif leave_out:
        path.unlink(missing_ok=True)
