"""Messages of taps, as the protocol and the Singer SDK have them."""

import gzip
import json
import logging
import os
import stat
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from reporting_framework import run_report
from reporting_framework.cli.main import reporting
from tests.plugins.singer.tap_script import do, record, schema, state

LATER = ("last", "all", "batch", "NaN")


def test_the_newest_record_of_a_key_wins_in_any_order(tap):
    described = {**schema(at={"type": "string", "format": "date-time"})}
    described["bookmark_properties"] = ["at"]
    late, early = "2024-01-02T00:00:00Z", "2024-01-01T05:00:00.5+02:00"
    tap.set(
        described,
        record(1, "late", values={"at": late}),
        record(1, "early", values={"at": early}),
        record(2, values={"at": early}),
        discovered=[described],
    )
    run_report("tap")
    assert tap.rows() == [(1, "late"), (2, "-")]


def test_without_a_replication_key_the_last_record_wins(tap):
    tap.set(schema(), record(1, "one"), record(2), record(1, "two"))
    run_report("tap")
    tap.set(schema(), record(2, "three"))
    run_report("tap")
    assert tap.rows() == [(1, "two"), (2, "three")]


@pytest.mark.parametrize("versions", [True, False])
def test_deletes_of_a_log_are_applied_in_their_order(tap, versions):
    described = schema(
        _sdc_deleted_at={"type": ["null", "string"]}, _sdc_lsn={"type": "integer"}
    )
    described["bookmark_properties"] = ["_sdc_lsn"] if versions else []
    gone = {"_sdc_deleted_at": "2024-01-01T00:00:00Z"}
    steps = [
        record(1, values={"_sdc_lsn": 1}),
        record(2, values={"_sdc_lsn": 2}),
        record(1, None, values={"_sdc_lsn": 3, **gone}),
        record(2, None, values={"_sdc_lsn": 4, **gone}),
        record(2, "again", values={"_sdc_lsn": 5, "_sdc_deleted_at": None}),
    ]
    tap.set(described, *steps)
    run_report("tap")
    assert tap.rows() == [(2, "again")]
    assert "_sdc_deleted_at" not in tap.table().columns


@pytest.mark.parametrize(
    "wrong",
    [
        "garbage",
        *(pytest.param(each, marks=pytest.mark.slow) for each in ("", True, 17, {})),
    ],
)
def test_a_delete_without_a_valid_time_is_rejected(tap, wrong):
    described = schema(_sdc_deleted_at={})
    tap.set(described, record(1), record(2), discovered=[described])
    run_report("tap")
    deletes = [
        record(1, values={"_sdc_deleted_at": wrong}),
        record(2, values={"_sdc_deleted_at": "2024-01-01 00:00:00"}),
    ]
    tap.set(described, *deletes, discovered=[described])
    [rejection] = run_report("tap").rejections
    assert (rejection.type, rejection.field) == ("wrong_type", "_sdc_deleted_at")
    assert tap.rows() == [(1, "-")]


def test_records_of_another_version_were_deleted_at_the_source(tap):
    def reading(version, *numbers, state=None):
        records = [record(each, version=version) for each in numbers]
        active = {"type": "ACTIVATE_VERSION", "stream": "orders", "version": version}
        return schema(), *records, active, {"type": "STATE", "value": state or {}}

    tap.set(*reading(11, 1, 2, 3))
    run_report("tap")
    tap.set(*reading(12, 1, 4, state={"version": 12}))
    assert run_report("tap").deleted == 2
    assert tap.rows() == [(1, "-"), (4, "-")]
    tap.set(*reading(12, 5))
    assert run_report("tap").deleted == 0, "the tap continues version 12"
    assert tap.rows() == [(1, "-"), (4, "-"), (5, "-")]


@pytest.mark.parametrize(
    "unversioned",
    ["first", *(pytest.param(each, marks=pytest.mark.slow) for each in LATER)],
)
def test_records_without_a_version_delete_nothing(tap, unversioned):
    active = {"type": "ACTIVATE_VERSION", "stream": "orders", "version": 11}
    versioned = record(5, version=11)
    Path("a.jsonl").write_text('{"id": 4, "note": "-"}')
    batch = {"type": "BATCH", "stream": "orders", "encoding": {"format": "jsonl"}}
    nan = '{"type":"RECORD","stream":"orders","record":{"id":4,"note":NaN}}\n'
    steps = {
        "first": [record(4), versioned],
        "last": [versioned, record(4)],
        "all": [record(4)],
        "batch": [versioned, {**batch, "manifest": ["a.jsonl"]}],
        "NaN": [versioned, do("print", nan)],
    }
    tap.set(schema(), record(1), record(2))
    run_report("tap")
    tap.set(schema(), *steps[unversioned], active)
    assert run_report("tap").deleted == 0
    assert {(1, "-"), (2, "-")} <= set(tap.rows())


