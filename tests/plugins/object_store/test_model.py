"""Arrivals, runs, replays, discards and resets in random order, killed at random storage calls, against a plain model.

A seed makes a history. After whatever was done to it, the next runs that are left alone must show the table and the
quarantine that the model has: nothing missing, nothing twice. A seed that fails is run alone by

    REPORTING_MODEL_SEEDS=1234 hatch run test tests/plugins/object_store/test_model.py

where ``1234`` may also be a range of seeds, ``1000:3000``. The normal suite runs `SEEDS`, ``-m slow`` runs `MANY`.
"""

import os
import random
import threading
from contextlib import suppress
from copy import deepcopy
from datetime import timedelta

import pytest

from reporting_framework import Rejection, object_of
from reporting_framework.errors import ReportingError
from reporting_framework.execution.pipeline import prepared
from reporting_framework.operations.quarantine import metadata_store
from reporting_framework.operations.state import Reset, finish_resets
from reporting_framework.plugin_api.records import Validated
from reporting_framework.storage import open_store
from reporting_framework.storage.bucket import BucketStore
from reporting_framework.storage.folder import FolderStore
from reporting_framework.testing.faults.calls import Killed
from tests.support.plugins import (
    START,
    EventValidator,
    WithoutStudy,
    checkpoint,
    event,
    execute,
    metadata,
    name_of,
    pipeline,
    source,
)

SEEDS, MANY = 20, 2000
STEPS = 6
CALLS = 40
"""Storage calls among which one is broken."""

BACK = 20_000
"""Minutes by which late objects are older than the others: more than the look-back."""

FILTERED, WRONG, STUDIES = "dropped", "wrong", "abc"


class Strict(EventValidator):
    """Takes no event of the study `WRONG`, until the validator is put right."""

    def __init__(self, *, strict):
        super().__init__()
        self.strict = strict

    def validate(self, batch):
        found = super().validate(batch)
        if not self.strict:
            return found
        wrong = found.frame.filter(study=WRONG)["source_key"].to_list()
        versions = dict(zip(batch.source_keys, batch.versions, strict=True))
        rejections = [
            Rejection(source_key, versions[source_key], "wrong_study", "study")
            for source_key in wrong
        ]
        return Validated(
            found.frame.filter(found.frame["study"] != WRONG),
            [*found.rejections, *rejections],
        )


# -- the model --------------------------------------------------------------------------------------------------------


class Model:
    """What a report must show of the objects that there are.

    Attributes:
        objects: The lines of each object, as (study, number); a study that is None is no record.
        late: Objects with a name from before the look-back that came or changed since the last full scan.
        rows, entries, discarded: By object: the numbers of its rows, the reasons of its rejections, both by source key; of
            rejections with the number of the object's content, in place of its version.
    """

    def __init__(self):
        self.objects, self.contents, self.late, self.strict = {}, {}, set(), True
        self.rows, self.entries, self.discarded = {}, {}, {}

    def forget(self, part):
        if part == "all":
            self.rows = {}
        if part != "hints":
            known = {*self.entries, *self.discarded} & {*self.rows}
            self.entries, self.discarded = {}, {}
            for key in known:  # a part of it was accepted: it is read again
                self.take(key)

    def discard(self, keys):
        for key in keys:
            if key in self.entries:
                self.discarded[key] = self.discarded.get(key, {}) | self.entries.pop(
                    key
                )

    def due(self):
        """Objects that a run which sees everything reads.

        While the table is empty, those of several lines are read again: others of them may have been in one that is
        gone.
        """
        empty = not any(self.rows.values())
        for key in self.objects:
            known = self.entries.get(key, {}) | self.discarded.get(key, {})
            versions = {content for content, _ in known.values()}
            if (
                (versions and versions != {self.contents[key]})
                or not (versions or key in self.rows)
                or (empty and any("#" in source_key for source_key in known))
            ):
                yield key

    def take(self, key):
        """Read one object."""
        lines, content = self.objects[key], self.contents[key]
        before, self.entries[key], self.discarded[key] = (
            self.discarded.get(key, {}),
            {},
            {},
        )
        for number, (study, value) in enumerate(lines, 1):
            source_key = key if len(lines) == 1 else f"{key}#{number}"
            reason = self.reason(study)
            if reason is None:
                self.rows.setdefault(key, {}).setdefault(source_key, value)
            elif before.get(source_key, (None,))[0] == content:
                self.discarded[key][source_key] = before[source_key]
            else:
                self.entries[key][source_key] = (content, reason)
        for found in (self.entries, self.discarded):
            if not found[key]:
                del found[key]

    def reason(self, study):
        if study is None:
            return "missing"
        if study == WRONG and self.strict:
            return "wrong_study"
        return "filtered" if study == FILTERED else None

    def seen(self, key):
        """What is to be seen of one object."""
        entries = {
            source_key: reason
            for source_key, (_, reason) in self.entries.get(key, {}).items()
        }
        return self.rows.get(key, {}), entries, set(self.discarded.get(key, {}))

    def after_a_run(self, shown, *, everything):
        """This model after a run, if that is what is `shown`; else why it is not. Late objects may be left for later."""
        after = deepcopy(self)
        for key in list(self.due()):
            if (
                everything
                or key not in self.late
                or shown.get(key, ({}, {}, set())) != self.seen(key)
            ):
                after.take(key)
        wanted = {key: after.seen(key) for key in after.objects if any(after.seen(key))}
        if wanted == shown:
            return after, None
        return None, {
            key: (shown.get(key), wanted.get(key))
            for key in {*shown, *wanted}
            if shown.get(key) != wanted.get(key)
        }


