"""What holds for the generic validator whatever it is given."""

import json
import string
from datetime import UTC

from hypothesis import example, given
from hypothesis import strategies as st
from typing_extensions import TypedDict

from reporting_framework.builtin.pydantic_validator import ModelValidator
from tests.framework.builtin.validating import made, properties, row, run, validator


class Pairs(list):
    """Members of a JSON object, of which some may have the same key."""


KEYS = st.sampled_from(["id", "name", "x", "y z", "", '":', " :", "é"])
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text() | KEYS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(st.tuples(KEYS, inner), max_size=4).map(Pairs)
    ),
    max_leaves=8,
)
BLANKS = st.text(" \t\r\n", max_size=2)


def written(value, blank):
    """JSON with blanks wherever they are allowed; `Pairs` become objects."""
    if isinstance(value, Pairs):
        members = [
            f"{blank()}{json.dumps(key)}{blank()}:{written(each, blank)}"
            for key, each in value
        ]
        return f"{blank()}{{{','.join(members) or blank()}}}{blank()}"
    if isinstance(value, list):
        return f"{blank()}[{','.join(written(each, blank) for each in value)}]{blank()}"
    return f"{blank()}{json.dumps(value, ensure_ascii=isinstance(value, str) and len(value) % 2 == 0)}{blank()}"


def repeats(value):
    """Whether an object in it has a key twice."""
    if isinstance(value, Pairs):
        return len({key for key, _ in value}) < len(value) or any(
            repeats(each) for _, each in value
        )
    return isinstance(value, list) and any(map(repeats, value))


class Loose(TypedDict, total=False):
    """Takes any record."""

    id: object
    name: object


class LooseValidator(ModelValidator):
    """Takes any record; what has no column is not looked at."""

    name = "loose"
    model = Loose
    excluded_fields = frozenset({"id", "name"})


@properties
@given(st.lists(st.tuples(KEYS, VALUES), max_size=6).map(Pairs), st.data())
def test_a_record_is_rejected_as_a_duplicate_if_and_only_if_an_object_in_it_has_a_key_twice(
    members, data
):
    """Repeated keys: however a record is written, counting finds what a full parse would."""
    payload = written(members, lambda: data.draw(BLANKS)).encode()
    found = run(made(LooseValidator), payload, {"id": 1})
    assert [each.error_type for each in found.rejections] == [
        "duplicate_key"
    ] * repeats(members)


@properties
@given(st.binary(max_size=60) | st.text(string.printable, max_size=60).map(str.encode))
def test_any_bytes_are_a_row_or_a_rejection(payload):
    """Error resilience: nothing that is read makes the validator raise."""
    for model in ("Record", "Everything", "Ruled"):
        for extra in ("ignore", "reject", "keep"):
            run(validator(model, extra), payload, {"id": 1, "text": "t", "low": 1})


@properties
@given(
    st.dictionaries(
        st.text(max_size=8).filter(lambda key: key not in ("id", "name")),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers(-(10**40), 10**40)
            | NUMBERS
            | st.text(),
            st.lists,
        ),
        max_size=5,
    )
)
def test_kept_fields_are_exact(unknown):
    """JSON round-trip: unknown fields come back from the column `extra` as they were, big numbers too."""
    kept = row(run(validator("Record", "keep"), {"id": 1, **unknown}))["extra"]
    assert (json.loads(kept) if kept is not None else {}) == unknown
    assert kept is None or list(json.loads(kept)) == sorted(unknown)