def test_records_without_a_key_are_each_taken_once(tap):
    keyless = schema(key=(), at={"type": "string", "format": "date-time"})
    one, two = (record(at, values={"at": "2024-01-01T00:00:00Z"}) for at in (1, 2))
    how = {"mode": "append", "sink": ', timestamp = "at"'}
    tap.configure(**how, batch_rows=1)
    tap.set(keyless, one, one, state(4), keyless, one, discovered=[keyless])
    for _ in range(2):
        run_report("tap")
    assert tap.rows() == [(1, "-")] * 3
    tap.configure(**how, full_scan=True)
    tap.set(keyless, one, one, two, discovered=[keyless])
    run_report("tap")
    assert tap.rows() == [(1, "-")] * 3 + [(2, "-")], "batches do not matter"


def test_equal_records_are_kept_if_a_state_repeats(tap):
    keyless = schema(key=())
    one, other = record(1), {"type": "STATE", "value": {"other": 1}}
    same = [one, state(0), one, state(0), one]
    tap.set(keyless, *same, other, *same, other, one, discovered=[keyless])
    for _ in range(2):
        run_report("tap")
        assert tap.rows() == [(1, "-")] * 7
        tap.configure(full_scan=True, batch_rows=1)


def test_keys_may_be_given_by_the_settings(tap):
    tap.configure(keys={"ord*": ["id"]})
    tap.set(
        schema(key=()), record(1, "one"), record(1, "two"), discovered=[schema(key=())]
    )
    run_report("tap")
    assert tap.rows() == [(1, "two")]
    assert tap.table()["source_key"].to_list() == ["orders/1"]


def test_files_of_batch_messages_are_read(tap):
    lines = "".join(json.dumps({"id": at, "note": "-"}) + "\n" for at in range(5))
    Path("a.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    Path("b.jsonl").write_text('{"id": 7, "note": "b"}')
    zipped = {"format": "jsonl", "compression": "gzip"}
    batch = {"type": "BATCH", "stream": "orders"}
    tap.set(
        schema(),
        {
            **batch,
            "encoding": zipped,
            "manifest": [Path("a.jsonl.gz").absolute().as_uri()],
        },
        {**batch, "encoding": {"format": "jsonl"}, "manifest": ["b.jsonl"]},
        state(1),
    )
    run_report("tap")
    assert [number for number, _ in tap.rows()] == [0, 1, 2, 3, 4, 7]
    for encoding, manifest, message in (
        ({"format": "parquet"}, [], "files of another form than jsonl and gzip"),
        (zipped, ["s3://b/a"], "files at s3://; configure"),
        (zipped, ["gone.gz"], r"cannot be read \(No such file or directory\)"),
        (zipped, ["b.jsonl"], "cannot be read"),
    ):
        tap.set(schema(), {**batch, "encoding": encoding, "manifest": manifest})
        with pytest.raises(Exception, match=message):
            run_report("tap", {"full_scan": True})


def test_a_record_that_does_not_fit_is_rejected_and_no_value_is_shown(tap, caplog):
    caplog.set_level(logging.DEBUG)
    described = schema(
        price={"type": "number", "multipleOf": 0.01, "maximum": 1e6},
        day={"type": "string", "format": "date"},
    )
    raw = '{"type":"RECORD","stream":"orders","record":{"id":%s,"note":"secret-9"}}\n'
    tap.set(
        described,
        do("log", "WARNING secret-9"),
        do("log", '{"level": "error", "logger": "tap.orders", "event": "secret-9"}'),
        do("log", "2024-01-01 | INFO     | tap-x.orders    | secret-9"),
        record(1, values={"price": 1.25, "day": "2024-01-01"}),
        record("secret-9"),
        record(None, "secret-9"),
        record(2**63),
        record(2.0, values={"day": "2024-02-01T00:00:00Z"}),
        record(3, 17),
        record(4, values={"price": 1.255}),
        record(5, values={"day": "secret-9"}),
        do("print", raw % "NaN"),
        do("print", raw % "6"),
        discovered=[described],
    )
    result = run_report("tap")
    found = {(each.type, each.field): each.count for each in result.rejections}
    assert found == {
        ("wrong_type", "id"): 2,
        ("wrong_type", "note"): 1,
        ("wrong_type", "price"): 1,
        ("wrong_type", "day"): 1,
        ("missing", "id"): 1,
        ("json_invalid", None): 1,
    }
    assert tap.rows() == [(1, "-"), (2, "-"), (6, "secret-9")]
    assert tap.table().sort("id")["price"][0] == Decimal("1.25")
    assert (
        "has logged 1 ERROR of tap.orders, 1 WARNING, 1 INFO of tap-x.orders"
        in caplog.text
    )
    assert "secret-9" not in caplog.text
    tap.configure(log_text=True)
    run_report("tap")
    assert "WARNING secret-9" in caplog.text, "where a setting asks for it"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ({"type": "object"}, r'{"a": "\xff"}'),
        *(
            pytest.param(kind, value, marks=pytest.mark.slow)
            for kind in ({}, {"type": "number", "multipleOf": 1e-30})
            for value in (r'{"a": "\xff"}', r'"\xff"', r'"\ud800"')
        ),
    ],
)
def test_a_record_that_is_no_text_is_rejected_alone(tap, kind, value):
    described = schema(any=kind)
    line = '{"type":"RECORD","stream":"orders","record":{"id":2,"any":%s}}'
    tap.set(described, do("bytes", line % value), record(1), discovered=[described])
    result = run_report("tap")
    assert (result.rejected, tap.rows()) == (1, [(1, "-")])


