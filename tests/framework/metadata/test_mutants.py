"""A metadata store that breaks a promise is noticed: each promise fails on the fault that it is there for."""

import itertools
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from reporting_framework.metadata import history, quarantine
from reporting_framework.storage import open_store, parse_location
from tests.framework.metadata import test_history_promises as history_promises
from tests.framework.metadata import test_quarantine_promises as quarantine_promises

_numbers = itertools.count(1)


class Mutant(NamedTuple):
    """A fault in a module, the promise that it breaks, and a part of what is said then."""

    what: str
    module: ModuleType
    old: str
    new: str
    promise: str
    says: str


MUTANTS = [
    Mutant(
        "forgets what was discarded",
        quarantine,
        """                    existing.with_columns(
                        error_type=DISCARDED_PREFIX + pl.col("error_type")
                    ),
""",
        "",
        "test_what_was_dropped_stays_accounted_for",
        "what was discarded stays accounted for: {'b.json': 'v2'}",
    ),
    Mutant(
        "forgets why a record was discarded",
        quarantine,
        'error_type=DISCARDED_PREFIX + pl.col("error_type")',
        "error_type=pl.lit(DISCARDED_PREFIX)",
        "test_what_was_dropped_stays_accounted_for",
        "what was discarded is told when it is asked for, with its reason",
    ),
    Mutant(
        "shows what was discarded",
        quarantine,
        'filter(pl.col("error_type") != BEGUN, ~_IS_DISCARDED)',
        'filter(pl.col("error_type") != BEGUN)',
        "test_what_was_dropped_stays_accounted_for",
        "what was discarded is not shown, and nothing else is gone: ['a.json', 'b.json#2', 'b.json#3']",
    ),
    Mutant(
        "lets what was discarded come back",
        quarantine,
        "discarded = before.filter(_IS_DISCARDED)",
        "discarded = before.clear()",
        "test_what_was_dropped_stays_accounted_for",
        "what was discarded stays so when it is rejected again: ['b.json#2', 'b.json#3']",
    ),
    Mutant(
        "never lets what was discarded come back",
        quarantine,
        'again, on=[SOURCE_KEY, "version"]',
        "again, on=[SOURCE_KEY]",
        "test_what_was_dropped_stays_accounted_for",
        "what was discarded comes back when its object changed: ['b.json#3']",
    ),
    Mutant(
        "discards what changed since it was shown",
        quarantine,
        'chosen, on=SCHEMA.names(), how="semi"',
        'chosen, on=[SOURCE_KEY], how="semi"',
        "test_a_drop_leaves_alone_what_changed_since",
        "an entry that changed since it was shown is not discarded: []",
    ),
    Mutant(
        "keeps every record of a run",
        history,
        "lines[-self._most :]",
        "lines",
        "test_a_history_is_bounded",
        "a history is bounded, and the oldest go first",
    ),
    Mutant(
        "loses records that are kept at once",
        history,
        "self._store.put(LOG, data, if_version=log.version)",
        "self._store.replace(LOG, data, content_type='', metadata={})",
        "test_records_kept_at_once_are_all_there",
        "records kept at once are all there: missing",
    ),
    Mutant(
        "stops at a damaged history",
        history,
        "except ValidationError:",
        "except KeyError:",
        "test_a_damaged_history_does_not_stop_a_run",
        "",
    ),
]


def changed(mutant, monkeypatch):
    """The module with the fault in it."""
    source = Path(mutant.module.__file__).read_text()
    assert mutant.old in source
    module = ModuleType(f"{mutant.module.__name__}_changed")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(
        compile(source.replace(mutant.old, mutant.new), "changed", "exec"), vars(module)
    )
    return module


@pytest.mark.parametrize(
    "mutant", [pytest.param(each, id=each.what) for each in MUTANTS]
)
def test_a_broken_promise_is_noticed_and_named(mutant, monkeypatch, tmp_path):
    module = changed(mutant, monkeypatch)
    place = parse_location(f"memory://mutants-{next(_numbers)}/a")
    if mutant.module is quarantine:
        promise = getattr(quarantine_promises, mutant.promise)
        made = [lambda: module.ParquetQuarantine(open_store(place), "x.parquet")]
    else:
        promise = getattr(history_promises, mutant.promise)
        made = [lambda: module.RunHistory(place, history_promises.KEPT_RUNS)]
        if "damaged" in mutant.promise:
            made.append(lambda: history_promises.damage(place))
    with pytest.raises(Exception) as raised:  # noqa: PT011 - what says which is looked at
        promise(*made)
    assert mutant.says in str(raised.value)
