"""A report whose source has streams: each has its own table, state and metadata, and fails alone."""

import json
import shutil
from pathlib import Path
from typing import ClassVar

import polars as pl
import pytest
from click.testing import CliRunner

from reporting_framework import (
    AccessDenied,
    CheckFailed,
    PluginError,
    ReportingError,
    SettingsError,
    hookimpl,
    run_report,
)
from reporting_framework.aws_lambda.environment import Environment
from reporting_framework.cli.exit_codes import FAILED
from reporting_framework.cli.main import reporting
from reporting_framework.execution.streams import check_streams
from reporting_framework.plugin_api.report import PipelineSpec, PluginRef

SOURCE = '''
    import json
    import time
    from datetime import UTC, datetime
    from pathlib import Path

    import polars as pl

    from reporting_framework import (
        AccessDenied, Batch, RecordSource, Source, Split, StorageUnavailable,
    )
    from reporting_framework.plugin_api.settings import Settings


    class ShopSettings(Settings):
        folder: str
        resources: list[str] = []
        at_once: int = 1
        meet: int = 0


    class Shop(RecordSource):
        """Pages are files: resource/1.json and so on; a text in place of JSON is an error."""

        name = "shop-api"
        Settings = ShopSettings
        output_format = "frames"
        versions_ordered = True

        @property
        def parallel_streams(self):
            return self.settings.at_once

        def streams(self):
            return self.settings.resources

        @property
        def folder(self):
            return Path(self.settings.folder, self.stream or "")

        def schema(self):
            text = (self.folder / "schema.json").read_text()
            if text == "403":
                raise AccessDenied(f"source {self.name}: refused")
            types = {"int": pl.Int64(), "text": pl.String(), "time": pl.Datetime("us", "UTC")}
            return pl.Schema({name: types[kind] for name, kind in json.loads(text).items()})

        def pages(self, after):
            self.meet()
            number = after["page"] + 1 if after else 1
            while (page := self.folder / f"{number}.json").exists():
                text = page.read_text()
                with (self.folder / "fetched").open("a") as log:
                    log.write(f"{number} ")
                if text == "503":
                    raise StorageUnavailable(f"source {self.name}: answered 503")
                if text == "403":
                    raise AccessDenied(f"source {self.name}: refused")
                rows = pl.DataFrame(json.loads(text)).with_columns(
                    pl.from_epoch("at").dt.replace_time_zone("UTC")
                ).select(self.schema().names()).cast(self.schema())
                yield Batch(
                    [f"{self.stream}/{row}" for row in rows["id"]],
                    [None if self.stream is None else "1"] * rows.height,
                    frame=rows,
                    position={"page": number},
                )
                number += 1

        def meet(self):
            """Wait until so many streams are being read."""
            if self.settings.meet:
                (self.folder / "here").touch()
                until = time.monotonic() + 20
                while len(list(self.folder.parent.glob("*/here"))) < self.settings.meet:
                    assert time.monotonic() < until, "the others did not come"
                    time.sleep(0.01)


    class SlowTables(Source):
        """Each stream has more splits than there is time for."""

        name = "slow-tables"
        Settings = ShopSettings
        output_format = "frames"
        versions_ordered = True

        def streams(self):
            return self.settings.resources

        def schema(self):
            return pl.Schema({"at": pl.Datetime("us", "UTC")})

        def plan(self, ledger):
            return (Split(str(number), {}) for number in range(1_000))

        def read(self, split):
            time.sleep(0.02)
            rows = pl.DataFrame({"at": [datetime.now(UTC)]}, self.schema())
            yield Batch([split.id], ["1"], frame=rows)


    @hookimpl
    def reporting_sources():
        return [
            LazyPlugin("shop-api", f"{__name__}:Shop", "a shop"),
            LazyPlugin("slow-tables", f"{__name__}:SlowTables", "slow tables"),
        ]
'''

SINKS = {
    "parquet": '{ use = "parquet-checkpoint", uri = "out/{stream}.parquet", timestamp = "at" }',
}
SCHEMAS = {
    "orders": {"id": "int", "item": "text", "at": "time"},
    "customers": {"id": "int", "name": "text", "city": "text", "at": "time"},
}


@pytest.fixture
def shop(toy):
    toy.add("shop-api", SOURCE)
    for stream, schema in SCHEMAS.items():
        Path("shop", stream).mkdir(parents=True)
        Path("shop", stream, "schema.json").write_text(json.dumps(schema))
        for page in (1, 2):
            put(stream, page)
    Path("out").mkdir()
    configure("parquet")


def put(stream, page, text=None):
    rows = [
        {name: f"{name}-{number}" for name in SCHEMAS[stream]}
        | {"id": number, "at": number}
        for number in (2 * page - 1, 2 * page)
    ]
    Path("shop", stream, f"{page}.json").write_text(text or json.dumps(rows))