def test_a_record_of_a_file_that_is_nested_too_deeply_is_rejected_alone(tap):
    described = schema(any={})
    deep = "[" * 100_000 + "]" * 100_000
    Path("a.jsonl").write_text(f'{{"id": 1, "any": {deep}}}\n{{"id": 2, "note": "-"}}')
    batch = {"type": "BATCH", "stream": "orders", "encoding": {"format": "jsonl"}}
    tap.set(described, {**batch, "manifest": ["a.jsonl"]}, discovered=[described])
    result = run_report("tap")
    assert (result.rejected, tap.rows()) == (1, [(2, "-")])


def test_the_configuration_is_a_private_file_with_secrets_and_is_removed(
    tap, monkeypatch
):
    monkeypatch.setenv("TAP_PASSWORD", "sesame")
    tap.configure(
        config={"host": "h", "login": {"password": "secret:env:TAP_PASSWORD"}},
        metadata={
            "ord*": {"replication-method": "INCREMENTAL", "replication-key": "id"}
        },
    )
    tap.set(schema(), record(1), state(2), discovered=[schema(), schema("others")])
    tap.configure(
        config={"host": "h", "login": {"password": "secret:env:TAP_PASSWORD"}},
        metadata={
            "ord*": {"replication-method": "INCREMENTAL", "replication-key": "id"}
        },
        streams=["ord*"],
    )
    run_report("tap")
    config = tap.seen("--config")
    assert config["content"] == {"host": "h", "login": {"password": "sesame"}}
    assert config["mode"] == stat.S_IRUSR | stat.S_IWUSR
    assert not os.path.exists(config["path"])
    assert "reporting-locked-singer" in config["path"], "the next run removes leftovers"
    orders, others = tap.seen("--catalog")["content"]["streams"]
    assert [orders["selected"], others["selected"]] == [True, False]
    own = {
        "replication-method": "INCREMENTAL",
        "replication-key": "id",
        "selected": True,
    }
    assert orders["metadata"] == [{"breadcrumb": [], "metadata": own}]
    assert orders["replication_key"] == "id"
    assert not Path("seen--state").exists()
    run_report("tap")
    assert tap.seen("--state")["content"] == {"step": 2}
    shown = CliRunner().invoke(reporting, ["show", "tap"]).output
    assert "sesame" not in shown