def before(owner, name, act):
    """Do something before each call of a method of this object."""
    real = getattr(owner, name)
    setattr(
        owner, name, lambda *arguments, **named: (act(), real(*arguments, **named))[1]
    )


# -- the real thing ---------------------------------------------------------------------------------------------------


class World:
    """A report whose table is a file for each study, and its model."""

    def __init__(self, base, seed, faults):
        self.base, self.rng, self.faults, self.seed = (
            base,
            random.Random(seed),
            faults,
            seed,
        )
        self.events, self.model, self.number, self.log = (
            open_store(f"{base}/in"),
            Model(),
            0,
            [],
        )
        self.candidates = [self.model]
        self.old = set()  # keys with a name from before the look-back
        self.template = self.rng.choice(
            ["{study}/x.parquet", "{day}/x.parquet", "x.parquet"]
        )

    def made(self, *, everything=False):
        sink = checkpoint(f"{self.base}/out/{self.template}", keep_runs=0)
        validator, transforms = (
            Strict(strict=self.model.strict),
            [WithoutStudy(FILTERED)],
        )
        reads = source(
            f"{self.base}/in", lookback_days=1, max_in_flight=1, full_scan=everything
        )
        return pipeline(reads, sink, validator=validator, transforms=transforms)

    def shown(self):
        """By object, what is to be seen."""
        found = {}
        with prepared(self.made()) as (sink,):
            rows = sink.scan()
            if rows is not None:
                for source_key, value in (
                    rows.select("source_key", "number").collect().iter_rows()
                ):
                    known = found.setdefault(object_of(source_key), ({}, {}, set()))[0]
                    assert source_key not in known, f"{source_key} is there once"
                    known[source_key] = value
            for source_key, reason in (
                metadata(sink)
                .quarantine.entries()
                .select("source_key", "error_type")
                .iter_rows()
            ):
                found.setdefault(object_of(source_key), ({}, {}, set()))[1][
                    source_key
                ] = reason
            for source_key in metadata(sink).quarantine.discarded()["source_key"]:
                found.setdefault(object_of(source_key), ({}, {}, set()))[2].add(
                    source_key
                )
        return found

    # -- steps

    def arrive(self):
        for _ in range(self.rng.randint(1, 3)):
            self.number += 1
            late = self.rng.random() < 0.25 and self.number > 3
            key = name_of(self.number - (BACK if late else 0))
            if late:
                self.old.add(key)
            self._put(key)

    def change(self):
        if self.model.objects:
            self._put(self.rng.choice(sorted(self.model.objects)))

    def _put(self, key):
        lines = []
        for _ in range(self.rng.choice([1, 1, 2, 3])):
            self.number += 1
            lines.append(
                (
                    self.rng.choice([*STUDIES, *STUDIES, None, WRONG, FILTERED]),
                    self.number,
                )
            )
        back = BACK if key in self.old else 0
        if back:  # also what has changed is found by a full scan alone
            self.model.late.add(key)
        data = b"\n".join(
            b"{}"
            if study is None
            else event(number, study=study, at=START + timedelta(minutes=number - back))
            for study, number in lines
        )
        before = self.events.head(key)
        self.events.put(key, data, if_version=before.version if before else None)
        self.model.objects[key], self.model.contents[key] = (
            lines,
            self.model.contents.get(key, 0) + 1,
        )

    def mend(self):
        self.model.strict = False

    def run(self):
        execute(self.made())

    def replay(self):
        entries = sorted(self.model.entries)
        chosen = self.rng.sample(entries, self.rng.randint(0, len(entries)))
        after = deepcopy(self.model)
        for key in chosen:
            after.take(key)
        self.candidates = [self.model, after]
        if chosen:
            execute(self.made(), replay=chosen)

    def discard(self):
        chosen = [key for key in sorted(self.model.entries) if self.rng.random() < 0.5]
        after = deepcopy(self.model)
        after.discard(chosen)
        self.candidates = [self.model, after]
        with metadata_store(self.made(), changing=True) as store:
            entries = store.quarantine.entries()
            store.discard(
                entries.filter(
                    [object_of(each) in chosen for each in entries["source_key"]]
                )
            )

    def reset(self, at_removal=lambda: None):
        part = self.rng.choice(["all", "all", "quarantine", "hints"])
        after = deepcopy(self.model)
        after.forget(part)
        after.late = set()
        self.candidates = [self.model, after]
        with prepared(made := self.made(), changing=True) as (sink,):
            reset = Reset(made, part)
            for store in (sink.store, made.metadata._state):
                before(store, "delete", at_removal)
            before(made.metadata.quarantine, "reset", at_removal)
            if reset.artifacts:
                reset.back_up(f"{self.number}-{len(self.log)}")
                at_removal()
                reset.remove()

    def beside(self):
        """A reset while a run that has planned is about to mark objects, commit, replace entries or save its hints."""
        made, go, there = self.made(), threading.Event(), threading.Event()
        store, moment, calls = made.metadata, self.rng.randint(0, 7), [0]
        name = self.rng.choice(
            [
                "mark_in_progress",
                "refuse_reset",
                "replace_entries",
                "save_hints",
            ]
        )
        owner = store.quarantine if name.endswith(("progress", "entries")) else store
        real = getattr(owner, name)

        def waits(*arguments, **named):
            there.set()
            assert go.wait(60)
            return real(*arguments, **named)

        setattr(owner, name, waits)

        def goes():
            with suppress(ReportingError, Killed):
                execute(made)
            there.set()

        thread = threading.Thread(target=goes)
        thread.start()
        assert there.wait(60)

        def at_removal():
            calls[0] += 1
            if calls[0] == moment:
                go.set()
                thread.join()

        try:
            self.reset(at_removal)
        finally:
            go.set()
            thread.join()

    # -- one after the other

    def step(self):
        names = [
            "arrive",
            "arrive",
            "change",
            "run",
            "replay",
            "discard",
            "reset",
            "beside",
            "mend",
        ]
        name = self.rng.choices(names, [6, 2, 3, 6, 3, 2, 3, 3, 1])[0]
        self.candidates = [self.model]
        if name in ("arrive", "change", "mend"):
            self.log.append(name)
            getattr(self, name)()
            return
        fault = self.rng.choice([None, None, *self.faults.kinds])
        nth = self.rng.randint(1, CALLS)
        self.log.append(f"{name} {f'{fault} at {nth}' if fault else ''}")
        self.disturbed(name, fault, nth)
        if fault and self.rng.random() < 0.3:
            kept, self.candidates = self.candidates, []
            self.disturbed("run", "killed before", self.rng.randint(1, CALLS))
            self.candidates = kept
        self.check(everything=False)

    def disturbed(self, name, fault, nth):
        if fault:
            self.faults.arm(fault, nth)
        try:
            with suppress(ReportingError, Killed):
                getattr(self, name)()
        finally:
            self.faults.disarm()

    def check(self, *, everything):
        """Runs that are left alone show what one of the models that may be has."""
        for _ in range(3):
            if self.base.startswith("s3://"):
                with prepared(made := self.made()):
                    finish_resets(made)
            if execute(self.made(everything=everything)).status == "ok":
                break
        else:
            raise AssertionError(
                f"seed {self.seed}: runs that are left alone end well: {self.log}"
            )
        shown, wrong = self.shown(), []
        for each in self.candidates:
            after, why = each.after_a_run(shown, everything=everything)
            if after is not None:
                self.model = after
                return
            wrong.append(why)
        raise AssertionError(
            f"seed {self.seed}: shown, and wanted by the models, by object: {wrong} after {self.log}"
        )


