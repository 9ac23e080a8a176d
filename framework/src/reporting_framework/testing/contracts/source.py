"""Promises of a source."""

from __future__ import annotations

import pickle
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, ClassVar

import pytest

from reporting_framework.errors import NotSupported, TriggerError
from reporting_framework.plugin_api.base import supports
from reporting_framework.plugin_api.records import ReadFailure, Trigger, object_of
from reporting_framework.plugin_api.source import DatedObject
from reporting_framework.testing.contracts.base import (
    CANARY,
    PluginContract,
    assert_no_value_shown,
    differing,
    few,
    not_promised,
    threads_since,
)
from reporting_framework.testing.faults.calls import Faults, Killed, each_fault
from reporting_framework.testing.harness.ledger import KnownObjects
from reporting_framework.testing.harness.memory import assert_bounded, peak
from reporting_framework.testing.harness.source_harness import (
    drain,
    found_in,
    plain,
    planned,
    sent,
    set_aside,
    size_of,
    source_keys_of,
    taken,
    through_json,
)

Opened = Callable[..., Any]
"""Function that returns a source with its trigger; see `SourceContract.opened`."""


class SourceContract(PluginContract):
    """Promises of a `Source`.

    Required, in addition to `PluginContract`:
        records: Fixture: expected records by source key: payloads (bytes), or rows
            (mappings) if the source yields frames. The fixture also stores the records
            in the place that the source reads. At least two, better five, with `CANARY`
            in values. If the source has natural keys, let one of them end in ``#1``.

    Optional:
        add: Fixture: a function that stores one more record in the place that the
            source reads, and returns its source key and the expected record. Its
            argument is a number from 0 on; another number gives another record.
        trigger: Fixture: the `Trigger` that names the work, for a push source.

    Declarations:
        crowd: Class attribute: number of records to `add` in the test of bounded
            memory, so that there are several splits; the test then adds four times as
            many. 0: the test is skipped.
        stream: Class attribute: stream to test, if the source has streams.
    """

    crowd: ClassVar[int] = 0
    stream: ClassVar[str | None] = None

    def _made(self, settings: Mapping[str, Any]) -> Any:
        source = super()._made(settings)
        streams = source.streams()
        assert len(set(streams)) == len(streams), "a stream has a name of its own"
        if self.stream is not None:
            assert self.stream in streams, f"it has a stream {self.stream}"
            source.select_stream(self.stream)
        return source

    @pytest.fixture
    def records(self) -> Mapping[str, Any]:
        """Return the expected records, by source key."""
        self._lacks(
            "records",
            "a mapping of source keys to expected records, which are stored where the"
            " source finds them",
        )

    @pytest.fixture
    def add(self) -> Callable[[int], tuple[str, Any]] | None:
        """Return a function that adds a record, or `None`."""
        return None

    @pytest.fixture
    def trigger(self) -> Trigger | None:
        """Return the trigger that names the work, or `None`."""
        return None

    @pytest.fixture
    def opened(
        self,
        make: Callable[..., Any],
        trigger: Trigger | None,
        records: Mapping[str, Any],
    ) -> Opened:
        """Return a function that builds the source and passes it the trigger."""

        def open_it(**changed: Any) -> Any:
            source = make(**changed)
            if trigger is not None:
                source.accept_trigger(trigger)
            return source

        return open_it

    def _object(self, source_key: str) -> str:
        """Return the object of a record; a natural key is an object of its own."""
        return source_key if self.plugin.natural_keys else object_of(source_key)

    # -- planning ----------------------------------------------------------------------

    def test_plan_is_repeatable(self, opened: Opened) -> None:
        """Check that the same storage and ledger give the same splits."""
        first, second = (planned(opened()) for _ in range(2))
        assert first == second, (
            "plan is repeatable: two plans of the same storage and ledger differ"
        )

    def test_a_split_has_an_id_of_its_own(self, opened: Opened) -> None:
        """Check that `Split.id` is unique within a run."""
        twice = [
            split_id
            for split_id, times in Counter(
                split.id for split in planned(opened())
            ).items()
            if times > 1
        ]
        assert not twice, (
            f"a split has an id of its own: {few(twice)} are there more than once"
        )

    def test_splits_survive_serialisation(self, opened: Opened) -> None:
        """Check that `Split.data` has only JSON types, so that it can be sent."""
        for split in planned(opened()):
            try:
                again = sent(split)
            except (TypeError, ValueError) as error:
                raise AssertionError(
                    f"a split survives JSON: {type(error).__name__} in {split.id}"
                ) from None
            assert again == split, (
                f"a split survives JSON: {split.id} is another one afterwards"
            )
            assert pickle.loads(pickle.dumps(split)) == split, (  # noqa: S301 - ours
                f"a split survives pickle: {split.id}"
            )

    # -- reading -----------------------------------------------------------------------

    def test_every_record_comes_out(
        self, opened: Opened, records: Mapping[str, Any]
    ) -> None:
        """Check that exactly the expected records are returned, unchanged."""
        batches = taken(opened())
        aside = [source_key for batch in batches for source_key in set_aside(batch)]
        assert not aside, (
            f"every record comes out: {few(aside)} were rejected or left unread"
        )
        records_read = found_in(batches)
        assert records_read.keys() == records.keys(), differing(
            records_read, records, "every record comes out, and nothing else"
        )
        changed = [
            source_key
            for source_key, record in records.items()
            if records_read[source_key] != record
        ]
        assert not changed, (
            f"every record comes out as it is: {few(changed)} are changed"
        )

    def test_a_source_key_is_unique(self, opened: Opened) -> None:
        """Check that each record has a source key of its own."""
        batches = taken(opened())
        source_keys = [
            source_key for batch in batches for source_key in source_keys_of(batch)
        ]
        twice = [key for key, times in Counter(source_keys).items() if times > 1]
        assert not twice, (
            f"a source key is unique: {few(twice)} are there more than once"
        )

    def test_a_batch_fits_together(self, opened: Opened) -> None:
        """Check that source keys, versions and records match, and `output_format`."""
        for batch in taken(opened()):
            shape = "frames" if batch.frame is not None else "payloads"
            given = batch.frame if batch.frame is not None else batch.payloads
            assert not len(batch.source_keys) or shape == self.plugin.output_format, (
                f"output_format says what comes: {shape} came"
            )
            sizes = (
                len(batch.source_keys),
                len(batch.versions),
                len(given if given is not None else ()),
            )
            assert len(set(sizes)) == 1, (
                f"as many source keys as versions and records: {sizes}"
            )

    def test_read_is_repeatable(self, opened: Opened) -> None:
        """Check that the same split gives the same batches each time."""
        source = opened()
        for split in planned(source, close=False):
            first, second = (plain(source.read(split)) for _ in range(2))
            assert first == second, (
                f"read is repeatable: split {split.id} gives other batches the second"
                " time"
            )
        source.close()

    def test_a_split_can_be_read_anywhere(
        self, opened: Opened, make: Callable[..., Any]
    ) -> None:
        """Check that another object can read splits that were sent, in any order."""
        here, splits = opened(), planned(opened())
        expected = {split.id: plain(here.read(split)) for split in splits}
        here.close()
        for split in reversed(splits):
            elsewhere = make()
            assert plain(elsewhere.read(sent(split))) == expected[split.id], (
                f"a split can be read anywhere: {split.id} gives other batches where"
                " nothing was planned"
            )
            elsewhere.close()

    # -- the ledger --------------------------------------------------------------------

    def test_nothing_is_read_that_the_ledger_has(
        self, opened: Opened, records: Mapping[str, Any]
    ) -> None:
        """Check that objects of the ledger are not read again, and all others are."""
        objects = sorted({self._object(source_key) for source_key in records})
        for known in (objects, objects[::2], objects[1::2]):
            records_read = found_in(taken(opened(), KnownObjects(known)))
            due = [
                source_key
                for source_key in records
                if self._object(source_key) not in known
            ]
            assert not set(records_read) - set(due), differing(
                records_read, due, "nothing is read that the ledger has"
            )
            assert not set(due) - set(records_read), differing(
                records_read, due, "everything is read that the ledger lacks"
            )

    def test_a_new_record_is_found(
        self, opened: Opened, records: Mapping[str, Any], add: Any
    ) -> None:
        """Check that records that were added since the last run are found.

        The hints of that run may be present, lost or damaged.
        """
        if add is None:
            pytest.skip("nothing can be added: give the fixture `add`")
        first = opened()
        taken(first, close=False)
        left = first.next_hints(complete=True, unread=[], rows=len(records))
        first.close()
        assert through_json(left) == left, "hints are of JSON types"
        known, (source_key, record) = (
            {self._object(source_key) for source_key in records},
            add(0),
        )
        for what, hints in {
            "there": left,
            "lost": {},
            "damaged": {**left, **dict.fromkeys(left, CANARY)},
        }.items():
            records_read = found_in(taken(opened(), KnownObjects(known, hints)))
            assert set(records_read) == {source_key}, differing(
                records_read,
                {source_key},
                f"a new record is found, the hints being {what}",
            )
            assert records_read[source_key] == record, "a new record comes out as it is"

    def test_hints_lose_nothing(
        self, opened: Opened, records: Mapping[str, Any]
    ) -> None:
        """Check that hints lose nothing.

        The next run finds objects that a stopped run did not take, and objects that
        could not be read.
        """
        objects = sorted({self._object(source_key) for source_key in records})
        for complete, unread in (
            (False, []),
            (True, objects[:1]),
            (True, objects[-1:]),
        ):
            known = [name for name in objects if name not in unread] if complete else []
            source = opened()
            taken(source, close=False)
            left = source.next_hints(complete=complete, unread=unread, rows=len(known))
            source.close()
            records_read = found_in(taken(opened(), KnownObjects(known, left)))
            due = [
                source_key
                for source_key in records
                if self._object(source_key) not in known
            ]
            what = (
                "a record that could not be read"
                if unread
                else "what a stopped run left"
            )
            assert set(records_read) == set(due), differing(
                records_read, due, f"hints lose nothing: {what} is found again"
            )

    def test_plan_stats_say_what_is_left(self, opened: Opened) -> None:
        """Check that nothing is waiting after the last split.

        Before the last split, the source is not exhausted.
        """
        source, count = opened(), len(planned(opened()))
        splits = iter(source.plan(KnownObjects()))
        next(splits, None)
        early = source.plan_stats()
        assert count < 2 or not early.exhausted, (
            "a source with splits left is not exhausted"
        )
        for _ in splits:
            pass
        late = source.plan_stats()
        assert late.waiting == 0, (
            f"nothing is waiting after the last split: {late.waiting} are said to be"
        )
        source.close()

    def test_close_gives_up_what_is_under_way(self, opened: Opened) -> None:
        """Check `close` at any time, more than once; no thread is left."""
        before = threading.enumerate()
        source = opened()
        for split in source.plan(KnownObjects()):
            next(iter(source.read(split)), None)
            break
        source.close()
        source.close()
        left = threads_since(before)
        assert not left, f"close leaves no thread: {few(left)}"

    # -- reading again -----------------------------------------------------------------

    def test_what_is_asked_for_again_is_read_and_nothing_else(
        self, make: Callable[..., Any], records: Mapping[str, Any]
    ) -> None:
        """Check replay by a source that has planned nothing; the ledger is ignored."""
        objects = sorted({self._object(source_key) for source_key in records})
        for asked in ([], objects[:1], objects[1::2], objects):
            source = self._revisiting(make)
            splits = list(source.plan_replay(asked))
            ids = [split.id for split in splits]
            assert len(set(ids)) == len(ids), (
                "a split has an id of its own, also when objects are read again"
            )
            assert all(sent(split) == split for split in splits), (
                "a split survives JSON, also of what is read again"
            )
            records_read = found_in(
                [batch for split in splits for batch in source.read(sent(split))]
            )
            waiting = source.plan_stats().waiting
            source.close()
            due = {
                source_key: record
                for source_key, record in records.items()
                if self._object(source_key) in asked
            }
            assert records_read == due, differing(
                records_read, due, "what is asked for again is read, and nothing else"
            )
            assert waiting == 0, (
                f"nothing is waiting after the last split: {waiting} are said to be"
            )

    def test_an_object_that_is_gone_is_said_to_be_unread(
        self, make: Callable[..., Any]
    ) -> None:
        """Check that it is reported in `Batch.unread`, not ignored."""
        source = self._revisiting(make)
        batches = [
            batch
            for split in source.plan_replay(["not-there.json"])
            for batch in source.read(split)
        ]
        source.close()
        unread = [item.source_key for batch in batches for item in batch.unread]
        assert unread == ["not-there.json"], (
            f"an object that is gone is said to be unread: {unread}"
        )

    def test_a_window_has_the_objects_of_its_days(
        self, make: Callable[..., Any], records: Mapping[str, Any]
    ) -> None:
        """Check that a backfill finds each object on its day, or as one without."""
        source = self._revisiting(make)

        def listed(first: date, last: date) -> Mapping[str, date | None]:
            return {item.key: item.day for item in self._window(source, first, last)}

        everything = listed(date.min, date.max)
        lacking = {self._object(key) for key in records} - everything.keys()
        assert not lacking, f"a window lists all objects: {few(lacking)} are missing"
        for day in sorted(set(filter(None, everything.values()))):
            due = {key: of for key, of in everything.items() if of in (day, None)}
            found = listed(day, day)
            assert found == due, (
                f"a day has its objects: {few(found.keys() ^ due.keys())}"
            )
        source.close()

    def _window(
        self, source: Any, first: date = date.min, last: date = date.max
    ) -> Sequence[DatedObject]:
        """Return what a window lists."""
        if not supports(source, "list_window"):
            not_promised("it cannot tell which of its records are of a period")
        try:
            return [item for page in source.list_window(first, last) for item in page]
        except NotSupported:
            reason = "its records have no dates under these settings"
            if self.plugin.natural_keys:  # a cursor of integers has none
                not_promised(reason)
            pytest.skip(reason)

    def _revisiting(self, make: Callable[..., Any]) -> Any:
        source = make()
        if not supports(source, "plan_replay"):
            not_promised("it reads no single objects again")
        return source

    # -- triggers ----------------------------------------------------------------------

    def _named(self, trigger: Trigger | None) -> Trigger:
        """Return the trigger that names the work, if one does."""
        if trigger is None and self.plugin.triggers:
            pytest.skip("nothing names its work: give the fixture `trigger`")
        return trigger or not_promised("no trigger names its work")

    def test_a_trigger_that_is_none_is_refused(
        self, make: Callable[..., Any], trigger: Trigger | None
    ) -> None:
        """Check for a `TriggerError` or no records, without values of the trigger."""
        trigger = self._named(trigger)
        assert all(
            supports(self.plugin, method)
            for method in ("accept_trigger", "build_response")
        ), "what takes a trigger has `accept_trigger` and `build_response`"
        assert trigger.kind in self.plugin.triggers, (
            f"triggers says which are taken: {trigger.kind} is not among them"
        )
        damage: list[Any] = [[{}], [CANARY], None, CANARY]
        for event in ({"Records": damaged} for damaged in damage):
            source = make()
            try:
                source.accept_trigger(trigger._replace(event=event))
                records_read = found_in(taken(source))
                assert not records_read, (
                    f"nothing is made of a trigger that is none: {few(records_read)}"
                )
            except TriggerError as error:
                assert_no_value_shown({"the error of a trigger": error})

    def test_the_answer_names_what_was_not_taken(
        self, opened: Opened, trigger: Trigger | None
    ) -> None:
        """Check that the answer names records that were not taken.

        `build_response` returns JSON types, and another answer if a record must be
        delivered again.
        """
        trigger = self._named(trigger)
        answers = []
        for failing in (False, True):
            source = opened()
            source_keys = [
                source_key
                for batch in taken(source, close=False)
                for source_key in batch.source_keys
            ]
            answers.append(
                source.build_response(
                    [ReadFailure(source_keys[0], "unavailable")] if failing else [], []
                ).answer
            )
            source.close()
        assert through_json(answers) == answers, "an answer is of JSON types"
        assert answers[0] != answers[1] or answers == [
            None,
            None,
        ], "the answer names the record that was not taken"

    # -- whatever goes wrong -----------------------------------------------------------

    @pytest.mark.faults
    def test_what_cannot_be_read_is_never_passed_over(
        self, opened: Opened, records: Mapping[str, Any], faults: Faults | None
    ) -> None:
        """Check that unreadable records are never ignored.

        Any call may fail: the result is an error of the right type, or every record is
        read or reported as unread.
        """
        objects = {self._object(source_key) for source_key in records}
        for attempt in each_fault(self._faults(faults)):
            source = opened()
            batches = attempt.run(partial(taken, source, close=False)) or []
            source.close()
            if attempt.error is None:
                names = [
                    source_key
                    for batch in batches
                    for source_key in source_keys_of(batch)
                ]
                noticed = {
                    name if name in objects else self._object(name) for name in names
                }
                assert noticed == objects, differing(
                    noticed, objects, f"nothing is passed over: {attempt}"
                )
                assert all(
                    records.get(source_key) == value
                    for source_key, value in found_in(batches).items()
                ), f"what is read is whole: {attempt}"
            elif not isinstance(attempt.error, Killed):
                assert_no_value_shown({f"the error of {attempt}": attempt.error})
        assert found_in(taken(opened())).keys() == records.keys(), (
            "the run after a fault reads every record"
        )

    def test_no_value_is_shown(
        self,
        opened: Opened,
        make: Callable[..., Any],
        output: Callable[[], Mapping[str, str]],
    ) -> None:
        """Check logs, rejections, unread records, and the error of an invalid split."""
        source = opened()
        for batch in taken(source, close=False):
            assert_no_value_shown(
                {
                    "a rejection": batch.rejected,
                    "an unread record": batch.unread,
                    "a source key": batch.source_keys,
                }
            )
        assert_no_value_shown(
            {
                "the plan's statistics": source.plan_stats(),
                "the hints": source.next_hints(complete=True, unread=[], rows=0),
            }
        )
        source.close()
        assert_no_value_shown(output())

    @pytest.mark.slow
    def test_memory_is_bounded(
        self, opened: Opened, add: Callable[[int], tuple[str, Any]] | None
    ) -> None:
        """Check that memory does not grow with the number of records."""
        self._bounded()
        if add is None or not self.crowd:
            pytest.skip(
                "no crowd can be added: give the fixture `add` and the class attribute"
                " `crowd`"
            )
        sizes, peaks = [0], []
        for begin, end in ((0, self.crowd), (self.crowd, 4 * self.crowd)):
            sizes.append(
                sizes[-1] + sum(size_of(add(number)[1]) for number in range(begin, end))
            )
            peaks.append(peak(lambda: drain(opened())))
        assert_bounded(peaks[0], peaks[1], data=sizes[2] - sizes[1], what="reading")
