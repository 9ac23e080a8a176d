"""The quick way to read events: it makes of each what the model makes of it, or leaves it to the model."""

import json
import string

import pytest
from hypothesis import strategies as st

from reporting_event_processor.fast_parser import parse_events
from reporting_event_processor.validator import ExperimentEventValidator
from reporting_framework import Batch
from tests.support.properties import given_more

FIELDS = (
    "event_id",
    "event_type",
    "user_id",
    "timestamp",
    "experiment_id",
    "properties",
    "metadata",
)


class ByTheModel(ExperimentEventValidator):
    """The validator without its quick way."""

    def parse_fast(self, payloads):
        return None


def validators(extra="ignore"):
    return [
        kind(kind.Settings(extra=extra))
        for kind in (ExperimentEventValidator, ByTheModel)
    ]


def text(value):
    """A string of JSON with some of its characters escaped, though they need not be."""
    return st.tuples(
        st.just(value), st.sets(st.integers(0, max(len(value) - 1, 0)), max_size=2)
    ).map(
        lambda pair: (
            '"'
            + "".join(
                f"\\u{ord(each):04x}"
                if at in pair[1] and ord(each) < 0x10000
                else json.dumps(each, ensure_ascii=False)[1:-1]
                for at, each in enumerate(pair[0])
            )
            + '"'
        )
    )


DIGITS = st.text(string.digits, max_size=10)
MOMENTS = st.builds(
    "{}-{:02}-{:02}{}{:02}:{:02}:{:02}{}{}".format,
    st.sampled_from(["2024", "0000", "0001", "9999", "1969", "+2024", "24"]),
    st.integers(0, 13),
    st.integers(0, 32),
    st.sampled_from("TTTt _"),
    st.integers(0, 24),
    st.integers(0, 60),
    st.integers(0, 60),
    DIGITS.map(lambda digits: f".{digits}" if digits else "")
    | st.sampled_from([",5", "."]),
    st.sampled_from(
        [
            "Z",
            "Z",
            "z",
            "",
            "+00:00",
            "-00:00",
            "+01:30",
            "+0130",
            "+01",
            "+23:59",
            "-23:59",
            "+24:00",
            " Z",
        ]
    ),
)
TIMES = MOMENTS | st.sampled_from(
    [
        "2024-01-06",
        "2024-01-06T10:00",
        "2024-01-06T10:00Z",
        "20240106T100000Z",
        "2024-W01-1T00:00:00Z",
    ]
)
IDS = st.text(max_size=4) | st.sampled_from(
    [
        "a",
        '":',
        '" :',
        "x" * 256,
        "x" * 257,
        "é" * 256,
        "\u2028",
        "\x00",
        "{",
        "[" * 200,
    ]
)
SCALARS = st.sampled_from(
    [
        "null",
        "true",
        "1",
        "-0.0",
        "1e999",
        "123456789012345678901234567890",
        "[]",
        "NaN",
        '"\\ud800"',
        "01",
        "1.",
    ]
)
NESTED = st.recursive(
    SCALARS | IDS.flatmap(text),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda found: f"[{', '.join(found)}]")
        | st.lists(
            st.tuples(
                IDS.flatmap(text), inner, st.sampled_from([":", " :", ": ", "\n:\t"])
            ),
            max_size=3,
        ).map(
            lambda found: (
                "{"
                + ",".join(f"{key}{colon}{value}" for key, value, colon in found)
                + "}"
            )
        )
    ),
    max_leaves=5,
) | st.sampled_from(
    [
        "{}",
        "{ }",
        '{"a":' * 99 + "1" + "}" * 99,
        '{"a":' * 210 + "1" + "}" * 210,
        '{"a":1,"a":2}',
    ]
)
OBJECTS = NESTED.filter(lambda found: found[:1] == "{") | st.just("null")
GOOD = {
    "event_id": '"e"',
    "event_type": '"click"',
    "user_id": '"u"',
    "timestamp": '"2024-01-06T10:00:00Z"',
}
VALUES = {
    "timestamp": TIMES.flatmap(text) | SCALARS,
    "experiment_id": IDS.flatmap(text) | SCALARS,
    "properties": OBJECTS | NESTED,
    "metadata": OBJECTS | NESTED,
}


@st.composite
def payloads(draw):
    """Events, good ones with a few of their members drawn: other values, blanks, members that are gone or come twice."""
    members = list(GOOD.items())
    for name in draw(st.lists(st.sampled_from(FIELDS), max_size=3)):
        value = draw(VALUES.get(name, IDS.flatmap(text) | SCALARS))
        if draw(st.integers(0, 5)):
            members = [member for member in members if member[0] != name]
        members.append((name, value))
    if not draw(st.integers(0, 9)):
        members.append((draw(st.sampled_from(["unknown", "event_id "])), draw(NESTED)))
    if not draw(st.integers(0, 9)):
        members.pop(draw(st.integers(0, len(members) - 1)))
    colon, comma = draw(
        st.sampled_from([(":", ","), (": ", ", "), (" : ", " ,\n"), (":", ",")])
    )
    joined = comma.join(
        f'"{name}"{colon}{value}' for name, value in draw(st.permutations(members))
    )
    end = draw(st.sampled_from(["}", "}", "}", " }\n", "", "}x"]))
    whole = f"{{{joined}{end}".encode(errors="surrogatepass")
    return whole if draw(st.integers(0, 19)) else whole.replace(b"c", b"\xff", 1)


