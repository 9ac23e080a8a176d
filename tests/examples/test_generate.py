"""The generator of synthetic visit events, and the example that it wrote."""

import hashlib
import importlib.util
import json
import re
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime
from itertools import islice, pairwise
from pathlib import Path
from types import ModuleType
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError, model_validator

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "benchmarks" / "generate.py"
EXAMPLE = ROOT / "examples" / "visit-events"
ACTIONS = ("submit", "not-pass-qc", "pass-qc", "delete")
ORDINARY = re.compile(
    r"log-(submit|pass-qc|not-pass-qc|delete)-(\d{8}-\d{6})-(\d+)-([a-z-]+)-([A-Z0-9]{1,10})"
    r"-(?:(?P<number>\d)|(?P<date>\d{4}-\d\d-\d\d))\.json"
)
LEGACY = re.compile(r"log-(submit|pass-qc|not-pass-qc|delete)-\d{8}\.json")
FAULTS: dict[str, tuple[str, ...]] = {
    "truncated": (),
    "empty": (),
    "missing-field": ("center_label",),
    "number-for-text": ("gear_name",),
    "unknown-datatype": ("datatype",),
    "lower-case-ptid": ("ptid",),
    "long-ptid": ("ptid",),
    "newline-in-ptid": ("ptid",),
    "impossible-date": ("visit_date",),
    "bad-timestamp": ("timestamp",),
    "beyond-32-bits": ("pipeline_adcid",),
    "null-study": ("study",),
    "array-of-text": (),
}
"""Where each kind of bad file is wrong: in a field, or as a whole."""

FIRST_1000 = "50c0941cdb52239a50f48526937b2c27ead99ae942ef4422f0ae97d09e44c2de"
"""sha256 of the names and contents of the first 1,000 events of seed 0; it may change only on purpose."""


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmarks_generate", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generator = _load()


class Event(BaseModel):
    """The rules of an event, written here a second time so that the generator is not its own judge."""

    action: Literal["submit", "pass-qc", "not-pass-qc", "delete"]
    study: str
    pipeline_adcid: Annotated[int, Field(gt=0, lt=2**31)]
    project_label: str
    center_label: str
    gear_name: str
    ptid: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,10}$")]
    visit_date: date
    visit_number: str
    datatype: Literal[
        "apoe",
        "biomarker",
        "dicom",
        "enrollment",
        "form",
        "genetic-availability",
        "gwas",
        "imputation",
        "scan-analysis",
    ]
    module: Literal["UDS", "FTLD", "LBD"] | None
    packet: str | None
    timestamp: datetime

    @model_validator(mode="after")
    def _module_is_of_forms(self) -> "Event":
        if (self.datatype == "form") != (self.module is not None):
            raise ValueError("forms, and only forms, have a module")
        return self

    @property
    def moment(self) -> datetime:
        """The timestamp in UTC, which a naive one is taken to be in."""
        return self.timestamp.replace(tzinfo=self.timestamp.tzinfo or UTC).astimezone(
            UTC
        )


def _event(content: bytes) -> Event | None:
    try:
        return Event.model_validate_json(content, strict=True)
    except ValidationError:
        return None


def _digest(files: Iterable[tuple[str, bytes]]) -> str:
    digest = hashlib.sha256()
    for name, content in files:
        digest.update(name.encode() + b"\0" + content + b"\0")
    return digest.hexdigest()


def _folder(path: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in path.iterdir()}


@pytest.fixture(scope="module")
def series() -> list[tuple[str, bytes]]:
    """The first 50,000 events of a seed, one in a hundred of them bad."""
    return list(generator.generate(50_000, seed=3))


@pytest.fixture(scope="module")
def valid() -> dict[str, Event]:
    """The example's valid events by file name."""
    events = {
        name: _event(content)
        for name, content in generator.example()
        if name.startswith("log-")
    }
    return {name: event for name, event in events.items() if event}