def test_streams_are_chosen_by_patterns(tap):
    described = [schema("orders"), schema("order-lines"), schema("log of.all")]
    rows = [record(1, stream=each["stream"]) for each in described]
    tap.configure(streams=["*", "!*lines"])
    tap.set(*described, *rows, discovered=described)
    assert sorted(run_report("tap").streams) == ["log_of.all", "orders"]
    assert tap.rows("log_of.all") == [(1, "-")]
    for name in ("source_key", "_version"):
        wrong = schema("wrong", **{name: {"type": "string"}})
        tap.configure(streams=["wrong"])
        tap.set(discovered=[wrong])
        with pytest.raises(
            Exception, match=f"column {name}: that name is the framework"
        ):
            run_report("tap")
    tap.set(discovered=described)
    tap.configure(streams=["nothing*"])
    with pytest.raises(
        Exception, match="no such stream; there are orders, order-lines, log_of.all"
    ):
        run_report("tap")


def test_a_tap_without_discovery_is_started_twice(tap):
    tap.configure(discover=False, streams=["orders"])
    tap.set(schema(), record(1), discovered=[])
    run_report("tap")
    assert tap.rows() == [(1, "-")]
    assert not Path("seen--catalog").exists()
    tap.configure(discover=False, streams=["others"])
    with pytest.raises(Exception, match="no SCHEMA of stream others"):
        run_report("tap")


def test_types_of_columns(tap):
    described = schema(
        flag={"type": ["boolean", "null"]},
        ratio={"type": ["integer", "number"]},
        at={"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
        any={},
        tags={"type": "array", "items": {}},
        exact={
            "type": ["string", "null"],
            "format": "singer.decimal",
            "precision": 30,
            "scale": 4,
        },
        digits={"type": "number", "multipleOf": 1e-30},
        mixed={"type": ["string", "integer"]},
        ref={"$ref": "#/definitions/day"},
        kind={"enum": ["a", "b", None]},
    )
    described["schema"]["definitions"] = {"day": {"type": "string", "format": "date"}}
    values = {
        "flag": True,
        "ratio": 1,
        "at": "2024-01-01 10:00",
        "any": {"b": [1.50]},
        "tags": ["é", None],
        "exact": "12345678901234567890.1234",
        "mixed": 5,
        "ref": "2024-02-29",
        "kind": "a",
    }
    text = json.dumps(values)[1:-1]
    line = '{"type":"RECORD","stream":"orders","record":{"id":1,"digits":0.100000000000000000000000000001,%s}}\n'
    tap.set(described, do("print", line % text), discovered=[described])
    run_report("tap")
    row = tap.table().row(0, named=True)
    assert row["exact"] == Decimal("12345678901234567890.1234")
    assert row["digits"] == "0.100000000000000000000000000001"
    assert (row["any"], row["mixed"]) == ('{"b": [1.5]}', "5")
    assert json.loads(row["tags"]) == ["é", None]
    assert row["at"].isoformat() == "2024-01-01T10:00:00+00:00"
    assert (row["ref"].isoformat(), row["kind"], row["flag"]) == (
        "2024-02-29",
        "a",
        True,
    )
    assert tap.table().schema["ratio"] == pl.Float64()


def test_a_rejected_record_does_not_count_as_deleted(tap):
    """Its key is a time, whose text in the source key is another than in the record."""
    described = schema(key=("at",), at={"type": "string", "format": "date-time"})
    at = ["2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z"]

    def reading(version, note, *days):
        records = [record(1, note, version=version, values={"at": day}) for day in days]
        active = {"type": "ACTIVATE_VERSION", "stream": "orders", "version": version}
        return described, *records, active

    tap.set(*reading(1, "-", *at), discovered=[described])
    run_report("tap")
    tap.set(*reading(2, 17, at[0]), discovered=[described])
    assert run_report("tap").deleted == 0
    tap.set(*reading(3, "-", at[0]), discovered=[described])
    assert run_report("tap").deleted == 1


def test_records_without_a_key_may_replace_the_table(tap):
    """An inclusive bookmark delivers records again; a table that is replaced has each once."""
    keyless = schema(key=())
    tap.configure(full_scan=True, mode="replace")
    tap.set(keyless, record(1), record(2), state(1), discovered=[keyless])
    run_report("tap")
    tap.set(keyless, record(1), record(2), record(3), state(2), discovered=[keyless])
    run_report("tap")
    assert tap.rows() == [(1, "-"), (2, "-"), (3, "-")]