def configure(
    *sinks,
    source="shop-api",
    resources=("orders", "customers"),
    mode="upsert",
    more="",
):
    listed = ", ".join(SINKS.get(sink, sink) for sink in sinks)
    Path("reporting.toml").write_text(
        "[reports.shop]\n"
        f'source = {{ use = "{source}", folder = "shop", resources = {json.dumps(list(resources))}{more} }}\n'
        'validator = { use = "frame" }\n'
        f'sinks = [{listed}]\nwrite_mode = "{mode}"\n'
    )


def add(line):
    """Put a setting instead of one that was added before."""
    kept = [
        each
        for each in Path("reporting.toml").read_text().splitlines()
        if each.split()[0] != line.split()[0]
    ]
    Path("reporting.toml").write_text("\n".join([*kept, line, ""]))


def ids(stream):
    return pl.read_parquet(f"out/{stream}.parquet")["id"].to_list()


def fetched(stream):
    log = Path("shop", stream, "fetched")
    pages = log.read_text().split() if log.exists() else []
    log.unlink(missing_ok=True)
    return [int(page) for page in pages]


def cli(*arguments):
    return CliRunner().invoke(reporting, list(arguments))


class Observer:
    def __init__(self):
        self.calls = []

    @hookimpl
    def reporting_run_started(self, report, schema):
        self.calls.append(("started", report, schema.names()))

    @hookimpl
    def reporting_run_finished(self, result):
        self.calls.append(("finished", result.report, result.status))

    @hookimpl
    def reporting_run_failed(self, report, error):
        self.calls.append(("failed", report, type(error).__name__))