@pytest.fixture
def faults(reporting_store_faults, monkeypatch):
    """Faults in the calls of a store, those of a reset among them."""
    for store in (FolderStore, BucketStore):
        for name in ("copy", "digest", "delete"):
            monkeypatch.setattr(
                store, name, reporting_store_faults.around(getattr(store, name))
            )
    return reporting_store_faults


@pytest.fixture
def duplicates(monkeypatch):
    """Listings that show a key twice."""

    def twice(self, *, after="", before=None, real=BucketStore.list):
        for page in real(self, after=after, before=before):
            yield [
                entry for entry in page for _ in range(1 + (len(entry.key) % 3 == 0))
            ]

    monkeypatch.setattr(BucketStore, "list", twice)


def play(base, seed, faults):
    world = World(base, seed, faults)
    world.arrive()
    for _ in range(STEPS):
        world.step()
    world.candidates = [world.model]
    world.check(everything=True)


def chosen():
    """The seeds that the environment names, else those of the normal suite."""
    first, _, last = os.environ.get("REPORTING_MODEL_SEEDS", f"0:{SEEDS}").partition(
        ":"
    )
    return range(int(first), int(last or int(first) + 1))


def place(seed, tmp_path):
    return str(tmp_path) if seed % 4 == 0 else f"memory://model-{seed}"


@pytest.mark.parametrize("seed", chosen())
def test_the_table_and_the_quarantine_are_those_of_the_model(
    seed, tmp_path, faults, duplicates
):
    play(place(seed, tmp_path), seed, faults)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SEEDS, MANY + SEEDS))
def test_the_table_and_the_quarantine_are_those_of_the_model_for_many_seeds(
    seed, tmp_path, faults, duplicates
):
    play(place(seed, tmp_path), seed, faults)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_the_table_and_the_quarantine_are_those_of_the_model_on_s3(
    seed, faults, reporting_bucket
):
    play(f"s3://{reporting_bucket}", seed, faults)
