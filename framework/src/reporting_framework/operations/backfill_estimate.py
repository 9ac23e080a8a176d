"""Estimate of a backfill: what is read, how long it takes, and what it costs."""

from __future__ import annotations

from datetime import date
from math import ceil
from typing import TYPE_CHECKING

from pydantic import BaseModel

from reporting_framework.operations.backfill import FoundObjects, Unit

if TYPE_CHECKING:
    from reporting_framework.operations.price_table import PriceTable

MIB_PER_GIB = 1024


class Estimate(BaseModel):
    """Estimate of a backfill; `None`: not known.

    Of rows of a table, only their number and the queries of the listing are known.

    Attributes:
        unit: Kind of the objects: ``objects`` of a store, or ``rows`` of a table.
        objects: Number of objects to read.
        bytes: Their size in bytes as stored.
        size_unknown: Number of objects among them whose size is not known.
        already_taken: Number of objects in the window that are not read, as the report
            has them.
        without_date: Number of objects whose names have no date; they are not read.
        chunks: Number of runs, each with one commit.
        list_requests: Requests of the listing, which were made for the estimate; 0 if
            the source is a local folder. Of a table, queries.
        get_requests: Requests to read the objects, without retries; 0 for a folder.
        seconds: Time to read and validate the objects, by the speed of the price table.
        gb_seconds: Memory of the Lambda function of the price table, times `seconds`.
        request_cost: Price of the requests to S3; 0 if the source is elsewhere.
        lambda_cost: Price of running in Lambda, an invocation for each chunk.
        currency: Currency of the prices.
        region: Region of the prices.
        prices_of: Date of the prices.
    """

    unit: Unit
    objects: int
    bytes: int | None = None
    size_unknown: int
    already_taken: int
    without_date: int | None
    chunks: int
    list_requests: int
    get_requests: int | None = None
    seconds: float | None = None
    gb_seconds: float | None = None
    request_cost: float | None = None
    lambda_cost: float | None = None
    currency: str
    region: str
    prices_of: date


def estimate(found: FoundObjects, chunk_objects: int, prices: PriceTable) -> Estimate:
    """Estimate a backfill of these objects.

    Args:
        found: The objects.
        chunk_objects: Largest number of objects in a chunk.
        prices: Prices and speed.
    """
    sizes, objects = found.objects["size"], found.objects.height
    known = Estimate(
        unit=found.unit,
        objects=objects,
        size_unknown=sizes.null_count(),
        already_taken=found.already_taken,
        without_date=found.without_date,
        chunks=ceil(objects / chunk_objects),
        list_requests=found.list_requests,
        currency=prices.currency,
        region=prices.region,
        prices_of=prices.date,
    )
    return known if found.unit == "rows" else _with_cost(known, found, prices)


def _with_cost(known: Estimate, found: FoundObjects, prices: PriceTable) -> Estimate:
    """Return the estimate with requests, time and cost, by the speed of objects."""
    objects, size = known.objects, int(found.objects["size"].sum())
    remote = "://" in found.uri and not found.uri.startswith(("file://", "memory://"))
    lists, gets = (found.list_requests, objects) if remote else (0, 0)
    seconds = max(objects / prices.objects_per_second, size / prices.bytes_per_second)
    gb_seconds = seconds * prices.lambda_memory_mb / MIB_PER_GIB
    requests = lists * prices.list_request + gets * prices.get_request
    running = (
        known.chunks * prices.lambda_request + gb_seconds * prices.lambda_gb_second
    )
    priced = {
        "bytes": size,
        "list_requests": lists,
        "get_requests": gets,
        "seconds": round(seconds, 3),
        "gb_seconds": round(gb_seconds, 3),
        "request_cost": (round(requests, 6) if found.uri.startswith("s3://") else 0.0),
        "lambda_cost": round(running, 6),
    }
    return known.model_copy(update=priced)
