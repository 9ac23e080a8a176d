"""Requests to AWS of this process: recorded, and made again without anything else."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import boto3
import obstore
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from obstore.store import S3Store

OBSTORE = ("get", "head", "put", "delete", "copy")
"""Functions of obstore whose first argument is a store."""
IN_FLIGHT = 64


@dataclass(frozen=True)
class Request:
    """One call of a client; times are those of `time.perf_counter`."""

    service: str
    """boto3's name of the service, or `obstore`."""
    operation: str
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    began: float
    ended: float
    failed: bool


class Recorder:
    """List of all requests that boto3's clients and obstore make in this process.

    Raises:
        TypeError: obstore lists something, which could not be made again.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._lock = threading.Lock()
        make: Any = BaseClient._make_api_call

        def api_call(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
            call = partial(make, client, operation, parameters)
            service = client.meta.service_model.service_name
            return self._timed(call, service, operation, (), parameters)

        BaseClient._make_api_call = api_call
        for name in OBSTORE:
            setattr(obstore, name, self._wrapped(name, getattr(obstore, name)))
        obstore.list = self._unsupported

    def _wrapped(self, name: str, function: Any) -> Any:
        def call(store: Any, *arguments: Any, **options: Any) -> Any:
            made = partial(function, store, *arguments, **options)
            return self._timed(made, "obstore", name, arguments, options)

        return call

    def _unsupported(self, *_: Any, **__: Any) -> Any:
        raise TypeError("obstore.list: a listing cannot be made again")

    def _timed(
        self,
        call: Callable[[], Any],
        service: str,
        operation: str,
        arguments: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Any:
        began = time.perf_counter()
        failed = True
        try:
            answer = call()
            failed = False
            return answer
        finally:
            ended = time.perf_counter()
            with self._lock:
                self.requests.append(
                    Request(
                        service, operation, arguments, options, began, ended, failed
                    )
                )


def rounds(requests: Iterable[Request]) -> Iterator[list[Request]]:
    """Yield requests that were made at once, in order.

    A request that began after all earlier ones had ended opens a new round.
    """
    at_once: list[Request] = []
    for request in sorted(requests, key=lambda each: each.began):
        if at_once and request.began >= max(each.ended for each in at_once):
            yield at_once
            at_once = []
        at_once.append(request)
    if at_once:
        yield at_once


def replayer(bucket: str) -> Callable[[Sequence[Request]], None]:
    """Return a function that makes requests again, each round at once.

    It raises `SystemExit` if another number of them fails than before.

    Args:
        bucket: The bucket of obstore's requests.
    """
    store = S3Store(
        bucket,
        endpoint=os.environ.get("AWS_ENDPOINT_URL_S3", os.environ["AWS_ENDPOINT_URL"]),
        client_options={"allow_http": True},
        virtual_hosted_style_request=False,
    )
    clients: dict[str, Any] = {}
    pool = ThreadPoolExecutor(IN_FLIGHT)

    def fails(request: Request) -> bool:
        try:
            if request.service == "obstore":
                function = getattr(obstore, request.operation)
                function(store, *request.arguments, **request.options)
            else:
                client = clients[request.service]
                client._make_api_call(request.operation, request.options)
        except (ClientError, FileNotFoundError):
            return True
        return False

    def replay(requests: Sequence[Request]) -> None:
        for service in {each.service for each in requests} - {"obstore", *clients}:
            clients[service] = boto3.client(service)
        failed = 0
        for at_once in rounds(requests):
            several = len(at_once) > 1
            found = pool.map(fails, at_once) if several else map(fails, at_once)
            failed += sum(found)
        if failed != (expected := sum(request.failed for request in requests)):
            raise SystemExit(f"expected {expected} requests to fail, found {failed}")

    return replay
