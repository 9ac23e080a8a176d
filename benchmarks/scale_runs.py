"""Runs of a report over a bucket of `benchmarks.scale_objects`, and what they cost."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import data
from benchmarks.bench import Bench
from benchmarks.measure import BenchmarkError, Usage, measure
from benchmarks.scale_objects import BUCKET, PREFIX, ObjectMemory
from tests.support.s3server import s3_server

from reporting_framework.operations.price_table import read_price_table
from reporting_framework.testing.faults.proxy import S3Proxy, s3_proxy
from reporting_framework.testing.s3 import S3Server

SCRIPT = Path(__file__).parent / "peers" / "scale_table.py"
REPORT = """\
[reports.visits]
source.use           = "object-store-json"
source.uri           = "s3://{bucket}/{prefix}"
source.include       = "log-*.json"
source.name_pattern  = '^(?P<range>log-{between})(?P<timestamp>[0-9]{{8}}-[0-9]{{6}})-'
validator.use        = "visit-event"
sinks                = [{sink}]
"""


@dataclass(frozen=True)
class Sink:
    """A sink and its settings, and the words for it in a table."""

    title: str
    use: str
    path: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Cost:
    """The requests of a run, its bytes, seconds, peak memory in bytes and dollars."""

    lists: float
    table_lists: float
    object_gets: float
    table_gets: float
    puts: float
    deletes: float
    read: float
    written: float
    wall: float
    cpu: float
    peak: float

    @classmethod
    def of(cls, usage: Usage, proxy: S3Proxy) -> "Cost":
        """Return the cost of a run and of the requests since the proxy's reset."""
        kinds = Counter(
            f"{each.kind} {each.bucket == BUCKET}" for each in proxy.requests
        )
        if unknown := {kind.split()[0] for kind in kinds} - KINDS:
            raise BenchmarkError(f"requests of other kinds: {unknown}")
        return cls(
            kinds["LIST True"],
            kinds["LIST False"],
            kinds["GET True"],
            kinds["GET False"] + kinds["HEAD True"] + kinds["HEAD False"],
            kinds["PUT False"] + kinds["POST False"],
            kinds["DELETE False"],
            sum(each.received for each in proxy.requests),
            sum(each.sent for each in proxy.requests),
            usage.wall,
            usage.cpu,
            usage.peak,
        )

    @classmethod
    def middle(cls, costs: Sequence["Cost"]) -> "Cost":
        """Return the median of each figure."""
        return cls(*(median(each) for each in zip(*map(_figures, costs), strict=True)))

    @property
    def dollars(self) -> tuple[float, float]:
        """Dollars for requests, and for the processor time as time in Lambda.

        S3 asks for a PUT and a POST what it asks for a LIST, for a HEAD what it asks
        for a GET, and nothing for a DELETE.
        """
        prices = read_price_table()
        written = self.lists + self.table_lists + self.puts
        requests = written * prices.list_request
        requests += (self.object_gets + self.table_gets) * prices.get_request
        gigabytes = prices.lambda_memory_mb / 1024
        time = self.cpu * gigabytes * prices.lambda_gb_second + prices.lambda_request
        return requests, time


KINDS = {"LIST", "GET", "HEAD", "PUT", "POST", "DELETE"}


def _figures(cost: Cost) -> Sequence[float]:
    return list(vars(cost).values())


@dataclass(frozen=True)
class Report:
    """A report over so many old objects, with its table on the server."""

    bench: Bench
    direct: Mapping[str, str]
    proxied: Mapping[str, str]
    proxy: S3Proxy
    objects: ObjectMemory
    use: str
    settings: Mapping[str, Any]
    home: Path

    def make_table(self, lines: int) -> int:
        """Write the rows of the old objects, so many for each; return their number."""
        count = -self.objects.first
        names = "dated" if self.objects.dated else "as events"
        words = [self.use, json.dumps(self.settings), str(count), str(lines), names]
        made = measure(
            [self.bench.python, str(SCRIPT), *words],
            {**self.direct, "PYTHONPATH": str(Path(__file__).parents[1])},
        ).answer["rows"]
        if made != count * lines:
            raise BenchmarkError(f"{self.use}: {made} rows of {count * lines}")
        return count * lines

    def run(self, new: int, *words: str) -> Cost:
        """Add so many objects, and return the cost of the run that takes them."""
        self.objects.last += new
        config = self.home / "reporting.toml"
        sink = ", ".join(
            f"{name} = {json.dumps(value)}"
            for name, value in {"use": self.use, **self.settings}.items()
        )
        between = "" if self.objects.dated else "[^/]+?-"
        text = REPORT.format(
            bucket=BUCKET, prefix=PREFIX, between=between, sink=f"{{ {sink} }}"
        )
        config.write_text(text)
        self.proxy.reset()
        usage = measure(
            [*self.bench.program, "visits", "--format", "json", "--quiet", *words],
            {**self.proxied, "REPORTING_CONFIG": str(config)},
        )
        done = (usage.answer["status"], usage.answer["accepted"])
        if done != ("ok", new):
            raise BenchmarkError(f"{self.use}: expected {new} rows, found {done}")
        return Cost.of(usage, self.proxy)


@dataclass(frozen=True)
class Place:
    """An S3 server for tables, behind the bucket of objects."""

    bench: Bench
    server: S3Server

    @contextmanager
    def report(
        self, sink: Sink, objects: int, *, dated: bool = False
    ) -> Iterator[Report]:
        """Yield a report whose table is in a folder of its own, and empty it."""
        home, memory = self.bench.fresh("scale"), ObjectMemory(objects, dated=dated)
        uri = f"s3://{data.BUCKET}/table/{sink.path}"
        settings = {"uri": uri, **sink.settings}
        tables = data.store(self.server)
        data.restore(tables, "table/", {})
        with s3_proxy(self.server.endpoint, memory) as proxy:
            yield Report(
                self.bench,
                self.server.environment(),
                self.server.behind(proxy.endpoint).environment(),
                proxy,
                memory,
                sink.use,
                settings,
                home,
            )
        data.restore(tables, "table/", {})


@contextmanager
def place(bench: Bench) -> Iterator[Place]:
    """Run the server."""
    with s3_server(bench.work / "s3") as server:
        yield Place(bench, server)