@given_more(
    300,
    st.lists(payloads(), min_size=1, max_size=3),
    st.sampled_from(["ignore", "reject", "keep"]),
)
def test_what_is_read_quickly_is_what_the_model_makes_of_it(found, extra):
    batch = Batch([f"o{at}" for at in range(len(found))], [None] * len(found), found)
    quick, model = (each.validate(batch) for each in validators(extra))
    assert quick.frame.equals(model.frame)
    assert quick.frame.schema == model.frame.schema
    assert sorted(quick.rejections) == sorted(model.rejections)
    assert quick.ignored_fields == model.ignored_fields


def test_events_as_producers_write_them_are_read_quickly():
    usual = {
        "event_id": "e",
        "event_type": "click",
        "user_id": "ü",
        "timestamp": "2024-01-06T10:00:00.123456+01:00",
        "experiment_id": None,
        "properties": {"price": 12.1234567, "tags": ["a", {"b": None}]},
    }
    written = [
        json.dumps(usual),
        json.dumps(usual, separators=(",", ":"), ensure_ascii=False),
        json.dumps(usual, indent=2),
    ]
    _, at = parse_events([each.encode() for each in written])
    assert at.to_list() == [0, 1, 2]


HOSTILE_MEMBERS = (
    '"event_id":"x"',
    '"event_id" :"x"',
    '"ev\\u0065nt_id":"x"',
    '"\\u0022":1',
    '"unknown":":"',
    '"experiment_id":null,"experiment_id":"x"',
    '"experiment_id":"a\\":"',
    '"experiment_id":"\\u0022:"',
    '"experiment_id":"\\u0000"',
    '"experiment_id":""',
    '"properties":{},"properties":{}',
    '"properties":{"metadata":{}}',
    '"properties":{"a":"\\ud800x"}',
    '"properties":{"a":"\\ud800\\u0041"}',
    '"properties":{"a":"\x01"}',
    '"properties":{"a":1}}{',
    '"properties":{"a":NaN}',
    '"properties":{"a":1e400}',
    f'"metadata":{{"a":{"[" * 99}{"]" * 99}}}',
    f'"metadata":{{"a":{"[" * 5000}{"]" * 5000}}}',
)
HOSTILE_MOMENTS = (
    "2024-01-06 10:00:00",
    "2024-01-06t10:00:00Z",
    "2024-01-06T10:00:00.1234567Z",
    "2024-01-06T10:00:60Z",
    "2024-02-30T10:00:00Z",
    "0001-01-01T00:00:00+23:59",
    "0002-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2024-01-06T10:00:00+24:00",
    "2024-01-06T10:00:00-00:00",
    "2024-01-06T10:00:00Z\\n",
    "\\u0032024-01-06T10:00:00Z",
    "\uff12024-01-06T10:00:00Z",
    "1969-12-31T23:59:59.999999Z",
    "",
)


def event(moment="2024-01-06T10:00:00Z", member=""):
    return (
        f'{{"event_id":"e","event_type":"t","user_id":"u","timestamp":"{moment}"'
        f"{',' if member else ''}{member}}}"
    ).encode()


HOSTILE = [
    *(event(member=member) for member in HOSTILE_MEMBERS),
    *map(event, HOSTILE_MOMENTS),
    *(b"", b" ", b"null", b"[]", b"\xff", b"\xef\xbb\xbf" + event(), event() * 2),
    *(event() + b"\x00", event()[:-1], event().replace(b"u", b"\xc3", 1)),
]


@pytest.mark.parametrize("extra", ["ignore", "reject", "keep"])
def test_hostile_payloads_are_judged_alone_and_together_as_by_the_model(extra):
    together = [event(), *HOSTILE, event()]
    for batch_payloads in ([], together, *([event(), each] for each in HOSTILE)):
        keys = [f"o{at}" for at in range(len(batch_payloads))]
        batch = Batch(keys, [None] * len(keys), batch_payloads)
        quick, model = (each.validate(batch) for each in validators(extra))
        assert quick.frame.equals(model.frame)
        assert quick.frame.schema == model.frame.schema
        assert sorted(quick.rejections) == sorted(model.rejections)
        assert quick.ignored_fields == model.ignored_fields


def test_only_doubtful_events_are_left_to_the_model():
    _, at = parse_events([event(), b"x", event(), b"\xff", event()])
    assert at.to_list() == [0, 2, 4]


@pytest.mark.parametrize("digits", [4299, 4300, 4301, 20_000])
@pytest.mark.parametrize("number", ["{}", "-{}", "[0.{}]", "1e{}", "{}.5"])
def test_long_numbers_are_for_the_model(digits, number):
    nested = '{"n":' + number.format("1" * digits) + "}"
    payload = f'{{"event_id":"e","event_type":"t","user_id":"u","timestamp":"2024-01-06T10:00:00Z","properties":{nested}}}'
    quick, model = (
        each.validate(Batch(["o"], [None], [payload.encode()])) for each in validators()
    )
    assert quick.frame.equals(model.frame)
    assert quick.rejections == model.rejections


def test_nested_objects_keep_their_text():
    nested = '{"a" : 1.00, "big": 1e999,\n "a": "\\u00e9", "n": 123456789012345678901234567890}'
    payload = json.dumps(
        {
            "event_id": "e",
            "event_type": "t",
            "user_id": "u",
            "timestamp": "2024-01-06T10:00:00Z",
        }
    )
    whole = f'{payload[:-1]},"properties":{nested}}}'.encode()
    for validator in validators():
        assert validator.validate(Batch(["o"], [None], [whole])).frame[
            "properties"
        ].to_list() == [nested]