@pytest.fixture(scope="module")
def readme() -> str:
    """What `examples/README.md` says."""
    return (ROOT / "examples" / "README.md").read_text(encoding="utf-8")


class TestSeries:
    """What `generate` makes."""

    def test_same_input_gives_same_bytes(self) -> None:
        first = list(generator.generate(1000))
        assert first == list(generator.generate(1000))
        assert _digest(first) == FIRST_1000

    def test_seeds_differ(self) -> None:
        contents = [
            dict(generator.generate(300, seed=seed, bad=0)).values() for seed in (0, 1)
        ]
        assert not set(contents[0]) & set(contents[1])

    @pytest.mark.parametrize("before", [0, 1, 29, 30, 1000, 1499, 1500])
    def test_after_goes_on_where_the_first_ended(self, before: int) -> None:
        old = list(generator.generate(before, seed=5))
        new = list(generator.generate(1500 - before, seed=5, after=before))
        assert old + new == list(generator.generate(1500, seed=5))

    def test_names_are_distinct_and_of_two_forms(
        self, series: list[tuple[str, bytes]]
    ) -> None:
        matches = [ORDINARY.fullmatch(name) for name, _ in series]
        assert all(matches)
        assert len({name.lower() for name, _ in series}) == 50_000
        dated = sum(match["date"] is not None for match in matches if match)
        assert 0.35 < dated / 50_000 < 0.45

    def test_names_say_what_the_events_say(
        self, series: list[tuple[str, bytes]]
    ) -> None:
        for name, content in series[:2000]:
            event = _event(content)
            if event:
                _assert_named_after(name, event)

    def test_share_of_bad_files(self, series: list[tuple[str, bytes]]) -> None:
        bad = sum(_event(content) is None for _, content in series)
        assert 0.008 < bad / 50_000 < 0.012
        assert all(_event(content) for _, content in generator.generate(2000, bad=0))
        assert not any(
            _event(content) for _, content in generator.generate(2000, bad=1)
        )

    def test_bad_decides_only_which_are_spoiled(self) -> None:
        good, mixed = (list(generator.generate(2000, bad=bad)) for bad in (0, 0.1))
        assert [name for name, _ in good] == [name for name, _ in mixed]
        changed = [content for _, content in sorted(set(mixed) - set(good))]
        assert 100 < len(changed) < 300
        assert not any(_event(content) for content in changed)

    def test_kinds_of_bad_files_are_equally_frequent(self) -> None:
        kinds: Counter[str] = Counter()
        pairs = zip(
            generator.generate(2600, bad=0),
            generator.generate(2600, bad=1),
            strict=True,
        )
        for (_, good), (_, bad) in pairs:
            fields = json.loads(good)
            (kind,) = [
                kind
                for kind, spoil in generator.SPOILERS.items()
                if spoil(fields) == bad
            ]
            kinds[kind] += 1
        assert len(kinds) == 13
        assert all(150 < count < 250 for count in kinds.values())

    def test_events_are_small_and_mostly_in_order(
        self, series: list[tuple[str, bytes]]
    ) -> None:
        sizes = [len(content) for _, content in series]
        assert 330 < sum(sizes) / len(sizes) < 430
        moments = [name.split("-20", 1)[1][:13] for name, _ in series]
        late = sum(later < earlier for earlier, later in pairwise(moments))
        assert 0.015 < late / len(moments) < 0.025

    def test_nothing_is_kept(self) -> None:
        tracemalloc.start()
        try:
            for _ in islice(generator.generate(60_000_000), 3000):
                pass
            assert tracemalloc.get_traced_memory()[1] < 1_000_000
        finally:
            tracemalloc.stop()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (
                {"count": -1},
                "count, seed and after must be 0 or more, found -1, 0 and 0",
            ),
            (
                {"count": 1, "seed": -2},
                "count, seed and after must be 0 or more, found 1, -2 and 0",
            ),
            (
                {"count": 1, "after": -3},
                "count, seed and after must be 0 or more, found 1, 0 and -3",
            ),
            (
                {"count": 1, "after": 60_000_000},
                "a seed has 60,000,000 events, 60,000,001 were asked for",
            ),
            ({"count": 1, "bad": 1.5}, "bad is a share from 0 to 1, found 1.5"),
        ],
    )
    def test_out_of_range_is_refused_at_once(
        self, arguments: dict[str, float], message: str
    ) -> None:
        with pytest.raises(ValueError, match=re.escape(message)):
            generator.generate(**arguments)

    def test_last_events_of_a_seed_are_valid(self) -> None:
        files = list(generator.generate(60, bad=0, after=generator.LIMIT - 60))
        assert all(_event(content) for _, content in files)
        assert len({name for name, _ in files}) == 60


