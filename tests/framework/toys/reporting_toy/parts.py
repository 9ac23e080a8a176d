"""The source, the validator and the sink of the report ``toy``."""

import os
import time
from pathlib import Path

import polars as pl

from reporting_framework import (
    AccessDenied,
    Batch,
    CommitResult,
    PlanStats,
    ReadFailure,
    Rejection,
    Sink,
    Source,
    Split,
    StagedPart,
    Validated,
    Validator,
)
from reporting_framework.plugin_api.result import Output
from reporting_framework.plugin_api.settings import Settings

FAILURES = {
    "value": ValueError("SECRET-VALUE"),
    "eof": EOFError("SECRET-VALUE"),
    "pipe": BrokenPipeError("SECRET-VALUE"),
    "denied": AccessDenied("toy://numbers: no right to list"),
    "interrupt": KeyboardInterrupt(),
}


class NumbersSettings(Settings):
    count: int = 10
    bad: int = 0
    unread: int = 0
    seconds: float = 0.0
    mode: str = "good"


class Numbers(Source):
    name = "toy-numbers"
    Settings = NumbersSettings

    def plan(self, ledger):
        if error := FAILURES.get(self.settings.mode):
            raise error
        return [
            Split(str(number), {"number": number})
            for number in range(self.settings.count)
        ]

    def read(self, split):
        time.sleep(self.settings.seconds)
        number = split.data["number"]
        if number < self.settings.unread:
            yield Batch(unread=[ReadFailure(str(number), "denied")])
        else:
            payload = (
                b"bad"
                if number < self.settings.unread + self.settings.bad
                else str(number).encode()
            )
            yield Batch(source_keys=[str(number)], versions=[None], payloads=[payload])

    def plan_stats(self):
        return PlanStats(ignored=1, ignored_samples=["odd\x1b[2J.txt"])


class NumberValidator(Validator):
    name = "toy-number"
    Settings = Settings
    schema = pl.Schema({"number": pl.Int64, "source_key": pl.String})

    def __init__(self, settings):
        pass

    def validate(self, batch):
        good = [
            pair
            for pair in zip(batch.payloads, batch.source_keys, strict=True)
            if pair[0] != b"bad"
        ]
        bad = [
            pair[1]
            for pair in zip(batch.payloads, batch.source_keys, strict=True)
            if pair[0] == b"bad"
        ]
        frame = pl.DataFrame(
            [(int(payload), source_key) for payload, source_key in good],
            self.schema,
            orient="row",
        )
        return Validated(
            frame,
            [
                Rejection(source_key, None, "not_a_number", "number")
                for source_key in bad
            ],
            {"extra": 1},
        )


class TextFileSettings(Settings):
    uri: str
    late: bool = False


class Nothing:
    rows = 0
    newest = None

    def filter_new(self, objects):
        return list(objects)


class TextFile(Sink):
    name = "toy-file"
    Settings = TextFileSettings

    def __init__(self, settings):
        self.path, self.late = Path(settings.uri), settings.late

    def ledger(self):
        return Nothing()

    def stage(self, frame, split, part):
        return StagedPart(frame.height, frame["number"].to_list())

    def commit(self, staged_parts, context=None):
        if self.late:
            os.kill(os.getpid(), 2)
            time.sleep(5)
        numbers = [
            number for staged_part in staged_parts for number in staged_part.data
        ]
        if numbers:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text("".join(f"{number}\n" for number in numbers))
        size = self.path.stat().st_size if self.path.exists() else 0
        output = Output(
            uri=str(self.path), rows=len(numbers), new_rows=len(numbers), bytes=size
        )
        return CommitResult(outputs=[output])
