"""The bars over S3.

A real server on loopback stands behind a proxy that adds what a network would.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks import data
from benchmarks.bench import Bench, Group, Row, seconds
from benchmarks.measure import Usage, alternate, least
from obstore.store import S3Store
from tests.support.s3server import s3_server

from reporting_framework.testing.faults.proxy import S3Proxy, s3_proxy

TIMES = 3
DELAYS = {"GET": 0.020, "LIST": 0.060}
NEW = 1_000
LIMIT = 1.2  # seconds
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
        framework_runs, fetches = alternate(TIMES, ours, fetch)
        ((usual,),) = alternate(1, boto3)
    wall, fetch_wall = least(framework_runs, "wall"), least(fetches, "wall")
    return [
        Row(
            "first-run-s3-fetch",
            f"first run, {count:,} objects on S3: time, of fetching alone with 64 in"
            " flight",
            1.3,
            wall / fetch_wall,
            f"{seconds(wall)} to {seconds(fetch_wall)}",
        ),
        Row(
            "first-run-s3-boto3",
            f"first run, {count:,} objects on S3: times as fast as boto3 with 32"
            " threads",
            5,
            usual.wall / wall,
            f"{seconds(wall)} to {seconds(usual.wall)}",
            at_least=True,
        ),
    ]


def incremental(bench: Bench) -> Sequence[Row]:
    """Measure 1,000 new objects beside 20,000 and beside 200,000 old ones.

    The old ones are in the checkpoint already.
    """
    few, many = max(20_000 // bench.scale, IN_LOOK_BACK), 200_000 // bench.scale
    with place() as s3:
        short, few_lists = _increment(bench, s3, few)
        long, many_lists = _increment(bench, s3, many)
    rows = [
        Row(
            f"incremental-{name}",
            f"+{NEW:,} new on {old:,} old on S3: time",
            LIMIT,
            wall,
            f"{seconds(wall)}, {lists} LIST",
            unit="s",
        )
        for name, old, wall, lists in (
            ("20k", few, short, few_lists),
            ("200k", many, long, many_lists),
        )
    ]
    what = f"LIST requests with {many:,} old, of those with {few:,}"
    return [
        *rows,
        Row(
            "incremental-lists",
            what,
            1.0,
            many_lists / few_lists,
            f"{many_lists} to {few_lists}",
        ),
    ]


def _increment(bench: Bench, s3: Place, old: int) -> tuple[float, int]:
    """Return the best time of a run that finds 1,000 new objects.

    The second number is that of its LIST requests.
    """
    prefix, checkpoints = f"events-{old}/", f"checkpoints-{old}/"
    new = data.folder(NEW, after=old)
    names = [f"{prefix}{path.name}" for path in new.iterdir()]
    data.remove(s3.bucket, names)  # an interrupted benchmark leaves them
    data.upload_once(s3.bucket, data.folder(old), prefix)
    known = _known(bench, s3, old, prefix, checkpoints)
    data.upload(s3.bucket, new, prefix)
    usages, lists = [], set()
    for _ in range(TIMES):
        data.restore(s3.bucket, checkpoints, known)
        s3.start_counting()
        usages.append(
            bench.ours(
                s3.uri(prefix), s3.uri(f"{checkpoints}events.parquet"), NEW, s3.delayed
            )
        )
        lists.add(s3.proxy.count("LIST"))
    data.remove(s3.bucket, names)
    return least(usages, "wall"), max(lists)


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
)
