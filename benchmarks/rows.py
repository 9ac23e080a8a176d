"""Rows of the table: what was found, and the bar that it is held to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.measure import PAIRS, Usage, middle, ratio

if TYPE_CHECKING:
    from benchmarks.bench import Bench


@dataclass(frozen=True)
class Row:
    """One line of the table: a ratio (or a number) and the bound that it is held to.

    `peak` is the peak memory of our program in bytes, if it is compared with before.
    """

    name: str
    what: str
    bound: float
    found: float
    measured: str
    at_least: bool = False  # else at most
    unit: str = "×"
    peak: float | None = None

    @property
    def held(self) -> bool:
        """True if the bar is held."""
        return self.found >= self.bound if self.at_least else self.found <= self.bound


@dataclass(frozen=True)
class Group:
    """Rows that are measured together."""

    names: tuple[str, ...]
    measure: "Callable[[Bench], Sequence[Row]]"


def compared(
    name: str,
    what: str,
    bound: float,
    ours: Sequence[Usage],
    others: Sequence[Usage],
    by: str,
    *,
    at_least: bool = False,
    more: str = "",
) -> Row:
    """Return the row of two programs that ran in turn.

    Args:
        name: The row's name.
        what: Words on what is compared.
        bound: The bar.
        ours: The runs of our program.
        others: The runs of the other one.
        by: The figure, as for `ratio`; in seconds.
        at_least: Whether the row says how many times as fast ours is, and not the
            share of the other's time that ours takes.
        more: Words to add to the figures.
    """
    found = ratio(others, ours, by) if at_least else ratio(ours, others, by)
    peaks = [megabytes(middle(usages, "peak")) for usages in (ours, others)]
    times = [seconds(middle(usages, by)) for usages in (ours, others)]
    measured = f"{' to '.join(times)}; {' to '.join(peaks)}"
    if len(ours) < PAIRS:
        measured += f"; {len(ours)} pairs"
    if more:
        measured += f"; {more}"
    peak = middle(ours, "peak")
    return Row(name, what, bound, found, measured, at_least=at_least, peak=peak)


def seconds(value: float) -> str:
    """Format a duration for people."""
    return f"{value:.2f} s"


def megabytes(value: float) -> str:
    """Format a size for people."""
    return f"{value / 1e6:.0f} MB"
