"""The report ``toy``."""

# ruff: noqa: RUF012

import enum
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from reporting_framework import PipelineSpec, PluginRef, Report, SettingsError
from reporting_framework.plugin_api.settings import Settings


class Shade(enum.Enum):
    LIGHT = "light"
    DARK = "dark"


class Fine(BaseModel):
    model_config = ConfigDict(extra="forbid")

    level: int = 1


class ToySettings(Settings):
    environment: ClassVar[dict[str, str]] = {
        "target": "TOY_TARGET",
        "folder": "TOY_FOLDER",
    }
    alternatives: ClassVar[dict[str, tuple[str, ...]]] = {"target": ("folder", "file")}

    target: str = Field(description="Where the numbers go")
    folder: str | None = Field(None, description="Folder of the target")
    file: str = Field("numbers.txt", description="File name of the target")
    count: int = Field(10, ge=0, description="How many numbers")
    bad: int = Field(0, description="How many of them are bad")
    unread: int = 0
    seconds: float = 0.0
    mode: Literal["good", "value", "interrupt", "eof", "pipe", "denied", "late"] = (
        Field("good", description="What happens")
    )
    shade: Shade = Shade.LIGHT
    labels: tuple[str, ...] = Field((), description="Labels")
    sizes: list[int] = [1, 2]
    strict: bool = Field(False, description="Be strict")
    password: SecretStr | None = Field(None, description="A secret")
    fine: Fine = Fine()
    limit: int = 5

    @model_validator(mode="before")
    @classmethod
    def _target(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("folder") and "target" not in data:
            return {
                **data,
                "target": f"{data['folder']}/{data.get('file', 'numbers.txt')}",
            }
        return data

    @model_validator(mode="after")
    def _enough(self) -> "ToySettings":
        if self.bad > self.count:
            raise ValueError("bad may not be more than count")
        return self


class Toy(Report):
    name = "toy"
    summary = "numbers into a file"
    Settings = ToySettings

    def compose(self, settings: ToySettings) -> PipelineSpec:
        if settings.fine.level == 13:
            raise RuntimeError("SECRET-VALUE")
        if settings.fine.level == 14:
            raise SettingsError("toy: level 14 needs a target on a boat")
        numbers = {
            each: getattr(settings, each)
            for each in ("count", "bad", "unread", "seconds", "mode")
        }
        return PipelineSpec(
            source=PluginRef("toy-numbers", numbers),
            validator=PluginRef("toy-number"),
            sinks=[
                PluginRef(
                    "toy-file",
                    {"uri": settings.target, "late": settings.mode == "late"},
                )
            ],
        )