@pytest.mark.usefixtures("shop")
class TestStreams:
    def test_each_stream_has_a_table_with_its_own_columns(self):
        result = run_report("shop")
        assert (result.status, result.complete, result.accepted) == ("ok", True, 8)
        assert {name: each.accepted for name, each in result.streams.items()} == {
            "orders": 4,
            "customers": 4,
        }
        for stream, schema in SCHEMAS.items():
            frame = pl.read_parquet(f"out/{stream}.parquet")
            assert frame.columns[: len(schema)] == list(schema)
            assert frame["id"].to_list() == [1, 2, 3, 4]

    def test_each_page_is_fetched_once_and_each_stream_has_its_state(self):
        run_report("shop")
        assert [fetched(stream) for stream in SCHEMAS] == [[1, 2], [1, 2]]
        put("customers", 3)
        result = run_report("shop")
        assert [fetched(stream) for stream in SCHEMAS] == [[], [3]]
        assert (result.accepted, ids("orders"), ids("customers")[-1]) == (
            2,
            [1, 2, 3, 4],
            6,
        )

    def test_a_page_that_fails_leaves_the_rest_of_its_stream_alone(self):
        put("orders", 2, "503")
        result = run_report("shop")
        assert (result.status, result.complete, result.objects_unread) == (
            "partial",
            False,
            1,
        )
        assert (ids("orders"), ids("customers")) == ([1, 2], [1, 2, 3, 4])
        assert (
            result.streams["orders"].complete,
            result.streams["customers"].complete,
        ) == (False, True)
        put("orders", 2)
        fetched("orders")
        assert run_report("shop").status == "ok"
        assert (fetched("orders"), ids("orders")) == ([2], [1, 2, 3, 4])

    def test_a_stream_that_fails_loses_nothing_of_another_one(self, caplog):
        put("orders", 2, "403")
        observer = Observer()
        result = run_report("shop", observers=[observer])
        assert (result.status, result.complete) == ("partial", False)
        failed = result.streams["orders"]
        assert (failed.status, failed.accepted) == ("failed", 0)
        assert result.warnings == [
            "stream shop/orders failed: source shop-api: refused"
        ]
        assert "stream orders failed: source shop-api: refused" in caplog.text
        assert ids("customers") == [1, 2, 3, 4]
        assert not Path("out/orders.parquet").exists()
        assert observer.calls == [
            ("started", "shop/orders", ["id", "item", "at", "source_key"]),
            ("failed", "shop/orders", "AccessDenied"),
            ("started", "shop/customers", ["id", "name", "city", "at", "source_key"]),
            ("finished", "shop/customers", "ok"),
        ]
        put("orders", 2)
        fetched("customers")
        assert run_report("shop").status == "ok"
        assert (ids("orders"), fetched("customers")) == ([1, 2, 3, 4], [])

    def test_a_stream_whose_columns_cannot_be_looked_up_fails_alone(self):
        Path("shop/orders/schema.json").write_text("403")
        result = run_report("shop")
        assert (result.status, result.streams["orders"].status) == ("partial", "failed")
        assert ids("customers") == [1, 2, 3, 4]

    def test_a_run_of_which_all_streams_fail_has_failed(self):
        for stream in SCHEMAS:
            put(stream, 1, "403")
        with pytest.raises(AccessDenied, match="refused"):
            run_report("shop")

    def test_the_command_line_says_which_stream_failed(self):
        put("orders", 2, "403")
        done = cli("run", "shop")
        assert done.exit_code == FAILED
        assert "stream orders     failed" in done.stdout
        assert "stream customers  ok: 4 read, 4 accepted" in done.stdout
        assert (
            "streams that failed: orders; what the others brought is kept"
            in done.stderr
        )
        document = json.loads(cli("run", "shop", "--format", "json").stdout)
        assert document["streams"]["orders"]["status"] == "failed"

    def test_streams_are_read_at_once_if_the_source_says_so(self):
        configure("parquet", more=", at_once = 2, meet = 2")
        assert run_report("shop").accepted == 8

    def test_a_check_that_fails_in_one_stream_stops_that_stream_alone(self):
        add('checks = [{ check = "row_count", max = 3 }]')
        Path("shop/customers/2.json").unlink()
        result = run_report("shop")
        assert (result.status, result.streams["orders"].status) == ("partial", "failed")
        assert [(each.stream, each.passed) for each in result.checks] == [
            ("orders", False),
            ("customers", True),
        ]
        assert (ids("customers"), Path("out/orders.parquet").exists()) == (
            [1, 2],
            False,
        )
        fetched("orders")
        add('checks = [{ check = "row_count", max = 4 }]')
        assert run_report("shop").status == "ok"
        assert (fetched("orders"), ids("orders")) == ([1, 2], [1, 2, 3, 4])

    def test_a_key_of_one_stream_is_looked_up_in_the_table_of_another(self):
        run_report("shop/customers")
        check = '{ check = "foreign_key", columns = "id", report = "shop/customers" }'
        add(f"checks = [{check}]")
        put("orders", 3)
        with pytest.raises(CheckFailed, match="not in report shop/customers: 2 of 6"):
            run_report("shop/orders")
        Path("shop/orders/3.json").unlink()
        assert run_report("shop/orders").checks[0].passed

    def test_a_contract_holds_for_each_stream(self):
        add('contract = "freeze"')
        run_report("shop")
        changed = SCHEMAS["orders"] | {"note": "text"}
        Path("shop/orders/schema.json").write_text(json.dumps(changed))
        put("customers", 3)
        result = run_report("shop")
        assert result.streams["orders"].status == "failed"
        assert result.streams["customers"].accepted == 2
        assert (
            "stream shop/orders failed: report shop/orders: the columns of the source"
            " changed: note is new (String); contract is freeze, and nothing was read"
        ) in result.warnings[0]
        assert run_report("shop", {"contract": "evolve"}).schema_changes

    def test_one_stream_is_a_report_of_its_own(self):
        assert run_report("shop/customers").report == "shop/customers"
        assert not Path("out/orders.parquet").exists()
        run_report("shop")
        assert fetched("customers") == [1, 2]
        state = cli("state", "shop/customers")
        history = cli("history", "shop/customers")
        sql = cli("sql", "shop/customers", "SELECT count(*) FROM shop_customers")
        for done in (state, history, sql):
            assert done.exit_code == 0, done.output
        assert "out/customers.parquet" in state.stdout
        assert "4" in sql.stdout

    def test_settings_of_the_report_are_those_of_its_streams(self):
        with Path("reporting.toml").open("a") as file:
            file.write('metadata = "kept"\n')
        run_report("shop")
        kept = {
            str(path.relative_to("kept/_runs"))
            for path in Path("kept/_runs").glob("*/*")
        }
        assert kept == {"shop/orders", "shop/customers"}

    def test_a_deadline_leaves_time_for_each_stream(self):
        shares = []
        while len(shares) < 3 and max(shares, default=0) <= 0.25:  # others may be busy
            Path("reporting.toml").unlink(missing_ok=True)
            shutil.rmtree("out", ignore_errors=True)
            configure("parquet", source="slow-tables")
            result = run_report("shop", time_budget=2)
            assert (result.status, result.complete) == ("partial", False)
            first, second = (each.records_read for each in result.streams.values())
            shares.append(second / first)
        assert max(shares) > 0.25, "the first one leaves about half of the time"

    def test_a_dry_run_writes_nothing_of_any_stream(self):
        result = run_report("shop", dry_run=True)
        assert (result.dry_run, result.records_read) == (True, 8)
        assert list(Path("out").glob("*.parquet")) == []

    def test_a_state_is_of_its_stream_alone(self):
        sink = SINKS["parquet"].replace("{stream}", "one")
        configure(sink, resources=["orders"], mode="replace")
        run_report("shop")
        configure(sink, resources=["customers"], mode="replace")
        run_report("shop")
        assert pl.read_parquet("out/one.parquet").columns[:2] == ["id", "name"]


