"""Evaluation of a schema's rules on rows, some of which may make a rule fail."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import polars as pl

from reporting_dataframely.schema_rules import SchemaRule
from reporting_framework.builtin.frame_faults import Fault, first_faults
from reporting_framework.builtin.reasons import VALIDATOR_ERROR

_log = logging.getLogger(__name__)


class RuleEvaluation:
    """Evaluation of the rules of a schema.

    Args:
        rules: The rules in their order.
        across: Whether some of them compare rows.

    Attributes:
        faults: The rules, and last the defect: a rule that raises an error.
    """

    def __init__(self, rules: Sequence[SchemaRule], *, across: bool) -> None:
        self._labels = [rule.label for rule in rules]
        self._broken = [Fault(~rule.valid, rule.name, rule.column) for rule in rules]
        self._across = across
        self._logged: set[str] = set()
        self.faults = [*self._broken, Fault(pl.lit(True), VALIDATOR_ERROR, None)]

    def first_broken(self, rows: pl.DataFrame) -> pl.Series:
        """Return the number of the first of `faults` of each row, null if none.

        A rule that raises an error for a row (a text that it cannot convert, say) is a
        defect of that row alone, unless rules compare rows: then of all rows.

        Args:
            rows: Rows in the types of the schema.
        """
        try:
            return first_faults(rows, self._broken)
        except MemoryError:  # the machine's fault, not the rows'
            raise
        except Exception:  # of a type that polars or a function of a rule has chosen
            if self._across or rows.height == 1:
                self._log_defects(rows)
                return pl.repeat(
                    len(self._broken), rows.height, dtype=pl.Int32, eager=True
                )
        half = rows.height // 2
        return pl.concat(map(self.first_broken, (rows[:half], rows[half:])))

    def _log_defects(self, rows: pl.DataFrame) -> None:
        """Log each rule that raises an error, once.

        The message of the error is not logged, as it may hold a value.
        """
        for label, fault in zip(self._labels, self._broken, strict=True):
            try:
                first_faults(rows, [fault])
            except Exception as error:
                if label not in self._logged:
                    self._logged.add(label)
                    _log.warning(
                        "validator dataframely: rule %s raised %s: such rows are"
                        " rejected as %s; correct the rule",
                        label,
                        type(error).__name__,
                        VALIDATOR_ERROR,
                    )
