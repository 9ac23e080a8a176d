"""Records and bodies that a page may have: they cost their own record, and no other one."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from reporting_framework import run_report
from tests.plugins.rest.reading import Runs, items, settings_of
from tests.plugins.rest.server import Answer, Asked, Handler, Server, serving


@pytest.fixture
def serve() -> Iterator[Callable[[Handler], Server]]:
    with ExitStack() as stack:
        yield lambda handler: stack.enter_context(serving(handler))


Serve = Callable[[Handler], Server]


def one_page(serve: Serve, body: bytes, **more: Any) -> Runs:
    headers = more.pop("headers", {})
    server = serve(lambda asked: Answer(body, headers=headers))
    return Runs(settings_of(server, items(**more), attempts=1)).run()


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (['{"a":1}', "5"], ['{"a": 1}', "5"]),
        (['{"a":1}', "[1]"], ['{"a": 1}', "[1]"]),
        (['{"a":1}', "false"], ['{"a": 1}', "false"]),
        (['[{"a":1}]', "[[1]]"], ['[{"a": 1}]', "[[1]]"]),
        (["1", "true"], ["1", "true"]),
        (["1", '"x"', "null"], ["1", "x", None]),
        (["1.50", "true"], ["1.50", "true"]),
    ],
)
def test_values_of_several_kinds_are_texts(
    serve: Serve, values: list[str], texts: list[str | None]
) -> None:
    rows = [f'{{"id":{at},"n":{value}}}' for at, value in enumerate(values)]
    runs = one_page(serve, f'{{"items":[{",".join(rows)}]}}'.encode())
    assert [row["n"] for row in runs.rows.values()] == texts
    assert not runs.rejected


@pytest.mark.parametrize(
    "value",
    [b'"\xff"', b"1e400", b"1e99999999999", b'"\\ud83d"', b'"\\udc00\\ud800"', b"NaN0"],
    ids=["not UTF-8", "too large", "far too large", "half", "swapped", "no value"],
)
def test_a_bad_record_is_rejected_alone(serve: Serve, value: bytes) -> None:
    body = b'{"items":[{"id":1,"n":0.5},{"id":2,"n":%b},{"id":3,"n":0.25}]}' % value
    runs = one_page(serve, body)
    if value == b"NaN0":  # the page is no JSON
        assert not runs.rows
        assert runs.unread
        return
    good = {name: row["n"] for name, row in runs.rows.items()}
    assert {name: float(n) for name, n in good.items()} == {
        "items/1": 0.5,
        "items/3": 0.25,
    }
    assert len(runs.rejected) == 1


def test_whole_pairs_of_surrogates_stay_beside_half_ones(serve: Serve) -> None:
    body = rb'{"items":[{"id":1,"n":"\ud83d\ude00\\ud83d"},{"id":2,"n":"\ud83d"}]}'
    runs = one_page(serve, body)
    assert runs.rows == {"items/1": {"id": 1, "n": "\N{GRINNING FACE}\\ud83d"}}
    assert [each.source_key for each in runs.rejected] == ["items/2"]


def test_an_integer_of_many_digits_is_a_text(serve: Serve) -> None:
    digits, more = 30 * "7", 5_000 * "7"  # so many that polars reads no number
    body = f'{{"items":[{{"id":1,"n":{digits}}},{{"id":2,"n":{more}}}]}}'
    runs = one_page(serve, body.encode())
    assert runs.rows == {"items/1": {"id": 1, "n": digits}}
    assert len(runs.rejected) == 1


@pytest.mark.parametrize("name", ["", "x\ny", 'a"b', "c\\d", "\0", "\x1f"])
def test_a_name_that_is_no_column_is_left_out(serve: Serve, name: str) -> None:
    rows = [{"id": 1, name: 4, "n": 1}, {"id": 2, "n": 2}]
    server = serve(lambda asked: Answer({"items": rows}))
    runs = Runs(settings_of(server, items())).run()
    assert [row["n"] for row in runs.rows.values()] == [1, 2]
    assert not runs.rejected


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('\ufeff{"items":[{"id":1,"n":"é"}]}'.encode(), "application/json"),
        ('{"items":[{"id":1,"n":"é"}]}'.encode("latin-1"), "a/b; charset=iso-8859-1"),
        ('{"items":[{"id":1,"n":"é"}]}'.encode("utf-16"), 'a/b; charset="UTF-16"'),
        ('{"items":[{"id":1,"n":"é"}]}'.encode(), "a/b; charset=utf-8"),
        ('{"items":[{"id":1,"n":"é"}]}'.encode(), "a/b; charset=unknown"),
    ],
)
def test_the_encoding_of_a_body(serve: Serve, body: bytes, content_type: str) -> None:
    runs = one_page(serve, body, headers={"content-type": content_type})
    assert runs.rows == {"items/1": {"id": 1, "n": "é"}}


def test_many_members_of_gzip_are_read_once(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty, last = gzip.compress(b""), gzip.compress(b'{"items":[{"id":1}]}')
    given: list[int] = []
    make = zlib.decompressobj

    class Counting:
        def __init__(self, window: int) -> None:
            self._inner = make(window)

        def decompress(self, data: bytes, most: int) -> bytes:
            given.append(len(data))
            return self._inner.decompress(data, most)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

    monkeypatch.setattr("reporting_rest.http.transport.zlib.decompressobj", Counting)
    body = empty * 5_000 + last
    runs = one_page(serve, body, headers={"content-encoding": "gzip"})
    assert runs.rows.keys() == {"items/1"}
    assert max(given) <= 16 * 1024
    assert max(given) < len(body)


@pytest.mark.parametrize("size", [b"-5", b"x", b"1e2"])
def test_a_chunk_without_a_size(serve: Serve, size: bytes) -> None:
    class Chunked(Answer):
        def to_bytes(self) -> bytes:
            head = b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n"
            return head + size + b"\r\nabcde\r\n0\r\n\r\n"

    server = serve(lambda asked: Chunked(closes=True))
    runs = Runs(settings_of(server, items(), attempts=2)).run()
    assert [each.reason for each in runs.unread] == ["unavailable"]
    assert len(server.asked) == 2


def test_a_key_that_is_twice_on_a_page_is_no_move(serve: Serve) -> None:
    rows = [{"id": 1, "v": 1}, {"id": 1, "v": 2}]
    server = serve(lambda asked: Answer({"items": rows}))
    runs = Runs(settings_of(server, items())).run()
    assert runs.rows == {"items/1": {"id": 1, "v": 2}}
    assert len(server.asked) == 1
    assert not runs.unread


def test_a_key_that_no_record_has_is_no_move(serve: Serve) -> None:
    def answer(asked: Asked) -> Answer:
        page = int(asked.param("page", "1"))
        rows = [{"id": 4 * page + at} for at in range(4)] if page < 7 else []
        return Answer({"items": rows})

    server = serve(answer)
    paginator = {"type": "page", "size": 4}
    resource = items(primary_key=["ident"], paginator=paginator)
    runs = Runs(settings_of(server, resource)).run()
    found = {(each.error_type, each.field) for each in runs.rejected}
    assert found == {("missing", "ident")}
    assert len(runs.rejected) == 24
    assert not runs.unread
    assert len(server.asked) == 7


REPORT = """
[reports.items]
source    = { use = "rest-api", base_url = "URL", allow_private = true, resources = [
              { name = "items", path = "/items", records = "$", primary_key = ["id"], cursor = { field = "at", param = "since" } },
              { name = "parts", path = "/items/{items.code}/parts", records = "$", primary_key = ["id"] } ] }
