"""Options of ``reporting-run REPORT``.

Each report has the common options and one option for each plain setting.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

_DURATION = re.compile(
    r"(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?",
    re.ASCII | re.IGNORECASE,
)


class Duration(click.ParamType[float]):
    """A duration in seconds: ``90``, ``90s``, ``10m``, ``1h30m``, ``3d``."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Convert to a positive number of seconds."""
        if not isinstance(value, str):
            return float(value)
        match = _DURATION.fullmatch(value.strip())
        days, hours, minutes, rest = (
            (float(part or 0) for part in match.groups())
            if match
            else (0.0, 0.0, 0.0, 0.0)
        )
        seconds = days * 86_400 + hours * 3600 + minutes * 60 + rest
        if seconds <= 0:
            self.fail(
                f"{value!r} is not a duration; give seconds, or a value such as 10m or"
                " 1h30m",
                param,
                ctx,
            )
        return seconds


def generic_options() -> list[click.Parameter]:
    """Return the options that every report has."""
    return [
        click.Option(
            ["--format"],
            type=click.Choice(["text", "json"]),
            default="text",
            show_default=True,
            help="Output format: a table for people, or the RunResult as JSON.",
        ),
        *settings_sources(),
        click.Option(
            ["--events"],
            metavar="FILE...",
            multiple=True,
            type=click.Path(dir_okay=False),
            help=(
                "Take only the records that these trigger events name (JSON files with"
                " events as AWS Lambda gets them)."
            ),
        ),
        click.Argument(
            ["more_events"], nargs=-1, metavar="", type=click.Path(dir_okay=False)
        ),
        click.Option(
            ["--dry-run"],
            is_flag=True,
            help="Read and validate, but write nothing; print the expected result.",
        ),
        click.Option(
            ["--limit"],
            type=click.IntRange(min=1),
            metavar="N",
            help="With --dry-run: read at most this many records.  [default: 1000]",
        ),
        engine_option(),
        *limits("; the next run continues", ""),
        verbose_option(),
    ]


def engine_option() -> click.Option:
    """Return the option that selects the engine of a run."""
    return click.Option(
        ["--engine"],
        metavar="NAME",
        help=(
            "Engine that processes the splits, such as processes; --set"
            " engine.workers=2 and the like set it up.  [default: the report's]"
        ),
    )


def limits(keeps: str, fails: str) -> list[click.Parameter]:
    """Return the limits that all commands with a run have.

    Args:
        keeps: End of the help of ``--time-budget``: fate of the remaining records.
        fails: End of the condition in the help of ``--max-rejected``.
    """
    return [
        click.Option(
            ["--time-budget"],
            type=Duration(),
            metavar="TIME",
            help=f"Stop within this time, such as 10m; keep finished work{keeps}.",
        ),
        click.Option(
            ["--max-rejected"],
            type=click.IntRange(min=0),
            metavar="N",
            help=(
                f"Exit with 3 if more records are rejected{fails}; accepted records"
                " are kept."
            ),
        ),
        click.Option(["--quiet"], is_flag=True, help="Show no progress bar."),
    ]


def settings_sources() -> list[click.Option]:
    """Return the options that set any setting: ``--set`` and ``--config``."""
    return [
        click.Option(
            ["--set"],
            multiple=True,
            metavar="PATH=VALUE",
            help=(
                "Set any setting by its dotted path, such as"
                " sinks.0.uri=out/visits.parquet; repeatable."
            ),
        ),
        click.Option(
            ["--config"],
            metavar="FILE",
            type=click.Path(dir_okay=False),
            help=(
                "Configuration file.  [default: $REPORTING_CONFIG, else reporting.toml"
                " if it exists]"
            ),
        ),
    ]


def verbose_option() -> click.Option:
    """Return the option ``--verbose``."""
    return click.Option(
        ["--verbose"],
        is_flag=True,
        help="Log more, and show the messages of unexpected errors.",
    )


