"""Base class of checks, and what a check is given and returns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from reporting_framework.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import polars as pl

    from reporting_framework.checks.rows import Rows
    from reporting_framework.checks.settings import CheckSettings


class Aggregate(NamedTuple):
    """Number or moment that one pass over the rows yields.

    Attributes:
        expression: Expression that returns one value.
        combined: How the values of several parts of the rows become one.
    """

    expression: pl.Expr
    combined: Literal["sum", "max"] = "sum"


class RunFacts(NamedTuple):
    """Facts about a run that checks depend on.

    Attributes:
        at: Time at which the run began (aware, UTC).
        partial: Why the rows are not all that there are, as in ``the run is
            incomplete``; empty if they are.
        earlier: Numbers of rows of earlier complete runs, the latest first, by name of
            the check.
    """

    at: datetime
    partial: str
    earlier: Mapping[str, Sequence[int]]


class Verdict(NamedTuple):
    """Verdict of a check.

    Attributes:
        passed: Whether it passed; `None` if it was not judged.
        measured: Numbers that were measured; never a value of a record.
        problem: What is wrong, or why it was not judged; empty if it passed.
    """

    passed: bool | None
    measured: Mapping[str, int | float | None]
    problem: str = ""


class Check(ABC):
    """Base class of checks.

    Args:
        settings: Its settings.

    Attributes:
        kind: Name of the check in settings.
        Settings: Model of its settings.
        blocks: Whether a failed check of severity ``fail`` stops the commit in every
            write mode; if not, only in ``replace``, and otherwise the run fails after
            the commit.
    """

    kind: ClassVar[str]
    Settings: ClassVar[type[CheckSettings]]
    blocks: ClassVar[bool] = True

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    @property
    def columns(self) -> Sequence[str]:
        """Columns that the check reads."""
        named = getattr(self.settings, "columns", None)
        column = getattr(self.settings, "column", None)
        return named or ((column,) if column else ())

    @property
    def name(self) -> str:
        """Name in results."""
        columns = f"({', '.join(self.columns)})" if self.columns else ""
        return self.settings.name or f"{self.kind}{columns}"

    def bind(self, schema: pl.Schema) -> None:  # noqa: B027 - optional
        """Check that the settings fit the columns of the report.

        Raises:
            SettingsError: They do not.
        """

    def aggregates(self, facts: RunFacts) -> Sequence[Aggregate]:
        """Return what one pass over the rows, shared by all checks, should yield."""
        return ()

    @abstractmethod
    def judge(self, values: Sequence[Any], rows: Rows, facts: RunFacts) -> Verdict:
        """Return the verdict.

        Args:
            values: Values of `aggregates`, in their order.
            rows: The rows.
            facts: Facts about the run.
        """

    def refuse(self, problem: str) -> SettingsError:
        """Return an error about the settings."""
        return SettingsError(f"check {self.name}: {problem}")


def shown(count: int) -> str:
    """Return a number of rows with its noun."""
    return f"{count:,} row" + ("" if count == 1 else "s")


def failing_rows(which: str, failing: int, rows: int) -> Verdict:
    """Return the verdict of a check that no row may fail.

    Args:
        which: The rows that fail, such as ``rows with a null``.
        failing: Their number.
        rows: Number of all rows.
    """
    measured = {"rows": rows, "failing": failing}
    problem = f"{which}: {failing:,} of {rows:,}" if failing else ""
    return Verdict(not failing, measured, problem)