validator = { use = "frame" }
sinks     = [{ use = "parquet-checkpoint", uri = "out/{stream}.parquet", mode = "upsert" }]
"""


def test_one_value_of_another_type_does_not_stop_a_report(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The types of the last run stay; the record is rejected, as the page says."""
    rows: list[dict[str, Any]] = [
        {"id": number, "at": f"2024-05-0{number}", "code": "c", "price": number / 4}
        for number in range(1, 6)
    ]
    rows[2]["code"] = ".."
    rows[3]["code"] = None

    def answer(asked: Asked) -> Answer:
        if asked.path.endswith("/parts"):
            return Answer([{"id": 1}])
        return Answer([row for row in rows if row["at"] >= asked.param("since", "")])

    monkeypatch.chdir(tmp_path)
    (tmp_path / "reporting.toml").write_text(REPORT.replace("URL", serve(answer).url))
    first = run_report("items/items")
    assert (first.accepted, first.rejected) == (5, 0)
    said = [each for each in first.warnings if "not asked for" in each]
    assert len(said) == 1
    assert "resource parts: not asked for 2 rows of items, in which code" in said[0]
    rows.append({"id": 6, "at": "2024-05-06", "code": "c", "price": "abc"})
    rows.append({"id": 7, "at": "2024-05-07", "code": "c", "price": 2.5})
    second = run_report("items/items")
    assert second.complete
    assert second.rejected == 1
    assert not second.schema_changes
    table = pl.read_parquet("out/items.parquet")
    assert sorted(table["id"]) == [1, 2, 3, 4, 5, 7]
    assert table.schema["price"] == pl.Float64
