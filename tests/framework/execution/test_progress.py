"""What a run as a whole has accounted for: the sink that lags behind decides, and the quarantine."""

from datetime import UTC, datetime

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from reporting_framework.execution.progress import CombinedLedger

EARLY, LATE = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC)
KEYS = ("a", "b", "c", "d")


class Having:
    """The ledger of a sink that has some objects."""

    def __init__(self, objects=(), rows=0, newest=None):
        self.objects, self.rows, self.newest = set(objects), rows, newest

    def filter_new(self, objects):
        return [key for key in objects if key not in self.objects]


class Keeping:
    """A metadata store and its quarantine, which keeps some objects, each at a version."""

    def __init__(self, versions, keys=()):
        self.kept, self.hints = versions, {"left": "behind"}
        self.quarantine = self
        self.keys = dict(keys)

    def versions(self, objects):
        return {key: self.kept[key] for key in objects if key in self.kept}

    def entries(self):
        return pl.DataFrame(
            {"source_key": [self.keys.get(key, key) for key in self.kept]}
        )

    def discarded(self):
        return self.entries().clear()


def filter_new(ledgers, quarantine, objects, now):
    combined = CombinedLedger(ledgers, quarantine)
    return combined.filter_new(objects, now.get), combined.expected_replays


def test_the_sink_that_has_least_decides():
    combined = CombinedLedger(
        [Having(rows=3, newest=LATE), Having(rows=2, newest=EARLY)], None
    )
    assert (combined.rows, combined.newest, combined.hints) == (2, EARLY, {})
    assert CombinedLedger([Having(rows=3, newest=LATE), Having()], None).newest is None


def test_the_hints_are_those_of_the_metadata_store():
    assert CombinedLedger([Having()], Keeping({})).hints == {"left": "behind"}


def test_what_one_sink_lacks_is_unseen_in_the_order_asked():
    assert filter_new([Having("ab"), Having("bc")], None, ["d", "c", "b", "a"], {}) == (
        ["d", "c", "a"],
        set(),
    )


def test_what_is_quarantined_is_unseen_once_it_has_changed():
    quarantine = Keeping({"a": "1", "b": "1", "c": None})
    found = filter_new(
        [Having()], quarantine, ["a", "b", "c", "d"], {"a": "1", "b": "2", "c": "1"}
    )
    assert found == (["b", "c", "d"], {"b", "c"})


def test_an_etag_is_the_same_with_quotes_and_without():
    """Some servers quote ETags in one answer and not in another: what was rejected is not read again by every run."""
    quarantine = Keeping({"a": '"1"', "b": "1", "c": '"1"', "d": '"1"'})
    now = {"a": "1", "b": '"1"', "c": '"1"', "d": "2"}
    assert filter_new([Having()], quarantine, list("abcd"), now) == (["d"], {"d"})


def test_what_is_accepted_in_part_is_read_again_for_a_sink_that_lacks_it():
    quarantine = Keeping({"a": "1", "b": "1"})
    found = filter_new(
        [Having("a"), Having()], quarantine, ["a", "b"], {"a": "1", "b": "1"}
    )
    assert found == (["a"], {"a"}), (
        "b was accepted by no sink: nothing of it is lacking"
    )


def test_an_object_of_several_records_is_read_again_once_its_rows_are_gone():
    """Its quarantined records cannot tell whether others of it were in the table."""
    quarantine = Keeping({"a": "1", "b": "1"}, {"b": "b#2"})
    now = {"a": "1", "b": "1"}
    assert filter_new([Having(rows=0)], quarantine, ["a", "b", "c"], now) == (
        ["b", "c"],
        {"b"},
    )
    assert filter_new([Having("b", rows=1)], quarantine, ["a", "b"], now) == ([], set())
    assert filter_new([Having(rows=1)], quarantine, ["a", "b"], now) == ([], set())


def test_only_quarantined_objects_are_asked_for_their_version():
    asked = []
    CombinedLedger([Having("b")], Keeping({"a": "1"})).filter_new(
        list(KEYS), lambda key: asked.append(key)
    )
    assert asked == ["a"]


@given(
    st.lists(st.sets(st.sampled_from(KEYS)), min_size=1, max_size=3),
    st.dictionaries(st.sampled_from(KEYS), st.sampled_from(["1", "2", None])),
    st.dictionaries(st.sampled_from(KEYS), st.sampled_from(["1", "2", None])),
    st.permutations(KEYS),
)
def test_an_object_is_left_out_only_if_every_sink_or_the_quarantine_accounts_for_it(
    having, kept, now, asked
):
    """Against a model: unseen unless quarantined as it is now (and lacking in no sink), or in every sink."""
    found, reread = filter_new(
        [Having(each) for each in having], Keeping(kept), asked, now
    )
    expected = []
    for key in asked:
        lacking = [key not in each for each in having]
        if key in kept:
            same = kept[key] is not None and kept[key] == now.get(key)
            wanted = not same or (any(lacking) and not all(lacking))
        else:
            wanted = any(lacking)
        if wanted:
            expected.append(key)
    assert found == expected
    assert reread == {key for key in expected if key in kept}


class Dated(Having):
    """A ledger that can look behind its newest timestamp."""

    def newest_until(self, moment):
        return EARLY if moment >= EARLY else None


def test_the_newest_until_a_moment_is_that_of_the_sink_that_lags_behind():
    between = EARLY + (LATE - EARLY) / 2
    both = [Dated(rows=3, newest=LATE), Having(rows=2, newest=between)]
    assert CombinedLedger(both, None).newest_until(LATE) == between
    assert CombinedLedger(both, None).newest_until(between) == EARLY
    assert CombinedLedger(both, None).newest_until(EARLY) is None, (
        "one of them cannot tell"
    )
    assert (
        CombinedLedger([Dated(rows=3, newest=LATE), Having()], None).newest_until(LATE)
        is None
    )
