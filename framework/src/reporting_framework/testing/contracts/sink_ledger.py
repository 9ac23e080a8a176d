"""Promises of a sink's ledger; a part of `SinkContract`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from reporting_framework.plugin_api.ledger import DatedLedger
from reporting_framework.plugin_api.records import (
    SOURCE_KEY,
    object_of,
)
from reporting_framework.testing.contracts.base import (
    assert_no_value_shown,
    few,
    not_promised,
)
from reporting_framework.testing.faults.calls import Faults, each_fault
from reporting_framework.testing.harness.sink_harness import Place


class LedgerContract:
    """Promises of `Sink.ledger`."""

    _faults: Any

    def test_the_ledger_is_what_is_visible(self, place: Place) -> None:
        """Check that the ledger has exactly the objects of all committed rows.

        Its results are in the order of the argument.
        """
        ledger = self._ledger(place)
        objects = [*map(object_of, place.rows(range(8))[SOURCE_KEY].to_list())]
        assert (ledger.rows, ledger.newest) == (
            0,
            None,
        ), "a ledger of nothing has no rows and no newest"
        assert ledger.filter_new(objects) == objects, (
            "a ledger of nothing knows no object"
        )
        place.run(range(0, 8, 2))
        sink, _ = place.staged(range(1, 8, 2))
        ledger = sink.ledger()
        assert ledger.rows == 4, (
            f"the ledger is what is visible: it tells {ledger.rows} rows of 4"
        )
        wanted = list(reversed(objects))
        due = [name for name in wanted if objects.index(name) % 2]
        assert ledger.filter_new(wanted) == due, (
            f"the ledger is what is visible: unseen {few(ledger.filter_new(wanted))}"
        )
        newest = ledger.newest
        assert newest is None or newest.utcoffset() is not None, (
            "the newest timestamp has a time zone"
        )
        if newest is not None and isinstance(ledger, DatedLedger):
            assert ledger.newest_until(newest) == newest, (
                "the newest timestamp until it is the newest"
            )
            before = ledger.newest_until(newest - timedelta(microseconds=1))
            assert before is None or before < newest, (
                "the newest timestamp until a moment is not after it"
            )
        sink.close()

    @pytest.mark.faults
    def test_an_error_is_not_an_absence(
        self, place: Place, faults: Faults | None
    ) -> None:
        """Check that a fault while the ledger is read is an error.

        Any call may fail: the result is an error of the right type, or the whole
        ledger.
        """
        self._ledger(place)
        place.run(range(3))
        for attempt in each_fault(self._faults(faults)):
            ledger = attempt.run(lambda: place.opened(with_ledger=False).ledger())
            if attempt.error is None:
                assert ledger.rows == 3, (
                    f"an error is not an absence: {attempt} left a ledger of"
                    f" {ledger.rows} rows"
                )
            assert_no_value_shown({f"the error of {attempt}": attempt.error})
        place.shows(range(3), "reading the ledger changes nothing")

    def _ledger(self, place: Place) -> Any:
        ledger = place.opened(with_ledger=False).ledger()
        if ledger is None:
            not_promised("it keeps no ledger")
        return ledger
