"""Price table: prices of requests and of Lambda, with their date and region."""

from __future__ import annotations

import tomllib
from datetime import date
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reporting_framework.errors import SettingsError

BUILT_IN = "prices.toml"
"""Name of the price table that is part of the package."""


class PriceTable(BaseModel):
    """Prices and assumed speed, from a TOML file whose keys are these fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    date: date
    region: str = Field(min_length=1)
    currency: str = Field(min_length=1)
    list_request: float = Field(ge=0, allow_inf_nan=False)
    get_request: float = Field(ge=0, allow_inf_nan=False)
    lambda_request: float = Field(ge=0, allow_inf_nan=False)
    lambda_gb_second: float = Field(ge=0, allow_inf_nan=False)
    lambda_memory_mb: int = Field(ge=128, le=10_240)
    objects_per_second: float = Field(gt=0, allow_inf_nan=False)
    bytes_per_second: float = Field(gt=0, allow_inf_nan=False)


def read_price_table(path: Path | None = None) -> PriceTable:
    """Read a price table; without a path, the one of this package.

    Raises:
        SettingsError: The file cannot be read, or a field is missing, unknown or wrong.
    """
    subject = f"price table {path or BUILT_IN}"
    try:
        text = (path or files(__package__) / BUILT_IN).read_text(encoding="utf-8")
        return PriceTable.model_validate(tomllib.loads(text))
    except OSError as error:
        raise SettingsError(f"{subject}: {error.strerror}; check the path") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{subject}: not a TOML file: {error}; fix it") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise SettingsError(
            f"{subject}: {place}: {first['msg']}; the fields are"
            f" {', '.join(PriceTable.model_fields)}"
        ) from error
