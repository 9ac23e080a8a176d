"""Settings of the source ``singer``."""

from __future__ import annotations

import shlex
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from reporting_framework.plugin_api.settings import Settings
from reporting_singer.secrets import check_references

MEBIBYTE = 1024 * 1024


class SingerSettings(Settings):
    """Settings of the source ``singer``."""

    program_fields: ClassVar[tuple[str, ...]] = ("command",)

    command: tuple[str, ...] = Field(
        (),
        description=(
            "Program of the tap and its arguments, such as ['tap-jsonl', '--config',"
            " 'tap.json']; no shell is involved"
        ),
    )
    pip_url: str | None = Field(
        None,
        description=(
            "Requirements to install the tap from, such as tap-jsonl==0.3.1, into an"
            " environment of its own; in place of command"
        ),
    )
    executable: str | None = Field(
        None,
        description=(
            "Program in the environment of pip_url; unless set, the one named like the"
            " package, or the only one that begins with tap-"
        ),
    )
    python: str | None = Field(
        None,
        description=(
            "Interpreter for the environment of pip_url; unless set, the present one"
        ),
    )
    environments: str | None = Field(
        None,
        description=(
            "Folder of the environments of pip_url; unless set, reporting-singer in the"
            " user's cache folder"
        ),
    )
    config: dict[str, Any] | None = Field(
        None,
        repr=False,
        description=(
            "Configuration of the tap; texts such as secret:env:NAME are replaced with"
            " the secret. The tap gets it as a private temporary file"
        ),
    )
    env: dict[str, str] = Field(
        {},
        repr=False,
        description=(
            "Environment variables of the tap, in addition to those of the process;"
            " secret:env:NAME and the like are replaced"
        ),
    )
    streams: tuple[str, ...] = Field(
        ("*",),
        min_length=1,
        description=(
            "Streams to read: names or patterns such as public-*; a leading ! excludes"
        ),
    )
    keys: dict[str, tuple[str, ...]] = Field(
        {},
        description=(
            "Key columns by stream or pattern, for taps that declare none or others"
        ),
    )
    metadata: dict[str, dict[str, Any]] = Field(
        {},
        description=(
            "Metadata of the catalog by stream or pattern, such as { 'public-*' = {"
            " replication-method = 'INCREMENTAL', replication-key = 'updated_at' } }"
        ),
    )
    schemas: dict[str, dict[str, dict[str, Any]]] = Field(
        {},
        description=(
            "JSON Schema of columns by stream or pattern, added to that of the tap,"
            " such as { 'public-orders' = { price = { multipleOf = 0.01 } } }"
        ),
    )
    catalog: str | None = Field(
        None,
        description="File with the tap's catalog; unless set, the tap's discovery",
    )
    discover: bool = Field(
        True,
        description=(
            "Whether the tap has --discover. Otherwise streams must be names, and"
            " unless there is a catalog, a first start of the tap reads their columns"
        ),
    )
    catalog_option: Literal["--catalog", "--properties"] = Field(
        "--catalog",
        description="Option of the tap that takes the catalog; old taps: --properties",
    )
    full_scan: bool = Field(
        False,
        description="Whether the tap starts without its state, and reads everything",
    )
    max_seconds: float | None = Field(
        None,
        gt=0,
        description=(
            "Seconds after which the tap is ended; what it has covered with a state is"
            " kept, and the next run continues"
        ),
    )
    idle_timeout: float = Field(
        3600,
        gt=0,
        description="Seconds without any output after which a tap is taken to hang",
    )
    stop_timeout: float = Field(
        10,
        ge=0,
        description="Seconds that a tap has to end after SIGTERM; then it is killed",
    )
    max_line_bytes: int = Field(
        64 * MEBIBYTE,
        ge=1024,
        description="Largest line of the tap's output; a larger one ends the reading",
    )
    batch_rows: int = Field(
        20_000,
        ge=1,
        description=(
            "Records after which a state of the tap ends a batch; without a state,"
            " twice as many do"
        ),
    )
    log_text: bool = Field(
        False,
        description=(
            "Whether the tap's own log is shown. It may hold values of records; unless"
            " set, its lines are only counted"
        ),
    )

    @field_validator("config", "env")
    @classmethod
    def _has_valid_references(cls, value: Any) -> Any:
        check_references(value)
        return value

    @field_validator("pip_url")
    @classmethod
    def _is_requirements(cls, value: str | None) -> str | None:
        words = shlex.split(value) if value is not None else ["-"]
        if value is not None and not words:
            raise ValueError("no requirement; give one such as tap-jsonl==0.3.1")
        if value is not None and any(word.startswith("-") for word in words):
            raise ValueError(
                "an option among the requirements; set it with a variable of pip or"
                " uv, such as PIP_INDEX_URL or UV_INDEX_URL"
            )
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> SingerSettings:
        if bool(self.command) == (self.pip_url is not None):
            raise ValueError("one of command and pip_url is needed; give one of them")
        if self.config is not None and "--config" in self.command:
            raise ValueError(
                "config: command has --config, too; give the tap one configuration"
            )
        patterns = [name for name in self.streams if set(name) & set("*?[!")]
        if not self.discover and self.catalog is None and patterns:
            raise ValueError(
                f"streams: {patterns[0]} is a pattern, and discover is false; name the"
                " streams, or give a catalog"
            )
        return self
