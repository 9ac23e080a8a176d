"""What a function finds on start in Lambda: its variables, and the folders that its modules come from."""

import time
import uuid
from collections.abc import Sequence
from pathlib import Path

NAME = "AWS_LAMBDA_FUNCTION_NAME"


def variables(
    handler: str,
    root: Path,
    runtime: Path,
    version: str,
    name: str,
    memory_size: int,
    region: str,
) -> dict[str, str]:
    """See https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, "Defined runtime variables"."""
    return {
        "_HANDLER": handler,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{version}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_size),
        NAME: name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"{time.strftime('%Y/%m/%d', time.gmtime())}/[$LATEST]{uuid.uuid4().hex}",
        "AWS_REGION": region,
        "LAMBDA_RUNTIME_DIR": str(runtime),
        "LAMBDA_TASK_ROOT": str(root),
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "TZ": ":UTC",
    }


def layered(layers: Sequence[Path], version: str) -> list[Path]:
    """The folders of modules in layers; the last layer first, as it overwrites the earlier ones in Lambda."""
    places = [
        layer / "python" / inner
        for layer in reversed(layers)
        for inner in (f"lib/python{version}/site-packages", "")
    ]
    return [place for place in places if place.is_dir()]


def linked(folders: Sequence[Path | str]) -> list[Path]:
    """These folders, each with those that its `.pth` files name, which is how editable installations are found."""
    found: list[Path] = []
    for folder in map(Path, folders):
        lines = [
            line.strip()
            for file in sorted(folder.glob("*.pth"))
            for line in file.read_text().splitlines()
        ]
        named = [
            folder / line
            for line in lines
            if line and not line.startswith(("#", "import "))
        ]
        found += [folder, *filter(Path.is_dir, named)]
    return found
