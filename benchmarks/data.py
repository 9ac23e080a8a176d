"""Data of the benchmarks.

They are generated once, kept in `benchmarks/.cache/`, and generated again if their
generator changes.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

import obstore
from benchmarks import generate
from obstore.store import S3Store

from reporting_framework.testing.s3 import REGION, S3Server

CACHE = Path(__file__).with_name(".cache")
BUCKET = "visits"
SEED = 1
BAD = 0.01
IN_FLIGHT = 32


def home() -> Path:
    """Return the folder for data of the present generator; remove all other data."""
    sources = Path(generate.__file__).read_bytes() + Path(__file__).read_bytes()
    path = CACHE / f"data-{hashlib.sha256(sources).hexdigest()[:12]}"
    if not path.exists():
        for old in CACHE.glob("data-*"):
            shutil.rmtree(old)
        path.mkdir(parents=True)
    return path


def folder(count: int, after: int = 0) -> Path:
    """Return a folder of `count` event files.

    They are those of the series that follow the first `after`.
    """
    path = home() / f"events-{after}-{count}"
    if not path.exists():
        part = path.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        generate.write_folder(part, count, SEED, BAD, after)
        os.rename(part, path)
    return path


def lines(files: int, records: int) -> Path:
    """Return a folder of `files` objects of `records` events, one a line.

    The events are those of a folder of 20,000, again and again.
    """
    path = home() / f"lines-{files}-{records}"
    if not path.exists():
        part = path.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        one_each = (one.read_bytes() for one in sorted(folder(20_000).iterdir()))
        texts = [text for text in one_each if text and b"\n" not in text]
        for number in range(files):
            begin = number * records % len(texts)
            chosen = islice(cycle(texts[begin:] + texts[:begin]), records)
            name = part / f"log-submit-20240101-{number:06}.json"
            name.write_bytes(b"\n".join(chosen) + b"\n")
        os.rename(part, path)
    return path


def store(server: S3Server) -> S3Store:
    """Return the bucket of the benchmarks, made if it is missing.

    It is reached without the proxy.
    """
    client = server.client()
    if BUCKET not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket=BUCKET)
    return S3Store(
        BUCKET,
        endpoint=server.endpoint,
        access_key_id=server.access_key,
        secret_access_key=server.secret_key,
        region=REGION,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )


def upload(bucket: S3Store, source: Path, prefix: str) -> None:
    """Put every file of a folder, and of the folders in it, below a prefix."""
    files = [path for path in source.rglob("*") if path.is_file()]
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        put = pool.map(
            lambda path: obstore.put(
                bucket, f"{prefix}{path.relative_to(source)}", path.read_bytes()
            ),
            files,
        )
        list(put)


def upload_once(bucket: S3Store, source: Path, prefix: str) -> None:
    """Upload as `upload` does, unless an earlier run has done it.

    The server's data lie in the cache too.
    """
    done = home() / f"uploaded-{prefix.strip('/').replace('/', '-')}"
    if not done.exists():
        upload(bucket, source, prefix)
        done.touch()


def keys(bucket: S3Store, prefix: str) -> list[str]:
    """Return the keys below a prefix, which ends in a slash."""
    return [entry["path"] for page in obstore.list(bucket, prefix) for entry in page]


def snapshot(bucket: S3Store, prefix: str) -> dict[str, bytes]:
    """Everything below a prefix, by key."""
    return {
        key: bytes(obstore.get(bucket, key).bytes()) for key in keys(bucket, prefix)
    }


def restore(bucket: S3Store, prefix: str, contents: Mapping[str, bytes]) -> None:
    """Make what is below a prefix exactly this."""
    remove(bucket, keys(bucket, prefix))
    for key, content in contents.items():
        obstore.put(bucket, key, content)


def remove(bucket: S3Store, doomed: Iterable[str]) -> None:
    """Delete these keys, one by one: the server's bulk delete is no faster."""
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        list(pool.map(lambda key: obstore.delete(bucket, key), doomed))