def shared_options() -> list[click.Option]:
    """Return the options of all commands on a report."""
    return [*settings_sources(), verbose_option()]


def as_of_option() -> click.Option:
    """Return the option that selects an earlier version of the table."""
    return click.Option(
        ["--as-of"],
        metavar="VERSION|TIME",
        help=(
            "Earlier version of the table: its number, or a time in ISO 8601. For sinks"
            " that keep versions."
        ),
    )


def limit_option(help_: str, default: int = 20) -> click.Option:
    """Return the option that limits how much is shown."""
    return click.Option(
        ["--limit"],
        type=click.IntRange(min=1),
        default=default,
        show_default=True,
        metavar="N",
        help=help_,
    )


def given_options(
    context: click.Context, values: Mapping[str, Any], names: Collection[str]
) -> dict[str, Any]:
    """Return the named options that were given on the command line."""
    return {
        key: value
        for key, value in values.items()
        if key in names
        and context.get_parameter_source(key) is ParameterSource.COMMANDLINE
    }


def settings_options(
    model: type[BaseModel], others: Sequence[click.Parameter] = ()
) -> Iterator[click.Option]:
    """Yield the options of a settings model.

    A field with a plain value or a list of plain values gets an option; tables can be
    set with ``--set``.

    Args:
        model: Settings model.
        others: Parameters of the same command; fields of the same name get no option.
    """
    from reporting_framework.config.error_messages import GENERIC_OPTIONS
    from reporting_framework.config.fields import fields_of, item_of, kind_of

    taken = GENERIC_OPTIONS | {option.name for option in others}
    for name, info in fields_of(model).items():
        kind = kind_of(info.annotation)
        single = item_of(info.annotation) if kind == "list" else info.annotation
        if info.json_schema_extra == {"option": False}:
            continue
        if (
            name not in taken
            and kind_of(single) not in ("table", "list")
            and name.isidentifier()
        ):
            yield _option(name, info, single, model, multiple=kind == "list")


def _option(
    name: str, info: FieldInfo, single: Any, model: type[BaseModel], *, multiple: bool
) -> click.Option:
    from reporting_framework.config.fields import choices_of, kind_of, metavar_of
    from reporting_framework.config.layers import option

    kind, flag = kind_of(single), option(name)
    more: dict[str, Any] = {"metavar": metavar_of(single)}
    if kind == "choice":
        more = {"type": click.Choice(list(choices_of(single)))}
    elif kind == "boolean" and not multiple:
        more = {"is_flag": True}
        flag = f"{flag}/--no-{flag.removeprefix('--')}"
    return click.Option(
        [name, flag],
        multiple=multiple,
        default=None,
        help=_help(name, info, model, multiple=multiple),
        **more,
    )


def _help(name: str, info: FieldInfo, model: type[BaseModel], *, multiple: bool) -> str:
    from reporting_framework.config.fields import holds_secret

    notes = []
    if published := getattr(model, "environment", {}).get(name):
        notes.append(f"env: {published}")
    if info.is_required():
        notes.append("required")
    elif (
        info.default not in (None, "", (), [])
        and not info.default_factory
        and not holds_secret(info.annotation)
    ):
        notes.append(f"default: {_shown(info.default)}")
    if multiple:
        notes.append("repeatable")
    return "  ".join(
        part
        for part in (info.description or "", f"[{'; '.join(notes)}]" if notes else "")
        if part
    )


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(map(str, value))
    return str(getattr(value, "value", value))


def unparsed_value(option: str, args: Sequence[str]) -> str | None:
    """Return the value of an option in arguments that are not parsed yet."""
    match = None
    for number, word in enumerate(args):
        if word == "--":
            break
        if word == option and number + 1 < len(args):
            match = args[number + 1]
        elif word.startswith(f"{option}="):
            match = word.partition("=")[2]
    return match