class Context:
    """Lambda's."""

    function_name = "shop"
    aws_request_id = "q"

    def get_remaining_time_in_millis(self):
        return 60_000


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("report", ["shop", "shop/customers"])
def test_a_function_reads_all_streams_or_one_and_measures_one_that_fails(
    report, capsys
):
    put("orders", 2, "403")
    function = Environment({"REPORTING_REPORT": report})
    answer = function.invoke({}, Context())
    assert (answer["statusCode"], answer["accepted"]) == (200, 4)
    whole = report == "shop"
    assert answer["status"] == ("partial" if whole else "ok")
    assert ("streams" in answer) == whole
    failed = [
        line["RunFailed"]
        for line in map(json.loads, capsys.readouterr().out.splitlines())
        if "RunFailed" in line
    ]
    assert failed == ([[0.0], [1.0]] if whole else [[0.0]])


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("report", "resources", "sink", "error", "text"),
    [
        (
            "shop",
            ["orders", "customers"],
            SINKS["parquet"].replace("{stream}", "all"),
            SettingsError,
            "sink parquet-checkpoint: streams orders and customers would share its table; put {stream} into its settings",
        ),
        (
            "shop",
            ["orders", "../x"],
            "parquet",
            PluginError,
            "'../x' is no name of a stream",
        ),
        (
            "shop",
            ["orders", "orders"],
            "parquet",
            PluginError,
            "two streams have one name",
        ),
        (
            "shop/order",
            ["orders", "customers"],
            "parquet",
            SettingsError,
            "source shop-api has streams orders, customers, and it has no 'order'; give one, as in shop/orders",
        ),
        (
            "shop/orders",
            [],
            "parquet",
            SettingsError,
            "has no streams, and it has no 'orders'; give shop",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_read(
    report, resources, sink, error, text
):
    configure(sink, resources=resources)
    with pytest.raises(error) as raised:
        run_report(report)
    assert text in str(raised.value)
    assert list(Path("out").iterdir()) == []


def test_a_stream_that_is_no_text_is_refused():
    spec = PipelineSpec(
        source=PluginRef("numbers"), validator=PluginRef("frame"), sinks=[]
    )
    with pytest.raises(PluginError, match="source numbers: 1 is no name of a stream"):
        check_streams("shop", spec, [1])


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("report", "failed"), [("shop/orders", ["AccessDenied"]), ("shop/none", [])]
)
def test_observers_learn_of_a_source_that_cannot_be_reached(report, failed):
    """Columns are looked up before the run; a wrong setting starts no run at all."""

    class Observer:
        errors: ClassVar[list[str]] = []

        @hookimpl
        def reporting_run_failed(self, report, run_id, error):
            assert run_id
            self.errors.append(type(error).__name__)

    Path("shop/orders/schema.json").write_text("403")
    Observer.errors.clear()
    with pytest.raises(ReportingError):
        run_report(report, observers=[Observer()])
    assert Observer.errors == failed


@pytest.mark.usefixtures("shop")
def test_the_doctor_looks_at_each_stream():
    Path("shop/orders/schema.json").write_text("403")
    done = cli("doctor", "shop", "--format", "json")
    found = {each["check"]: each["status"] for each in json.loads(done.stdout)}
    assert (found["orders: report"], found["customers: report"]) == ("fail", "ok")


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    "command",
    [
        ["state", "shop"],
        ["history", "shop"],
        ["quarantine", "shop"],
        ["trace", "shop", "orders/1"],
        ["freshness", "shop", "--max-age", "1h"],
        ["schema", "shop"],
    ],
    ids=lambda command: command[0],
)
@pytest.mark.parametrize("model", ["", ', model = "models_of_no_package:{stream}"'])
def test_a_command_of_one_table_asks_for_a_stream(command, model):
    text = Path("reporting.toml").read_text()
    validator = f'use = "{"pydantic" if model else "frame"}"{model}'
    Path("reporting.toml").write_text(text.replace('use = "frame"', validator))
    done = cli(*command)
    assert done.exit_code == 2
    assert (
        "streams orders, customers, and none is named; give one, as in shop/orders"
        in done.stderr
    )


def test_the_name_of_a_stream_is_put_into_every_text_but_those_of_the_source():
    use = PluginRef("p", {"a": "x-{stream}", "b": [{"c": "{stream}"}, 3], "d": "{day}"})
    spec = PipelineSpec(use, use, [use], [use], metadata="m/{stream}")
    one = spec.of_stream("orders")
    named = {"a": "x-orders", "b": [{"c": "orders"}, 3], "d": "{day}"}
    parts = [one.validator, *one.transforms, *one.sinks]
    assert [part.settings for part in parts] == [named] * 3
    assert (one.source, one.metadata, one.stream) == (use, "m/{stream}", "orders")
