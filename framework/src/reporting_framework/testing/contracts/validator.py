"""Promises of a validator."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import polars as pl
import pytest

from reporting_framework.plugin_api.records import (
    SOURCE_KEY,
    Batch,
    Rejection,
    Validated,
)
from reporting_framework.testing.contracts.base import (
    CANARY,
    PluginContract,
    assert_no_value_shown,
    differing,
    few,
)
from reporting_framework.testing.contracts.edge_cases import awkward_records
from reporting_framework.testing.harness.memory import assert_bounded, copied, peak
from reporting_framework.testing.harness.source_harness import size_of

Make = Callable[..., Any]


class ValidatorContract(PluginContract):
    """Promises of a `Validator`.

    Required, in addition to `PluginContract`:
        good: Fixture: valid records: payloads (bytes), or rows (mappings) if the
            validator accepts frames. At least two, with `CANARY` in some value.
        bad: Fixture: invalid records, each with the expected error type, and the field
            if it should be checked too: ``(record, "missing")`` or ``(record,
            "missing", "ptid")``. With `CANARY` in values.

    If the validator accepts payloads, unusual records (`reporting_awkward_records`) are
    tried too.
    """

    @pytest.fixture
    def good(self) -> Sequence[Any]:
        """Return valid records."""
        self._lacks("good", "records that pass")

    @pytest.fixture
    def bad(self) -> Sequence[tuple[Any, ...]]:
        """Return invalid records, each with its error type."""
        self._lacks("bad", "records that do not pass, each with its type of error")

    def test_the_last_column_is_the_source_key(self, make: Make) -> None:
        """Check that `schema` ends with `SOURCE_KEY`, a String."""
        schema = make().schema
        assert schema.names()[-1:] == [SOURCE_KEY], (
            "the last column of the declared schema is the source key"
        )
        assert schema[SOURCE_KEY] == pl.String, "the source key is a String"

    def test_a_good_record_is_a_row(self, make: Make, good: Sequence[Any]) -> None:
        """Check that each valid record is a row with its source key."""
        batch = self._batch(good)
        validated = make().validate(batch)
        assert not validated.rejections, (
            f"a good record is a row: rejected {_reasons(validated.rejections)}"
        )
        rows = validated.frame[SOURCE_KEY].to_list()
        assert sorted(rows) == sorted(batch.source_keys), differing(
            rows, batch.source_keys, "a good record is a row"
        )

    def test_a_bad_record_is_a_rejection(
        self, make: Make, bad: Sequence[tuple[Any, ...]]
    ) -> None:
        """Check source key, version, error type and field of each rejection."""
        batch = self._batch([case[0] for case in bad])
        validated = make().validate(batch)
        kept = validated.frame[SOURCE_KEY].to_list()
        assert not kept, f"a bad record is a rejection: {few(kept)} are rows"
        by_source_key = {
            rejection.source_key: rejection for rejection in validated.rejections
        }
        for source_key, version, (_, error_type, *field) in zip(
            batch.source_keys, batch.versions, bad, strict=True
        ):
            due = Rejection(
                source_key,
                version,
                error_type,
                *(field or [by_source_key[source_key].field]),
            )
            assert by_source_key[source_key] == due, (
                f"a rejection says why: {by_source_key[source_key]} where {due} is due"
            )

    def test_every_record_is_a_row_or_a_rejection(
        self, make: Make, good: Sequence[Any], bad: Sequence[tuple[Any, ...]]
    ) -> None:
        """Check that each record of a mixed batch is a row or a rejection, once.

        The result for a record does not depend on the other records.
        """
        records = [*good, *(case[0] for case in bad), *self._awkward(), *good]
        batch, validator = self._batch(records), make()
        validated = validator.validate(batch)
        times = Counter(
            [
                *validated.frame[SOURCE_KEY].to_list(),
                *(rejection.source_key for rejection in validated.rejections),
            ]
        )
        wrong = [
            source_key
            for source_key in {*batch.source_keys, *times}
            if times[source_key] != (source_key in batch.source_keys)
        ]
        assert not wrong, (
            f"every record is a row or a rejection, once: {few(wrong)} are not"
        )
        alone = [
            validator.validate(self._batch([record], first=number))
            for number, record in enumerate(records)
        ]
        frame = pl.concat([validated.frame for validated in alone])
        assert frame.sort(SOURCE_KEY).equals(validated.frame.sort(SOURCE_KEY)), (
            "what becomes of a record does not depend on its neighbours: rows differ"
        )
        assert sorted(
            rejection for one in alone for rejection in one.rejections
        ) == sorted(validated.rejections), (
            "what becomes of a record does not depend on its neighbours: rejections"
            " differ"
        )

    def test_the_schema_is_as_declared(
        self, make: Make, good: Sequence[Any], bad: Sequence[tuple[Any, ...]]
    ) -> None:
        """Check the schema for valid records, for none, and if all are rejected."""
        validator = make()
        for what, records in {
            "good records": good,
            "no records": [],
            "bad records": [case[0] for case in bad],
        }.items():
            schema = validator.validate(self._batch(records, like=good)).frame.schema
            assert schema == validator.schema, (
                f"the schema is exactly as declared, for {what}: {schema} is not"
                f" {validator.schema}"
            )

    def test_a_bad_record_never_raises(self, make: Make, good: Sequence[Any]) -> None:
        """Check that any bytes are a rejection, not an error."""
        validator = make()
        for what, record in self._named_awkward().items():
            _unharmed(validator, self._batch([record]), f"a record ({what})")
        if self.plugin.input_format != "frames":
            self._never_raises_for_damage(validator, good)

    def _never_raises_for_damage(self, validator: Any, good: Sequence[bytes]) -> None:
        """Check that it raises nothing for damaged records.

        They are random bytes, and valid records that were cut, doubled or changed at
        random.
        """
        from hypothesis import given, settings
        from hypothesis import strategies as st

        @settings(max_examples=100, deadline=None, derandomize=True, database=None)
        @given(
            st.sampled_from(list(good)),
            st.binary(max_size=64),
            st.integers(0, 1000),
            st.integers(0, 1000),
        )
        def damaged(record: bytes, noise: bytes, begin: int, end: int) -> None:
            for payload in (
                noise,
                record[: begin % (len(record) + 1)]
                + noise
                + record[end % (len(record) + 1) :],
            ):
                _unharmed(validator, self._batch([payload]), "a damaged record")

        damaged()

    def test_it_is_deterministic(
        self, make: Make, good: Sequence[Any], bad: Sequence[tuple[Any, ...]]
    ) -> None:
        """Check that the same batch gives the same result.

        The result is the same a second time, from another object, and from several
        threads at once.
        """
        batch, validator = self._batch([*good, *(case[0] for case in bad)]), make()
        first = validator.validate(batch)
        with ThreadPoolExecutor(4) as pool:
            others = [
                make().validate(batch),
                *pool.map(validator.validate, [batch] * 8),
            ]
        for other in others:
            assert other.frame.equals(first.frame), "it is deterministic: rows differ"
            assert list(other.rejections) == list(first.rejections), (
                "it is deterministic: rejections differ"
            )
            assert dict(other.ignored_fields) == dict(first.ignored_fields), (
                "it is deterministic: ignored fields differ"
            )

    def test_no_value_is_shown(
        self,
        make: Make,
        good: Sequence[Any],
        bad: Sequence[tuple[Any, ...]],
        output: Callable[[], Mapping[str, str]],
    ) -> None:
        """Check rejections and logs, also with unknown fields."""
        validated: Validated = make().validate(
            self._batch(
                [
                    *good,
                    *(case[0] for case in bad),
                    *self._awkward(),
                    *self._with_odd_names(good),
                ]
            )
        )
        for rejection in validated.rejections:
            assert_no_value_shown(
                {
                    f"a rejection of type {rejection.error_type!r:.40}": (
                        rejection.error_type,
                        rejection.field,
                        rejection.version,
                    )
                }
            )
        assert_no_value_shown(
            {"the names of ignored fields": list(validated.ignored_fields), **output()}
        )

    @pytest.mark.slow
    def test_memory_is_bounded(self, make: Make, good: Sequence[Any]) -> None:
        """Check that no part of a batch is retained."""
        self._bounded()
        validator = make()
        records = (
            list(good) * (1 + 65_536 // max(1, sum(size_of(record) for record in good)))
        )[:10_000]
        batch = self._batch(records)
        size = sum(map(size_of, records))

        def stream(times: int) -> None:
            for _ in range(times):
                validator.validate(_copied(batch))

        stream(2)
        small, large = peak(partial(stream, 4)), peak(partial(stream, 20))
        assert_bounded(small, large, data=16 * size, what="validating")

    # -- making batches ----------------------------------------------------------------

    def _batch(
        self, records: Sequence[Any], *, first: int = 0, like: Sequence[Any] = ()
    ) -> Batch:
        """Return a batch of these records, each an object of its own."""
        source_keys = [
            f"record-{number:04}.json" for number in range(first, first + len(records))
        ]
        versions = [f"v{number}" for number in range(first, first + len(records))]
        if self.plugin.input_format != "frames":
            return Batch(source_keys, versions, list(records))
        frame = pl.DataFrame(
            [dict(record) for record in records or like], infer_schema_length=None
        )
        return Batch(source_keys, versions, frame=frame[: len(records)])

    def _named_awkward(self) -> Mapping[str, bytes]:
        return awkward_records() if self.plugin.input_format != "frames" else {}

    def _awkward(self) -> list[bytes]:
        return list(self._named_awkward().values())

    def _with_odd_names(self, good: Sequence[Any]) -> list[bytes]:
        """Return valid records that are JSON objects, with one more field.

        The name of the field also holds a value.
        """
        batches = []
        for good_record in good if self.plugin.input_format != "frames" else ():
            try:
                record = json.loads(good_record)
            except ValueError:
                continue
            if isinstance(record, dict):
                batches.append(
                    json.dumps({**record, f"{CANARY} of someone": 1}).encode()
                )
        return batches


def _unharmed(validator: Any, batch: Batch, what: str) -> None:
    """Validate a single record; it must be a row or a rejection."""
    try:
        validated = validator.validate(batch)
    except Exception as error:
        raise AssertionError(
            f"a validator never raises for a bad record: {type(error).__name__} for"
            f" {what}"
        ) from error
    number = validated.frame.height + len(validated.rejections)
    assert number == 1, (
        f"every record is a row or a rejection, once: {what} was answered for {number}"
        " times"
    )


def _copied(batch: Batch) -> Batch:
    """Copy a batch, so that a part that is retained takes memory."""
    if batch.payloads is not None:
        return batch._replace(
            payloads=[bytes(bytearray(payload)) for payload in batch.payloads]
        )
    return batch._replace(
        frame=copied(batch.frame) if batch.frame is not None else None
    )


def _reasons(rejections: Sequence[Rejection]) -> str:
    return few(
        f"{rejection.error_type} in {rejection.field}" for rejection in rejections
    )
