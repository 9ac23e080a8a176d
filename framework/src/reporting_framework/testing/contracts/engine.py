"""Promises of an engine."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar

import pytest

from reporting_framework.errors import AccessDenied, StorageUnavailable
from reporting_framework.plugin_api.records import Split, SplitResult
from reporting_framework.testing.contracts.base import (
    PluginContract,
    few,
    threads_since,
)

Make = Callable[..., Any]

PARALLELISM = (1, 2, 3, 16)
ERRORS = (AccessDenied, StorageUnavailable, OSError, MemoryError)

SLOW = 40
"""Number of slow splits after a failing split, whose error comes before their results.
"""


@dataclass(frozen=True)
class Work:
    """Function that processes a split; it can be sent to another process.

    Attributes:
        fails: Number of the split at which it raises; the engine must stop there.
        error: Error to raise.
    """

    fails: int | None = None
    error: type[Exception] = AccessDenied

    def __call__(self, split: Split) -> SplitResult:
        """Return a split result with the split's number in it."""
        number = split.data["number"]
        if number == self.fails:
            raise self.error(f"refused at split {number}")
        if self.fails is not None and 0 < number - self.fails < SLOW:
            time.sleep(0.02)  # a busy machine may let the error come late
        return SplitResult(split, source_keys=[f"{number}.json"], accepted=number)


class EngineContract(PluginContract):
    """Promises of an `Engine`.

    Only the class attribute `plugin` is required.

    Optional:
        settings: Fixture: input of its `Settings` model; empty unless given.

    Declarations:
        look_ahead: Class attribute: maximum number of splits that it may have taken
            without having returned their results.
    """

    look_ahead: ClassVar[int] = 64

    @pytest.fixture
    def settings(self) -> Mapping[str, Any]:
        """Return the settings of the engine."""
        return {}

    @pytest.mark.parametrize("parallelism", PARALLELISM)
    def test_every_outcome_comes_once(self, make: Make, parallelism: int) -> None:
        """Check that each split is processed and its result returned once."""
        for number in (0, 1, 50):
            split_results = list(_mapped(make(), _Splits(number), parallelism))
            times = Counter(split_result.split.id for split_result in split_results)
            wrong = [
                f"split-{index}"
                for index in range(number)
                if times[f"split-{index}"] != 1
            ]
            assert not wrong, (
                f"every split result comes exactly once: {few(wrong)} do not"
            )
            assert len(split_results) == number, (
                f"every split result comes exactly once: {len(split_results)} of"
                f" {number} came"
            )
            changed = [
                split_result.split.id
                for split_result in split_results
                if split_result.accepted != split_result.split.data["number"]
            ]
            assert not changed, (
                f"a split result comes as it is: {few(changed)} are changed"
            )

    @pytest.mark.parametrize("parallelism", PARALLELISM)
    def test_splits_are_taken_lazily(self, make: Make, parallelism: int) -> None:
        """Check that splits are taken lazily.

        They are taken no faster than they can be processed: there may be more splits
        than fit into memory.
        """
        splits = _Splits(self.look_ahead * 4)
        split_results = _mapped(make(), splits, parallelism)
        for given in range(5):
            next(split_results)
            ahead = splits.taken - given
            assert ahead <= self.look_ahead, (
                f"splits are taken lazily: {ahead} were taken before {given + 1} came"
                " back"
            )
        _given_up(split_results)

    @pytest.mark.parametrize("parallelism", PARALLELISM)
    def test_stop_is_honoured(self, make: Make, parallelism: int) -> None:
        """Check that no split is taken after `stop` is true, and no result is lost."""
        for limit in (0, 1, 7):
            splits = _Splits(1000)
            stop = _Stop(limit, splits)
            ids = [
                split_result.split.id
                for split_result in _mapped(make(), splits, parallelism, stop)
            ]
            late = splits.taken - limit
            assert stop.asked, "stop is honoured: it was not even asked"
            assert late <= 0, (
                f"stop is honoured: {late} splits were taken after it said so"
            )
            assert len(ids) == splits.taken, (
                f"what was taken comes back: {len(ids)} of {splits.taken}"
            )

    @pytest.mark.parametrize("error", ERRORS)
    @pytest.mark.parametrize("parallelism", PARALLELISM)
    def test_an_error_ends_the_run(
        self, make: Make, parallelism: int, error: type[Exception]
    ) -> None:
        """Check that an error ends the run.

        Any error is raised unchanged, and soon no further split is taken.
        """
        splits = _Splits(100_000)
        with pytest.raises(error) as raised:
            for _ in _mapped(
                make(), splits, parallelism, work=Work(fails=5, error=error)
            ):
                pass
        assert str(raised.value) == "refused at split 5", "an error comes out as it is"
        assert splits.taken <= 6 + self.look_ahead, (
            f"an error ends the run: {splits.taken} splits were taken"
        )

    @pytest.mark.parametrize("parallelism", PARALLELISM)
    def test_an_error_of_planning_ends_the_run(
        self, make: Make, parallelism: int
    ) -> None:
        """Check that errors of the splits' iterator are raised unchanged."""
        with pytest.raises(StorageUnavailable, match="no more of the listing"):
            list(_mapped(make(), _Splits(7, breaks=True), parallelism))

    @pytest.mark.parametrize("parallelism", PARALLELISM)
    def test_no_thread_is_left(self, make: Make, parallelism: int) -> None:
        """Check that no thread is left.

        This holds after the last split result, after an error, and if the caller does
        not take the other results.
        """
        before = threading.enumerate()
        list(_mapped(make(), _Splits(20), parallelism))
        with pytest.raises(AccessDenied):
            list(_mapped(make(), _Splits(20), parallelism, work=Work(fails=3)))
        split_results = _mapped(make(), _Splits(20), parallelism)
        next(split_results)
        _given_up(split_results)
        left = threads_since(before)
        assert not left, f"no thread is left: {few(left)}"


class _Splits:
    """Numbered splits that count how many were taken."""

    def __init__(self, number: int, *, breaks: bool = False) -> None:
        self.number, self.breaks, self.taken = number, breaks, 0

    def __iter__(self) -> Iterator[Split]:
        for number in count():
            if number == self.number:
                if self.breaks:
                    raise StorageUnavailable("no more of the listing")
                return
            self.taken += 1
            yield Split(f"split-{number}", {"number": number})


class _Stop:
    """Function that returns True once a number of splits were taken."""

    def __init__(self, limit: int, splits: _Splits) -> None:
        self.limit, self.splits, self.asked = limit, splits, 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.splits.taken >= self.limit


def _never() -> bool:
    return False


def _mapped(
    engine: Any,
    splits: _Splits,
    parallelism: int,
    stop: Callable[[], bool] = _never,
    work: Work | None = None,
) -> Any:
    return iter(
        engine.map(work or Work(), iter(splits), parallelism=parallelism, stop=stop)
    )


def _given_up(split_results: Any) -> None:
    """Close the iterator before its end."""
    close = getattr(split_results, "close", None)
    if close is not None:
        close()
