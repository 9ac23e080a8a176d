"""Synthetic visit events: files for benchmarks at any size, and the bundled example.

Nothing here comes from a real participant, center or visit: centers are numbered 901 to
905 and called `synthetic-research-center-...`, participants are called `SYN...`,
`LATE...` and `TWIN...`.

    python benchmarks/generate.py OUT --count 20000 --seed 1 --bad 0.01
    python benchmarks/generate.py OUT --count 1000 --seed 1 --bad 0.01 --after 20000
    python benchmarks/generate.py --example examples/visit-events

The second command adds the 1,000 events that follow the first 20,000: `--count` is
always the number of files written. An event depends on nothing but the seed and its
index: any part of the series can be made on its own (skipping costs nothing), nothing
is held in memory, and the same input gives the same bytes on every Python from 3.11.
`--bad` decides which events are spoiled and changes no other.

A benchmark visit has three events: submit, pass-qc, delete or submit, not-pass-qc,
pass-qc. A form's packet is null at first and filled later. Two events in a hundred are
dated 1 to 20 days early (late arrivals). A share of `--bad` is spoiled in one of the
ways that `SPOILERS` lists, each as often as the others. Timestamps come with `Z`, with
an offset, with microseconds, and a few naive (meant as UTC).

The example has the same kinds of event in January to March 2024. It also has longer
histories with resubmissions; participants `LATE...`, dated in early January, which can
be held back from a first run; participants `TWIN...`, whose six events share one
second; a few legacy file names; each kind of bad file once; and two objects that are
not called `log-*.json`. `examples/README.md` counts them.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from random import Random

NamedFile = tuple[str, bytes]
Fields = dict[str, object]

LIMIT = 60_000_000
"""Maximum number of events of one seed: the participants' numbers have seven digits,
with six events each.
"""

EPOCH = datetime(2023, 1, 1, tzinfo=UTC)
SECONDS_APART = 600
# visits whose events are interleaved, so that the events of one visit do not follow
# each other
BLOCK = 10
GREEK = ("alpha", "beta", "gamma", "delta", "epsilon")
CENTERS = tuple(
    (901 + index, f"synthetic-research-center-{letter}")
    for index, letter in enumerate(GREEK)
)
STUDIES = (
    "adrc",
    "dlb",
    "adrc",
    "clariti",
    "adrc",
    "dlb",
    "adrc",
)  # seven to five centers gives every pair
MODULES = ("UDS", "UDS", "UDS", "FTLD", "LBD")
PACKETS = ("I", "F", "F", "T")
SCANS = ("dicom", "scan-analysis")
SAMPLES = ("apoe", "biomarker", "genetic-availability", "gwas", "imputation")
OTHER_DATATYPES = ("enrollment", *SCANS, *SAMPLES)
GEARS = {
    "submit": "example-visit-submission-intake",
    "not-pass-qc": "example-visit-quality-check",
    "pass-qc": "example-visit-quality-check",
    "delete": "example-visit-removal",
}
FAILED_FIRST = ("submit", "not-pass-qc", "pass-qc")
PASSED_FIRST = ("submit", "pass-qc", "delete")
HISTORIES = (
    ("submit", "pass-qc"),
    FAILED_FIRST,
    ("submit", "not-pass-qc", "submit", "pass-qc"),
    PASSED_FIRST,
    ("submit", "not-pass-qc"),
    ("submit", "not-pass-qc", "submit", "not-pass-qc", "submit", "pass-qc"),
    ("submit", "pass-qc", "submit", "pass-qc"),
    ("submit", "delete"),
)


def _dump(value: object) -> bytes:
    return json.dumps(value).encode()


def _set(field: str, value: object) -> Callable[[Fields], bytes]:
    return lambda record: _dump(record | {field: value})


def _set_ptid(change: Callable[[str], str]) -> Callable[[Fields], bytes]:
    return lambda record: _dump(record | {"ptid": change(str(record["ptid"]))})


SPOILERS: dict[str, Callable[[Fields], bytes]] = {
    "truncated": lambda record: _dump(record)[:-60],
    "empty": lambda record: b"",
    "missing-field": lambda record: _dump(
        {key: record[key] for key in record if key != "center_label"}
    ),
    "number-for-text": _set("gear_name", 7),
    "unknown-datatype": _set("datatype", "questionnaire"),
    "lower-case-ptid": _set_ptid(str.lower),
    "long-ptid": _set_ptid(lambda ptid: ptid.ljust(11, "X")),
    "newline-in-ptid": _set_ptid(lambda ptid: ptid[:9] + "\n"),
    "impossible-date": _set("visit_date", "2024-02-30"),
    "bad-timestamp": _set("timestamp", "2024-01-15 at noon"),
    "beyond-32-bits": _set("pipeline_adcid", 2**31),
    "null-study": _set("study", None),
    "array-of-text": lambda record: _dump(["not an event"]),
}
"""The kinds of bad files, each made from the fields of a good one."""


def _random(seed: int, number: int) -> Random:
    """Start a series of its own for each number.

    Only `random()` is used, which no Python version changes.
    """
    return Random((seed << 64) | number)


def _below(rng: Random, limit: int) -> int:
    return int(rng.random() * limit)


def _pick(rng: Random, choices: tuple[str, ...]) -> str:
    return choices[_below(rng, len(choices))]


def _visit(
    rng: Random, ptid: str, participant: int, number: int, opened: datetime
) -> Fields:
    """Make the fields that a visit's events share.

    Visit 1 is dated half a year before visit 2.
    """
    adcid, center = CENTERS[participant % len(CENTERS)]
    study = STUDIES[participant % len(STUDIES)]
    is_form = rng.random() < 0.75
    datatype = "form" if is_form else _pick(rng, OTHER_DATATYPES)
    is_sandbox = rng.random() < 0.08
    days = 21 + _below(rng, 30) + (180 if number == 1 else 0)
    return {
        "action": None,
        "study": study,
        "pipeline_adcid": adcid,
        "project_label": (
            f"sandbox-{study}-{datatype}"
            if is_sandbox
            else f"ingest-{datatype}-{study}"
        ),
        "center_label": center,
        "gear_name": None,
        "ptid": ptid,
        "visit_date": f"{opened - timedelta(days=days):%Y-%m-%d}",
        "visit_number": str(number),
        "datatype": datatype,
        "module": _pick(rng, MODULES) if is_form else None,
        "packet": _pick(rng, PACKETS) if is_form else None,
    }


def _timestamp(rng: Random, when: datetime) -> str:
    """Write the second in one of the ways that producers write it."""
    draw = rng.random()
    precise = when.replace(microsecond=1 + _below(rng, 999_999))
    if draw < 0.70:
        return f"{when:%Y-%m-%dT%H:%M:%S}Z"
    if draw < 0.80:
        return f"{precise:%Y-%m-%dT%H:%M:%S.%f}Z"
    if draw < 0.88:
        return (when if draw < 0.84 else precise).isoformat()
    if draw < 0.97:
        offset = timedelta(hours=-5) if draw < 0.94 else timedelta(hours=5, minutes=30)
        return when.astimezone(timezone(offset)).isoformat()
    return f"{when:%Y-%m-%dT%H:%M:%S}"


def _event(
    rng: Random, visit: Fields, step: int, action: str, when: datetime
) -> tuple[str, Fields]:
    """Make an event's file name and its fields.

    The name ends in the visit's number or its date.
    """
    last = visit["visit_number"] if rng.random() < 0.6 else visit["visit_date"]
    place = "{pipeline_adcid}-{project_label}-{ptid}".format_map(visit)
    record = visit | {
        "action": action,
        "gear_name": GEARS[action],
        "timestamp": _timestamp(rng, when),
    }
    if step == 0:
        record["packet"] = None
    if rng.random() < 0.02:
        record["naccid"] = f"NACC{_below(rng, 1000):06d}"
    return f"log-{action}-{when:%Y%m%d-%H%M%S}-{place}-{last}.json", record


def _benchmark_file(seed: int, bad: float, index: int) -> NamedFile:
    """Make the event at an index.

    Names are distinct because no visit has the same action twice.
    """
    block, place = divmod(index, 3 * BLOCK)
    step, place = divmod(place, BLOCK)
    number = block * BLOCK + place
    participant, earlier = divmod(number, 2)
    opened = EPOCH + timedelta(seconds=SECONDS_APART * (block * 3 * BLOCK + place))
    visit_rng = _random(seed, 2 * number)
    visit = _visit(visit_rng, f"SYN{participant:07d}", participant, earlier + 1, opened)
    action = (PASSED_FIRST if visit_rng.random() < 0.2 else FAILED_FIRST)[step]

    rng = _random(seed, 2 * index + 1)
    when = EPOCH + timedelta(seconds=SECONDS_APART * index + _below(rng, SECONDS_APART))
    if rng.random() < 0.02:
        when -= timedelta(days=1 + _below(rng, 20))
    name, record = _event(rng, visit, step, action, when)
    if rng.random() < bad:
        return name, SPOILERS[_pick(rng, tuple(SPOILERS))](record)
    return name, _dump(record)


def generate(
    count: int, seed: int = 0, bad: float = 0.01, after: int = 0
) -> Iterator[NamedFile]:
    """Make `count` events of the series that a seed stands for.

    Args:
        count: How many events to make.
        seed: Which series, 0 or more.
        bad: The share of spoiled files, 0 to 1.
        after: How many events of the series to skip first: `generate(a)` and then
            `generate(b, after=a)` are together `generate(a + b)`.

    Returns:
        File names and contents, made one at a time.

    Raises:
        ValueError: A number is out of its range.
    """
    if min(count, seed, after) < 0:
        raise ValueError(
            f"count, seed and after must be 0 or more, found {count}, {seed} and"
            f" {after}"
        )
    if count + after > LIMIT:
        raise ValueError(
            f"a seed has {LIMIT:,} events, {count + after:,} were asked for: use"
            " another seed"
        )
    if not 0 <= bad <= 1:
        raise ValueError(f"bad is a share from 0 to 1, found {bad}")
    return (_benchmark_file(seed, bad, index) for index in range(after, after + count))


def _history(
    rng: Random,
    ptid: str,
    number: int,
    opened: datetime,
    actions: tuple[str, ...],
    pause: int = 48 * 3600,
) -> Iterator[tuple[str, Fields]]:
    """Make the events of one visit of the example.

    Each is at most `pause` seconds after the one before.
    """
    visit = _visit(rng, ptid, int(ptid[-4:]), number, opened)
    when = opened
    for step, action in enumerate(actions):
        yield _event(rng, visit, step, action, when)
        when += timedelta(seconds=_below(rng, pause))


def _example_events(rng: Random) -> Iterator[tuple[str, Fields]]:
    """Make the valid events of the example."""
    january = datetime(2024, 1, 1, tzinfo=UTC)
    for index in range(84):
        number, participant = divmod(index, 42)
        opened = january + timedelta(days=index, seconds=_below(rng, 86_400))
        actions = HISTORIES[index % len(HISTORIES)]
        yield from _history(rng, f"SYN{participant:04d}", number + 1, opened, actions)
    for late in range(3):
        opened = january + timedelta(days=2 + late, seconds=_below(rng, 86_400))
        yield from _history(rng, f"LATE{late:04d}", 1, opened, ("submit", "pass-qc"))
    for twin in range(3):
        opened = january + timedelta(days=45, hours=12)
        yield from _history(
            rng, f"TWIN{twin:04d}", 1, opened, ("submit", "pass-qc"), pause=1
        )
    for legacy, action in enumerate(
        ("submit", "not-pass-qc", "submit", "pass-qc", "delete", "submit")
    ):
        opened = january + timedelta(days=4 + 14 * legacy, seconds=_below(rng, 86_400))
        for _, record in _history(rng, f"SYN{100 + legacy:04d}", 1, opened, (action,)):
            yield f"log-{action}-{opened:%Y%m%d}.json", record


def example() -> Iterator[NamedFile]:
    """Make the files of the bundled example, always the same."""
    rng = _random(2024, 0)
    for name, record in _example_events(rng):
        yield name, _dump(record)
    for kind, spoil in enumerate(SPOILERS.values()):
        opened = datetime(2024, 1, 8, tzinfo=UTC) + timedelta(
            days=6 * kind, seconds=_below(rng, 86_400)
        )
        for name, record in _history(
            rng, f"SYN{200 + kind:04d}", 1, opened, (FAILED_FIRST[kind % 3],)
        ):
            yield name, spoil(record)
    yield (
        "README.txt",
        (
            b"Synthetic visit events. This object is not one: its name is not"
            b" log-*.json.\n"
        ),
    )
    yield (
        "manifest.csv",
        b"center,adcid\n" + b"".join(f"{c},{a}\n".encode() for a, c in CENTERS),
    )


def _write(path: Path, files: Iterator[NamedFile]) -> int:
    path.mkdir(parents=True, exist_ok=True)
    written = 0
    for name, content in files:
        (path / name).write_bytes(content)
        written += 1
    return written


def write_folder(
    path: Path, count: int, seed: int = 0, bad: float = 0.01, after: int = 0
) -> int:
    """Write what `generate` makes to a folder, beside what is there.

    Return the number of files.
    """
    return _write(path, generate(count, seed, bad, after))


def write_example(path: Path) -> int:
    """Write the bundled example to a folder, beside what is there.

    Return the number of files.
    """
    return _write(path, example())


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; wrong arguments end with status 2."""
    parser = argparse.ArgumentParser(description="Make synthetic visit-event files.")
    parser.add_argument(
        "out",
        type=Path,
        metavar="OUT",
        help="folder to write to, made if it is missing",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--count", type=int, help="how many files to write")
    what.add_argument(
        "--example", action="store_true", help="write the bundled example instead"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="which series of events (default: 0)"
    )
    parser.add_argument(
        "--bad", type=float, default=0.01, help="share of bad files (default: 0.01)"
    )
    parser.add_argument(
        "--after", type=int, default=0, help="skip this many events first (default: 0)"
    )
    options = parser.parse_args(arguments)
    if options.example:
        if (options.seed, options.bad, options.after) != (0, 0.01, 0):
            parser.error("--example takes no --seed, --bad or --after")
        written = write_example(options.out)
    else:
        try:
            written = write_folder(
                options.out, options.count, options.seed, options.bad, options.after
            )
        except ValueError as error:
            parser.error(str(error))
    print(f"{written} files written to {options.out}")


if __name__ == "__main__":
    main()
