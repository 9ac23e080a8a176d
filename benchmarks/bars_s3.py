"""The bars over S3.

A real server on loopback stands behind a proxy that adds what a network would.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks import data
from benchmarks.bench import Bench
from benchmarks.measure import PAIRS, SHORT_PAIRS, Usage, alternate, middle
from benchmarks.rows import Group, Row, compared, seconds
from obstore.store import S3Store
from tests.support.s3server import s3_server

from reporting_framework.testing.faults.proxy import S3Proxy, s3_proxy

DELAYS = {"GET": 0.020, "LIST": 0.060}
NEW = 1_000
IMPORTED = "polars, pydantic, obstore"
# more events than 35 days hold, one every ten minutes: fewer would be listed in fewer
# requests
IN_LOOK_BACK = 6_000


@dataclass(frozen=True)
class Place:
    """The bucket without the proxy, and the proxy.

    There are also the AWS variables that lead to each.
    """

    bucket: S3Store
    proxy: S3Proxy
    direct: Mapping[str, str]
    delayed: Mapping[str, str]

    def start_counting(self) -> None:
        """Set the proxy to its delays and to zero requests."""
        self.proxy.reset()
        for kind, delay in DELAYS.items():
            self.proxy.delay(kind, delay)

    def uri(self, prefix: str) -> str:
        """Return the URI of a key or a prefix."""
        return f"s3://{data.BUCKET}/{prefix}"


@contextmanager
def place() -> Iterator[Place]:
    """Run the server, with its data in the cache, and the proxy in front of it."""
    with s3_server(data.home() / "s3") as server, s3_proxy(server.endpoint) as proxy:
        proxy.remember("events-*/log-*")
        behind = server.behind(proxy.endpoint)
        yield Place(
            data.store(server), proxy, server.environment(), behind.environment()
        )


def first_run(bench: Bench) -> Sequence[Row]:
    """Compare a first run of 20,000 objects with only fetching them, and with boto3."""
    count = 20_000 // bench.scale
    prefix, checkpoints = f"events-{count}/", "checkpoints-first/"
    with place() as s3:
        data.upload_once(s3.bucket, data.folder(count), prefix)

        def ours() -> Usage:
            data.restore(s3.bucket, checkpoints, {})
            s3.start_counting()
            return bench.ours(
                s3.uri(prefix),
                s3.uri(f"{checkpoints}events.parquet"),
                count,
                s3.delayed,
            )

        def fetch() -> Usage:
            s3.start_counting()
            return bench.peer(
                "fetch_alone", data.BUCKET, prefix, environment=s3.delayed
            )

        def boto3() -> Usage:
            s3.start_counting()
            out = bench.fresh("boto3") / "events.parquet"
            return bench.peer(
                "boto3_threads", data.BUCKET, prefix, out, environment=s3.delayed
            )

        bench.peer(
            "fetch_alone", data.BUCKET, prefix, environment=s3.delayed
        )  # the proxy then remembers
        framework_runs, fetches = alternate(PAIRS, ours, fetch)
        usual = boto3()
    what = f"first run, {count:,} objects on S3"
    wall = middle(framework_runs, "wall")
    return [
        compared(
            "first-run-s3-fetch",
            f"{what}: time, of fetching alone with 64 in flight",
            1.0,
            framework_runs,
            fetches,
            "wall",
        ),
        Row(
            "first-run-s3-boto3",
            f"{what}: times as fast as boto3 with 32 threads",
            5,
            usual.wall / wall,
            f"{seconds(wall)} to {seconds(usual.wall)}; boto3 once",
            at_least=True,
        ),
    ]


def incremental(bench: Bench) -> Sequence[Row]:
    """Measure 1,000 new objects beside 20,000 and beside 200,000 old ones.

    The old ones are in the checkpoint already.
    """
    few, many = max(20_000 // bench.scale, IN_LOOK_BACK), 200_000 // bench.scale
    with (
        place() as s3,
        _increment(bench, s3, few) as short,
        _increment(bench, s3, many) as long,
    ):
        fews, manies, imports = alternate(
            SHORT_PAIRS, short.run, long.run, lambda: bench.imports(IMPORTED)
        )
    found = f"+{NEW:,} new on"
    return [
        compared(
            "incremental-20k",
            f"{found} {few:,} old on S3: time, of `import {IMPORTED}`",
            2,
            fews,
            imports,
            "wall",
            more=f"{short.lists()} LIST",
        ),
        compared(
            "incremental-200k",
            f"{found} {many:,} old on S3: time, of that on {few:,}",
            1.05,
            manies,
            fews,
            "wall",
            more=f"{long.lists()} LIST",
        ),
        Row(
            "incremental-lists",
            f"LIST requests with {many:,} old, of those with {few:,}",
            1.0,
            long.lists() / short.lists(),
            f"{long.lists()} to {short.lists()}",
        ),
    ]


@dataclass(frozen=True)
class Increment:
    """A run of the same report from the same state, again and again."""

    run: Callable[[], Usage]
    requests: list[int]

    def lists(self) -> int:
        """Return the most LIST requests that one of the runs made."""
        return max(self.requests)


@contextmanager
def _increment(
    bench: Bench, s3: Place, old: int, new: int = NEW
) -> Iterator[Increment]:
    """Yield a run that finds so many new objects beside the old ones.

    The new objects are there until the end of the context.
    """
    prefix, checkpoints = f"events-{old}/", f"checkpoints-{old}/"
    added = data.folder(NEW, after=old)
    names = [f"{prefix}{path.name}" for path in added.iterdir()]
    data.remove(s3.bucket, names)  # an interrupted benchmark leaves them
    data.upload_once(s3.bucket, data.folder(old), prefix)
    known = _known(bench, s3, old, prefix, checkpoints)
    lists: list[int] = []

    def run() -> Usage:
        data.restore(s3.bucket, checkpoints, known)
        s3.start_counting()
        usage = bench.ours(
            s3.uri(prefix), s3.uri(f"{checkpoints}events.parquet"), new, s3.delayed
        )
        lists.append(s3.proxy.count("LIST"))
        return usage

    if new:
        data.upload(s3.bucket, added, prefix)
    try:
        yield Increment(run, lists)
    finally:
        data.remove(s3.bucket, names)


def nothing_new(bench: Bench) -> Sequence[Row]:
    """Compare a run that finds nothing new with the imports that it needs."""
    old = max(20_000 // bench.scale, IN_LOOK_BACK)
    with place() as s3, _increment(bench, s3, old, new=0) as idle:
        ours, imports = alternate(
            SHORT_PAIRS, idle.run, lambda: bench.imports(IMPORTED)
        )
    return [
        compared(
            "nothing-new-s3",
            f"nothing new, {old:,} objects on S3: time, of `import {IMPORTED}`",
            1.6,
            ours,
            imports,
            "wall",
            more=f"{idle.lists()} LIST",
        )
    ]


def _known(
    bench: Bench, s3: Place, old: int, prefix: str, checkpoints: str
) -> Mapping[str, bytes]:
    """Return the checkpoint of the old objects, with the report's metadata.

    It is made from a folder, which is faster and gives the same bytes. A run over S3
    then lists everything once, and finds nothing new. It may read rejected records
    again, since the versions of the objects differ from those of the files.
    """
    folder = bench.fresh("known")
    bench.ours(data.folder(old), folder / "events.parquet", old)
    data.restore(s3.bucket, checkpoints, {})
    data.upload(s3.bucket, folder, checkpoints)
    bench.settle(s3.uri(prefix), s3.uri(f"{checkpoints}events.parquet"), s3.direct)
    return data.snapshot(s3.bucket, checkpoints)


GROUPS = (
    Group(("first-run-s3-fetch", "first-run-s3-boto3"), first_run),
    Group(("incremental-20k", "incremental-200k", "incremental-lists"), incremental),
    Group(("nothing-new-s3",), nothing_new),
)