@properties
@given(st.lists(st.datetimes(timezones=st.none() | st.timezones()), max_size=5))
def test_moments_are_the_same_instant_in_utc(moments):
    """Type conversion: any offset, and none, to UTC; to the microsecond over the whole calendar."""
    records = [{"text": "t", "moment": moment.isoformat()} for moment in moments]
    found = run(validator("Everything"), *records)
    expected = []
    for at, moment in enumerate(moments):
        if moment.utcoffset() is not None and moment.utcoffset().seconds % 60:
            continue  # an offset with seconds, from before there were time zones
        try:
            expected.append(
                (
                    f"o{at}",
                    (
                        moment if moment.tzinfo else moment.replace(tzinfo=UTC)
                    ).astimezone(UTC),
                )
            )
        except OverflowError:
            expected.append((f"o{at}", None))
    rejected = {
        each.source_key: (each.error_type, each.field) for each in found.rejections
    }
    accepted = dict(found.frame.select("source_key", "moment").rows())
    for source_key, instant in expected:
        if instant is None:
            assert rejected[source_key] == ("out_of_range", "moment")
        else:
            assert accepted[source_key] == instant


TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | NUMBERS
    | st.text(max_size=6)
    | st.sampled_from(['":', "NaN", "-Infinity"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=10,
)


@properties
@given(st.dictionaries(st.text(max_size=4), TREES, max_size=4))
def test_nested_objects_are_kept_and_not_mistaken_for_repeated_keys(mapping):
    """JSON round-trip of what is nested, with strings that look like the end of a key or like NaN."""
    assert (
        json.loads(row(run(validator("Mapped"), {"mapping": mapping}))["mapping"])
        == mapping
    )


@properties
@given(
    st.dictionaries(
        st.text("ab", min_size=1, max_size=2), TREES, min_size=1, max_size=4
    ),
    st.data(),
)
def test_a_repeated_key_is_found_however_deep(mapping, data):
    """Strictness: an object within the record that has a key twice rejects it."""
    key = data.draw(st.sampled_from(sorted(mapping)))
    text = json.dumps(mapping)
    doubled = text[:-1] + f", {json.dumps(key)}: 1}}"
    depth = data.draw(st.integers(0, 3))
    payload = (
        b'{"mapping": ' + b'{"x": ' * depth + doubled.encode() + b"}" * depth + b"}"
    )
    [rejection] = run(validator("Mapped"), payload).rejections
    assert rejection.error_type == "duplicate_key"


@properties
@given(st.sampled_from(["NaN", "Infinity", "-Infinity"]), st.integers(0, 3))
def test_a_number_that_is_none_is_found_however_deep(literal, depth):
    """Strictness: NaN and infinities are not JSON, wherever they are."""
    payload = (
        '{"mapping": '
        + '{"x": ' * depth
        + f'{{"y": [1.5, {literal}]}}'
        + "}" * depth
        + "}"
    )
    [rejection] = run(validator("Mapped"), payload.encode()).rejections
    assert rejection.error_type == "json_invalid"


numbers = st.from_regex(
    r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?", fullmatch=True
)
written_values = st.recursive(
    numbers
    | st.sampled_from(
        [
            "null",
            "true",
            '"1.0"',
            '"é\\\\\\""',
            "0",
            "-0",
            "-0.0",
            "1E5",
            "1e-7",
            "100000000000000000000",
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda found: f"[{','.join(found)}]")
        | st.dictionaries(st.sampled_from(["b", "a", "é"]), inner, max_size=3).map(
            lambda found: (
                "{"
                + ",".join(f'"{name}":{value}' for name, value in found.items())
                + "}"
            )
        )
    ),
    max_leaves=6,
)


@properties
@given(
    st.dictionaries(st.sampled_from(["n", "m", "z", "A"]), written_values, min_size=1)
)
@example({"n": "-0"})
def test_kept_fields_have_their_numbers_as_they_were_written(unknown):
    """Numbers in the column `extra` are the payload's digits, at any depth."""
    payload = (
        '{"id": 1, '
        + ", ".join(f'"{name}": {value}' for name, value in unknown.items())
        + "}"
    )
    kept = row(run(validator("Record", "keep"), payload.encode()))["extra"]
    assert (
        kept
        == "{" + ",".join(f'"{name}":{unknown[name]}' for name in sorted(unknown)) + "}"
    )
