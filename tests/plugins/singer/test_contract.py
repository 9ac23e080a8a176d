"""The promises of a record source, by a tap that is a program of this folder."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reporting_framework.testing import CANARY, RecordSourceContract
from reporting_singer.source import Singer

TAP = Path(__file__).with_name("feed_tap.py")
DAY = datetime(2024, 1, 1, tzinfo=UTC)


class Feed:
    def __init__(self, folder):
        self.folder = folder

    def put(self, number, tick):
        return self.put_into("orders", number, tick)

    def put_into(self, stream, number, tick):
        at = DAY + timedelta(seconds=tick / 2)
        record = {"id": number, "note": f"{CANARY} {tick}", "at": at}
        self._write(stream, {**record, "at": at.isoformat()})
        return f"{stream}/{number}", record

    def delete(self, number, tick):
        at = (DAY + timedelta(seconds=tick / 2)).isoformat()
        self._write("orders", {"id": number, "at": at, "_sdc_deleted_at": at})
        return f"orders/{number}"

    def fetched(self):
        file = self.folder / "fetched"
        pages = file.read_text().split() if file.exists() else []
        file.unlink(missing_ok=True)
        return pages

    def _write(self, stream, record):
        with (self.folder / "log.jsonl").open("a") as file:
            file.write(json.dumps({"stream": stream, "record": record}) + "\n")


class TestSinger(RecordSourceContract):
    plugin = Singer
    stream = "orders"
    crowd = 1000

    @pytest.fixture
    def settings(self, tmp_path):
        command = [sys.executable, "-S", "-E", str(TAP), str(tmp_path)]
        catalog = tmp_path / "catalog.json"
        catalog.write_bytes(subprocess.check_output([*command, "--discover"]))
        return {"command": command, "batch_rows": 2, "catalog": str(catalog)}

    @pytest.fixture
    def feed(self, tmp_path):
        return Feed(tmp_path)

    @pytest.mark.slow
    def test_the_position_is_that_of_all_streams(self, read_all, in_streams):
        super().test_the_position_is_that_of_all_streams(read_all, in_streams)

    @pytest.mark.slow
    def test_the_state_is_enough_after_a_crash(self, runs, records, add):
        super().test_the_state_is_enough_after_a_crash(runs, records, add)

    @pytest.mark.slow
    def test_an_update_has_a_newer_version(self, runs, records, put):
        super().test_an_update_has_a_newer_version(runs, records, put)

    @pytest.mark.slow
    def test_hints_lose_nothing(self, runs, records, cut):
        super().test_hints_lose_nothing(runs, records, cut)

    @pytest.fixture
    def add(self, feed):
        return lambda number: feed.put(100 + number, 1_000 + number)