class TestCommand:
    """The command line, which writes it."""

    def test_writes_what_generate_makes(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "new" / "folder"
        generator.main([str(out), "--count", "40", "--seed", "2", "--bad", "0.1"])
        generator.main(
            [str(out), "--count", "10", "--seed", "2", "--bad", "0.1", "--after", "40"]
        )
        assert _folder(out) == dict(generator.generate(50, seed=2, bad=0.1))
        assert (
            capsys.readouterr().out
            == f"40 files written to {out}\n10 files written to {out}\n"
        )

    def test_runs_as_a_script(self, tmp_path: Path) -> None:
        subprocess.run(
            [sys.executable, SCRIPT, tmp_path, "--count", "3"],
            check=True,
            capture_output=True,
        )
        assert _folder(tmp_path) == dict(generator.generate(3))

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--count", "-1"], "count, seed and after must be 0 or more"),
            (
                ["--example", "--seed", "1"],
                "--example takes no --seed, --bad or --after",
            ),
            ([], "one of the arguments --count --example is required"),
        ],
    )
    def test_wrong_arguments_are_usage_errors(
        self,
        arguments: list[str],
        message: str,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        out = tmp_path / "out"
        with pytest.raises(SystemExit) as stopped:
            generator.main([str(out), *arguments])
        assert stopped.value.code == 2
        assert message in capsys.readouterr().err
        assert not out.exists()


class TestExample:
    """The bundled example and its page."""

    def test_committed_example_is_the_generated_one(self, tmp_path: Path) -> None:
        generator.main([str(tmp_path), "--example"])
        made, committed = _folder(tmp_path), _folder(EXAMPLE)
        assert sorted(made) == sorted(committed)
        assert made == committed
        assert len(made) == sum(1 for _ in generator.example())

    def test_all_but_the_bad_files_are_valid(self, valid: dict[str, Event]) -> None:
        names = [name for name, _ in generator.example()]
        assert len(names) - len(valid) == len(generator.SPOILERS) + 2
        for name, event in valid.items():
            if not LEGACY.fullmatch(name):
                _assert_named_after(name, event)
            assert (
                datetime(2024, 1, 1, tzinfo=UTC)
                <= event.moment
                < datetime(2024, 4, 1, tzinfo=UTC)
            )

    def test_later_events_of_a_form_are_more_complete(
        self, valid: dict[str, Event]
    ) -> None:
        visits: dict[tuple[str, str], list[Event]] = {}
        for event in sorted(valid.values(), key=lambda event: event.moment):
            if event.datatype == "form" and event.ptid < "SYN0100":
                visits.setdefault((event.ptid, event.visit_number), []).append(event)
        for first, *later in visits.values():
            assert first.packet is None
            assert all(event.packet for event in later)

    def test_twins_share_their_second_and_late_ones_are_early(
        self, valid: dict[str, Event]
    ) -> None:
        twins = [
            event.moment for event in valid.values() if event.ptid.startswith("TWIN")
        ]
        assert len(twins) == 6
        assert {each.replace(microsecond=0) for each in twins} == {
            datetime(2024, 2, 15, 12, tzinfo=UTC)
        }
        late = [
            event.moment for event in valid.values() if event.ptid.startswith("LATE")
        ]
        assert len(late) == 6
        assert max(late) < datetime(2024, 1, 8, tzinfo=UTC)

    def test_readme_counts_the_files(
        self, valid: dict[str, Event], readme: str
    ) -> None:
        files = dict(generator.example())
        logs = [name for name in files if name.startswith("log-")]
        for what, count in {
            "valid events": len(valid),
            "bad files": len(logs) - len(valid),
            "objects with other names": len(files) - len(logs),
            "all": len(files),
            "in sandbox projects": sum(
                e.project_label.startswith("sandbox-") for e in valid.values()
            ),
            "with an unknown field, `naccid`": sum(
                "naccid" in json.loads(files[name]) for name in valid
            ),
            "with a naive timestamp": sum(
                e.timestamp.tzinfo is None for e in valid.values()
            ),
            "with a timestamp in another zone": sum(
                bool(e.timestamp.utcoffset()) for e in valid.values()
            ),
            "with microseconds": sum(
                e.timestamp.microsecond > 0 for e in valid.values()
            ),
            "of participants `LATE...`": sum(
                e.ptid.startswith("LATE") for e in valid.values()
            ),
            "of participants `TWIN...`": sum(
                e.ptid.startswith("TWIN") for e in valid.values()
            ),
            "ending in the visit's number": sum(
                _form(name) == "number" for name in valid
            ),
            "ending in the visit's date": sum(_form(name) == "date" for name in valid),
            "legacy": sum(_form(name) == "legacy" for name in valid),
        }.items():
            assert f"| {what} | {count} |" in readme

    def test_readme_counts_the_events(
        self, valid: dict[str, Event], readme: str
    ) -> None:
        events = valid.values()
        months: Counter[tuple[str, str]] = Counter(
            (f"{e.moment:%Y-%m}", e.action) for e in events
        )
        for month in ("2024-01", "2024-02", "2024-03"):
            assert _row(month, [months[month, action] for action in ACTIONS]) in readme
        assert (
            _row(
                "all",
                [sum(event.action == action for event in events) for action in ACTIONS],
            )
            in readme
        )
        studies = Counter((event.study, event.pipeline_adcid) for event in events)
        assert len(studies) == 15
        for study in ("adrc", "clariti", "dlb"):
            assert (
                _row(study, [studies[study, adcid] for adcid in range(901, 906)])
                in readme
            )
        for datatype, count in Counter(event.datatype for event in events).items():
            assert f"| {datatype} | {count} |" in readme

    def test_each_bad_file_is_wrong_in_its_one_way(
        self, valid: dict[str, Event], readme: str
    ) -> None:
        logs = {
            name: content
            for name, content in generator.example()
            if name.startswith("log-")
        }
        bad = {name: content for name, content in logs.items() if name not in valid}
        assert list(generator.SPOILERS) == list(FAULTS)
        for (kind, fault), (name, content) in zip(
            FAULTS.items(), bad.items(), strict=True
        ):
            assert ORDINARY.fullmatch(name)
            assert f"| {kind} | `{name}` |" in readme
            with pytest.raises(ValidationError) as caught:
                Event.model_validate_json(content, strict=True)
            assert [each["loc"] for each in caught.value.errors()] == [fault]


def _assert_named_after(name: str, event: Event) -> None:
    match = ORDINARY.fullmatch(name)
    assert match
    assert match.groups()[:5] == (
        event.action,
        f"{event.moment:%Y%m%d-%H%M%S}",
        str(event.pipeline_adcid),
        event.project_label,
        event.ptid,
    )
    assert (match["number"] or match["date"]) in (
        event.visit_number,
        event.visit_date.isoformat(),
    )


def _form(name: str) -> str:
    match = ORDINARY.fullmatch(name)
    return "legacy" if match is None else "number" if match["number"] else "date"


def _row(head: str, counts: list[int]) -> str:
    return f"| {head} | {' | '.join(map(str, counts))} | {sum(counts)} |"
