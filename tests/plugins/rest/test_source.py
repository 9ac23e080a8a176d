"""The source while an API changes and fails: nothing is lost or doubled, and the state is right."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from reporting_framework import AccessDenied, SettingsError
from reporting_rest.buffers import Buffers
from reporting_rest.resource_settings import CursorSettings
from reporting_rest.resources import resources_of
from reporting_rest.settings import RestApiSettings
from reporting_rest.source import RestApi
from tests.plugins.rest.reading import Runs, items, settings_of
from tests.plugins.rest.server import Answer, Asked, Handler, Server, serving

BY_CURSOR = {"field": "at", "param": "since"}


@pytest.fixture
def serve() -> Iterator[Callable[[Handler], Server]]:
    with ExitStack() as stack:
        yield lambda handler: stack.enter_context(serving(handler))


Serve = Callable[[Handler], Server]


def moment(minute: int) -> str:
    return (datetime(2024, 5, 1, tzinfo=UTC) + timedelta(minutes=minute)).isoformat()


class Table:
    """Records in the order of their last change, in pages by number, of two records."""

    def __init__(self, count: int) -> None:
        self.rows = {number: self.row(number, number) for number in range(count)}
        self.before: Callable[[int], None] = lambda page: None

    def row(self, number: int, minute: int) -> dict[str, Any]:
        return {"id": number, "at": moment(minute)}

    def change(self, number: int, minute: int) -> None:
        self.rows.pop(number, None)
        self.rows[number] = self.row(number, minute)

    def __call__(self, asked: Asked) -> Answer:
        page, since = int(asked.param("page", "1")), asked.param("since", "")
        offset = int(asked.param("offset", 2 * (page - 1)))
        size = int(asked.param("limit", "2"))
        self.before(page)
        rows = [row for row in self.rows.values() if row["at"] >= since]
        return Answer({"items": rows[offset : offset + size], "total": len(rows)})


def test_records_that_move_are_read_again(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """A change during the run moves a record to the last page, and another one up over the edge of a page."""
    table = Table(7)
    server = serve(table)
    paginator = {"type": "page", "size": 2}
    runs = Runs(settings_of(server, items(cursor=BY_CURSOR, paginator=paginator)))

    def change(page: int) -> None:
        if page == 2 and table.rows[0]["at"] == moment(0):
            table.change(0, 100)

    table.before = change
    runs.run()
    assert {row["id"]: row["at"] for row in runs.rows.values()} == {
        row["id"]: row["at"] for row in table.rows.values()
    }
    assert runs.state["items"]["since"] == moment(100)
    assert len(runs.run().read) == 1

    minutes = iter(range(200, 300))
    table.before = lambda page: table.change(next(iter(table.rows)), next(minutes))
    state = runs.state
    runs.run(full_scan=True)
    assert runs.unread
    assert "resource items: records moved from page to page while" in caplog.text
    assert runs.state in (state, {})


@pytest.mark.parametrize("total", [None, "total"])
def test_records_that_are_deleted_meanwhile_hide_none(
    serve: Serve, total: str | None
) -> None:
    """Pages by offset share a record, or have a total, which shows that others moved up."""
    table = Table(9)
    server = serve(table)
    paginator = {"type": "offset", "limit": 3, **({"total": total} if total else {})}
    runs = Runs(
        settings_of(server, items(cursor=BY_CURSOR, paginator=paginator), parallelism=1)
    )
    asked = 0

    def delete(page: int) -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            del table.rows[0]

    table.before = delete
    runs.run()
    assert {f"items/{number}" for number in table.rows} <= runs.rows.keys()


def test_a_token_that_the_server_forgot_starts_again(serve: Serve) -> None:
    pages = {None: ([1, 2], "a"), "a": ([3, 4], "b"), "b": ([5], None)}
    broken: set[str] = {"b"}

    def answer(asked: Asked) -> Answer:
        token = asked.param("after")
        if token in broken:
            return Answer(status=503 if token == "b" else 400)
        numbers, following = pages[token]
        return Answer({"items": [{"id": each} for each in numbers], "next": following})

    server = serve(answer)
    paginator = {"type": "cursor", "param": "after", "path": "next"}
    runs = Runs(settings_of(server, items(paginator=paginator), batch_records=1)).run()
    assert runs.unread
    assert runs.state["items"]["next"] == "b"
    server.take()
    broken.clear()
    assert runs.run().read == ["items/5"]
    assert [asked.param("after") for asked in server.take()] == ["b"]
    runs.state = {"items": {**runs.state["items"], "next": "old"}}
    broken.add("old")
    assert len(runs.run().read) == 5
    assert "next" not in runs.state["items"]


def test_children_are_read_once_in_order(serve: Serve) -> None:
    """Pages of children come at the same time, grandchildren too; a parent that is gone hides no other."""
    at_once, most = 0, 0
    lock = threading.Lock()

    def answer(asked: Asked) -> Answer:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        threading.Event().wait(0.01)
        with lock:
            at_once -= 1
        parts = asked.path.strip("/").split("/")
        if len(parts) == 1:
            return Answer({"items": [{"id": number} for number in range(9)] + [{}]})
        if parts[1] == "4":
            return Answer(status=404)
        number = int(parts[-2])
        rows = [{"id": 10 * number + each} for each in range(2)]
        if len(parts) == 3 and number == 2 and asked.param("page", "1") == "1":
            return Answer({"items": rows[:1], "next": f"{asked.path}?page=2"})
        return Answer({"items": rows[1:] if asked.param("page") else rows})

    server = serve(answer)
    child = {"records": "items", "primary_key": ["id"]}
    settings = settings_of(
        server,
        items(),
        {
            **child,
            "name": "notes",
            "path": "/items/{items.id}/notes",
            "include": {"item": "items.id"},
            "paginator": {"type": "next_url", "path": "next"},
        },
        {
            **child,
            "name": "likes",
            "path": "/items/{items.id}/notes/{notes.id}/likes",
            "params": {"of": "{notes.id}"},
        },
        parallelism=4,
    )
    runs = Runs(settings).run()
    notes = [key for key in runs.read if key.startswith("notes")]
    assert notes == [f"notes/{10 * n + k}" for n in range(9) if n != 4 for k in (0, 1)]
    assert runs.rows["notes/31"] == {"item": 3, "id": 31}
    assert sum(key.startswith("likes") for key in runs.read) == 32
    targets = [asked.target for asked in server.asked]
    assert len(targets) == len(set(targets)) == 1 + 9 + 1 + 16
    assert "/items/3/notes/31/likes?of=31" in targets
    assert 2 <= most <= 4
    assert [(each.error_type, each.field) for each in runs.rejected] == [
        ("missing", "id")
    ]


def test_a_resource_that_fails_holds_no_other_up(serve: Serve) -> None:
    failing = True

    def answer(asked: Asked) -> Answer:
        if asked.path == "/items" and failing:
            return Answer(status=500)
        return Answer({"items": [{"id": 1, "at": moment(1)}]})

    server = serve(answer)
    other = {**items(cursor=BY_CURSOR), "name": "others", "path": "/others"}
    runs = Runs(settings_of(server, items(cursor=BY_CURSOR), other)).run()
    assert runs.read == ["others/1"]
    assert [each.reason for each in runs.unread] == ["unavailable"]
    assert list(runs.state) == ["others"]
    failing = False
    runs.run()
    assert runs.rows.keys() == {"items/1", "others/1"}
    assert list(runs.state) == ["others", "items"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_a_page_that_is_refused_ends_its_resource_alone(
    serve: Serve, status: int
) -> None:
    """The second page of one resource, and the first of another; what was read is kept."""

    def answer(asked: Asked) -> Answer:
        if asked.path == "/wrong" or asked.param("after"):
            return Answer(status=status)
        more = "b" if asked.path == "/items" else None
        return Answer({"items": [{"id": 1}], "next": more})

    server = serve(answer)
    paginator = {"type": "cursor", "param": "after", "path": "next"}
    names = ("wrong", "items", "others")
    resources = [items(name=n, path=f"/{n}", paginator=paginator) for n in names]
    runs = Runs(settings_of(server, *resources, attempts=1, batch_records=1)).run()
    assert runs.rows.keys() == {"items/1", "others/1"}
    assert [each.reason for each in runs.unread] == ["unavailable"]
    assert runs.state["items"]["next"] == "b"
    assert runs.state.keys() == {"items", "others"}


DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    ("paginator", "hostile"),
    [
        ({"type": "next_url", "path": "next"}, Answer({"next": "http://[::1"})),
        ({"type": "link_header"}, Answer(headers={"link": '<http://[::1>;rel="next"'})),
        ({"type": "page"}, Answer(status=302, headers={"location": "http://[::1"})),
        ({"type": "page"}, Answer(b'{"items": [{"id": 2, "n": ' + DEEP + b"}]}")),
        ({"type": "page"}, Answer(b'{"items": [], "n": ' + DEEP + b"}")),
    ],
    ids=["url", "link", "location", "deep record", "deep page"],
)
def test_what_a_server_sends_is_no_fault_of_the_program(
    serve: Serve, paginator: dict[str, Any], hostile: Answer
) -> None:
    def answer(asked: Asked) -> Answer:
        page = Answer({"items": [{"id": 1}]})
        if isinstance(hostile.body, dict):
            return Answer({**page.body, **hostile.body})
        if "link" in hostile.headers:
            return Answer(page.body, headers=hostile.headers)
        return hostile if asked.param("page", "1") == "2" else page

    resource = items(paginator=paginator)
    runs = Runs(settings_of(serve(answer), resource, attempts=1)).run()
    assert runs.rows.keys() == {"items/1"}
    assert [each.reason for each in runs.unread] == ["unavailable"]


@pytest.mark.parametrize("total", ["1e999", f"1{30 * '0'}", "-1", "0", '"?"', "NaN"])
@pytest.mark.parametrize(
    "paginator",
    [
        {"type": "page", "total_pages": "total"},
        {"type": "page", "size": 1, "total_records": "total"},
        {"type": "offset", "limit": 1, "total": "total"},
    ],
    ids=["pages", "records", "offset"],
)
def test_a_total_that_cannot_be_is_not_believed(
    serve: Serve, paginator: dict[str, Any], total: str
) -> None:
    def answer(asked: Asked) -> Answer:
        number = int(asked.param("offset", int(asked.param("page", "1")) - 1))
        rows = f'{{"id": {number}}}' if number < 3 else ""
        return Answer(f'{{"items": [{rows}], "total": {total}}}'.encode())

    resource = items(paginator=paginator)
    runs = Runs(settings_of(serve(answer), resource, attempts=1))
    if total == "NaN":  # no JSON
        assert runs.run().unread == [("rest-api", "unavailable")]
        return
    assert len(runs.run().rows) == 3
    assert not runs.unread


def test_a_body_may_call_for_another_attempt(serve: Serve) -> None:
    answers = iter(
        [
            Answer({"items": [], "errors": ["busy"]}),
            Answer({"items": [], "complete": False}),
            Answer({"fault": "of a proxy"}),
            Answer(b'{"items": [{"id": 1}'),
            Answer({"items": [{"id": 1}], "errors": [], "complete": True}),
        ]
    )
    server = serve(lambda asked: next(answers))
    rules = [{"path": "errors"}, {"path": "complete", "equals": False}]
    runs = Runs(settings_of(server, items(), retry_when=rules, attempts=5)).run()
    assert runs.read == ["items/1"]
    assert len(server.asked) == 5


def test_unchanged_pages_are_skipped_by_their_etags(serve: Serve) -> None:
    rows = {"1": [{"id": 1}], "2": [{"id": 2}]}

    def answer(asked: Asked) -> Answer:
        page = asked.param("page", "1")
        tag = f'"{len(str(rows[page]))}"'
        if asked.headers.get("if-none-match") == tag:
            return Answer(status=304)
        following = "/items?page=2" if page == "1" else None
        return Answer({"items": rows[page], "next": following}, headers={"etag": tag})

    server = serve(answer)
    paginator = {"type": "next_url", "path": "next"}
    runs = Runs(settings_of(server, items(paginator=paginator))).run()
    assert len(runs.read) == 2
    state = runs.state
    assert runs.run().read == []
    assert runs.state == state
    rows["2"].append({"id": 3})
    assert runs.run().read == ["items/2", "items/3"]
    assert len(server.asked) == 6
    assert len(runs.run(full_scan=True).read) == 3


def test_an_unchanged_page_is_read_again_for_other_columns(serve: Serve) -> None:
    """A rejected record is taken after its type is corrected."""

    def answer(asked: Asked) -> Answer:
        if asked.headers.get("if-none-match") == '"a"':
            return Answer(status=304)
        rows = [{"id": 1, "n": 1}, {"id": 2, "n": 1.5}]
        return Answer({"items": rows}, headers={"etag": '"a"'})

    server = serve(answer)
    wrong = items(columns={"id": "int64", "n": "int64"})
    runs = Runs(settings_of(server, wrong)).run()
    assert [each.source_key for each in runs.rejected] == ["items/2"]
    assert runs.run().read == []
    runs.settings["resources"] = [items(columns={"id": "int64", "n": "float64"})]
    assert runs.run().read == ["items/1", "items/2"]
    assert runs.run().read == []


def test_bounds_of_the_cursor(serve: Serve) -> None:
    """Start, look-back and end are sent; a time in the future moves no bound."""
    rows = [{"id": 1, "at": moment(60)}, {"id": 2, "at": "2999-01-01T00:00:00Z"}]
    server = serve(lambda asked: Answer({"items": rows}))
    cursor = {
        **BY_CURSOR,
        "start": "2020-01-01",
        "end_param": "until",
        "end_format": "date",
        "lookback": 3600,
    }
    runs = Runs(settings_of(server, items(cursor=cursor))).run()
    assert runs.state["items"]["since"] == moment(60)
    runs.run()
    first, second = server.asked
    assert first.param("since") == "2020-01-01"
    assert second.param("since") == "2024-05-01T00:00:00Z"
    assert first.param("until") == datetime.now(UTC).date().isoformat()


def test_nothing_is_before_the_first_year(serve: Serve) -> None:
    rows = [{"id": 1, "at": "0001-01-01T00:00:00Z"}]
    server = serve(lambda asked: Answer({"items": rows}))
    runs = Runs(settings_of(server, items(cursor={**BY_CURSOR, "lookback": 10}))).run()
    assert runs.run().read == ["items/1"]
    assert server.asked[1].param("since") == "0001-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("lookback", "read"),
    [(90, 90), ("2m", 120), ("PT2M", 120), ("1 day", 86_400), ("1w", 604_800)],
)
def test_a_look_back_is_seconds_or_a_duration(lookback: Any, read: int) -> None:
    cursor = CursorSettings(field="at", lookback=lookback)
    assert cursor.lookback == timedelta(seconds=read)


def test_a_look_back_that_is_no_duration_is_refused() -> None:
    with pytest.raises(ValidationError, match="give seconds, or a duration such as 2h"):
        CursorSettings.model_validate({"field": "at", "lookback": "soon"})


def test_numbers_are_cursors_too(serve: Serve) -> None:
    rows = [{"id": 1, "at": 999}, {"id": 2, "at": 1000}]
    server = serve(lambda asked: Answer({"items": rows}))
    runs = Runs(settings_of(server, items(cursor={**BY_CURSOR, "lookback": 10}))).run()
    runs.run()
    assert [asked.param("since") for asked in server.asked] == [None, "990"]


@pytest.mark.parametrize(
    ("cursors", "since"),
    [
        ([1_700_000_000, 99_999_999_999], 1_700_000_000),
        ([1_700_000_000.5, 4_000_000_000], 1_700_000_000.5),
        ([1_700_000_000_000, 99_999_999_999_999], 1_700_000_000_000),
        ([12, 99_999_999_999], 99_999_999_999),
        ([4_000_000_000, 4_000_000_001], 4_000_000_001),
        ([7 * 10**18, 7 * 10**18 + 1], 7 * 10**18 + 1),
    ],
)
def test_a_number_that_is_a_time_in_the_future_moves_no_bound(
    serve: Serve, cursors: list[float], since: float
) -> None:
    """Numbers of versions do, however large they are."""
    rows = [{"id": value, "at": value} for value in cursors]
    server = serve(lambda asked: Answer({"items": rows}))
    runs = Runs(settings_of(server, items(cursor=BY_CURSOR))).run()
    assert runs.state["items"]["since"] == since
    rows.pop(0)
    assert runs.run().state["items"]["since"] == since


def test_a_post_has_its_page_in_the_body(serve: Serve) -> None:
    def answer(asked: Asked) -> Answer:
        assert asked.method == "POST"
        more = b'"at":"x"' not in asked.body
        row = {"id": 1 if more else 2}
        return Answer({"items": [row], "next": "x" if more else None})

    server = serve(answer)
    resource = items(
        method="POST",
        body={"filter": {"a": 1}},
        paginator={"type": "cursor", "param": "at", "path": "next"},
    )
    runs = Runs(settings_of(server, resource)).run()
    assert runs.read == ["items/1", "items/2"]
    assert [asked.body for asked in server.asked] == [
        b'{"filter":{"a":1}}',
        b'{"filter":{"a":1},"at":"x"}',
    ]


def test_a_post_is_sent_to_no_other_server(serve: Serve) -> None:
    """Its body may hold secrets; a next page on the same server gets it."""
    other = serve(lambda asked: Answer({"items": [{"id": 3}]}))
    following = ["/more", f"{other.url}/items", None]

    def answer(asked: Asked) -> Answer:
        row = {"id": len(following)}
        return Answer({"items": [row], "next": following.pop(0)})

    paginator = {"type": "next_url", "path": "next"}
    resource = items(method="POST", body={"key": "secret"}, paginator=paginator)
    server = serve(answer)
    runs = Runs(settings_of(server, resource)).run()
    assert runs.read == ["items/3", "items/2"]
    assert runs.unread
    assert [asked.body for asked in server.asked] == [b'{"key":"secret"}'] * 2
    assert other.asked == []


@pytest.mark.parametrize(
    ("written", "decimal", "text"),
    [
        ("12345678901234567.12", "12345678901234567.12", "12345678901234567.12"),
        ("1.10", "1.10", "1.10"),
        ("1.00", "1.00", "1.00"),
        ("-1.5e1", "-15.00", "-15"),
        ("1e2", "100.00", "100"),
        ("1.00e-1", "0.10", "1.00e-1"),
        ('"1.10"', "1.10", "1.10"),
        ('"1.5e1"', "15.00", "1.5e1"),
        ("123456789012345678901234", "123456789012345678901234.00", None),
        ("1.999", None, None),
        ("1e-3", None, None),
        ('"1e999999999"', None, None),
        ('"?"', None, None),
    ],
)
def test_numbers_keep_their_digits(
    serve: Serve, written: str, decimal: str | None, text: str | None
) -> None:
    """In decimals, texts and JSON; one that would be rounded rejects its record."""
    one = f'{{"id": 1, "d": {written}, "t": {written}, "o": {{"x":[{written},1.10]}}}}'
    rows = [one, '{"id": 2, "d": 3, "t": "a 1.10", "o": {"a":1}}']
    server = serve(lambda asked: Answer(f'{{"items": [{", ".join(rows)}]}}'.encode()))
    columns = {"id": "int64", "d": "decimal(30,2)", "t": "string", "o": "string"}
    runs = Runs(settings_of(server, items(columns=columns))).run()
    assert runs.rows["items/2"] == {
        "id": 2,
        "d": Decimal("3.00"),
        "t": "a 1.10",
        "o": '{"a": 1}',
    }
    if decimal is None:
        assert [(each.source_key, each.field) for each in runs.rejected] == [
            ("items/1", "d")
        ]
        return
    row = runs.rows["items/1"]
    assert str(row["d"]) == decimal
    assert row["t"] == (text or written)
    assert row["o"] == f'{{"x": [{written}, 1.10]}}'


def test_values_of_other_types_are_rejected_and_not_lost(serve: Serve) -> None:
    """Numbers keep their digits, objects are texts; a rejected record is named by its key alone."""
    body = b"""{"items": [
        {"id": "a/b", "n": 1, "o": {"x": [1]}, "at": "2024-05-01T00:00:00Z"},
        {"id": "c", "n": "secret", "o": null, "at": "2024-05-01T00:00:00Z"},
        {"id": "d", "n": 2, "at": "secret"},
        {"n": 3, "at": null},
        5,
        {"id": "e", "n": null, "at": null, "new": 1}
    ]}"""
    server = serve(lambda asked: Answer(body))
    resource = items(
        primary_key=["id", "n2"],
        cursor={"field": "at"},
        columns={
            "id": "string",
            "n2": "string",
            "n": "int64",
            "o": "string",
            "d": "date",
        },
        sample=False,
    )
    runs = Runs(settings_of(server, resource)).run()
    assert runs.rows == {}
    resource["primary_key"] = ["id"]
    resource["columns"].pop("n2")
    runs = Runs(settings_of(server, resource)).run()
    for row in runs.rows.values():  # fields without a column, for the validator
        assert (row.pop("at") is None) == (row.pop("new") == "1")
    assert runs.rows == {
        "items/a/b": {"id": "a/b", "n": 1, "o": '{"x": [1]}', "d": None},
        "items/e": {"id": "e", "n": None, "o": None, "d": None},
    }
    found = {(each.source_key, each.error_type, each.field) for each in runs.rejected}
    assert {("items/c", "wrong_type", "n"), ("items/d", "wrong_type", "at")} < found
    assert {each[1:] for each in found} >= {("missing", "id"), ("json_invalid", None)}
    assert "secret" not in str(runs.rejected)


def test_refused_credentials_stop_everything(serve: Serve) -> None:
    server = serve(lambda asked: Answer(status=401))
    auth = {"type": "bearer", "token": "secret-1"}
    with pytest.raises(AccessDenied) as raised:
        Runs(settings_of(server, items(), auth=auth)).run()
    assert "secret" not in str(raised.value)
    auth = {"type": "bearer", "token": "line\nbreak"}
    with pytest.raises(SettingsError, match="auth: token: the secret holds characters"):
        Runs(settings_of(server, items(), auth=auth)).run()


def test_a_deadline_stops_between_pages(serve: Serve) -> None:
    """A split has a number of pages; the next one begins where it ended."""
    server = serve(
        lambda asked: Answer(
            {"items": [{"id": int(asked.param("at", "0"))}], "next": following(asked)}
        )
    )

    def following(asked: Asked) -> str | None:
        number = int(asked.param("at", "0")) + 1
        return f"{number:010}" if number < 6 else None

    paginator = {"type": "cursor", "param": "at", "path": "next"}
    runs = Runs(
        settings_of(server, items(paginator=paginator), batch_records=1, split_pages=2)
    ).run()
    assert len(runs.rows) == len(runs.read) == 6
    assert "next" not in runs.state["items"]


def test_a_reading_that_cannot_be_continued_is_not_split(serve: Serve) -> None:
    """A split would begin at the first page, as the one before it, for ever."""
    table = Table(7)
    server = serve(table)
    resource = items(paginator={"type": "page", "size": 2})
    runs = Runs(settings_of(server, resource, batch_records=1, split_pages=2)).run()
    assert len(runs.rows) == len(runs.read) == 7
    assert len(server.asked) == 5


def test_few_records_are_handed_on_after_some_time(serve: Serve) -> None:
    """The deadline of a run is looked at between batches."""
    settings = settings_of(serve(lambda asked: Answer([])), items())
    resource = resources_of(RestApiSettings.model_validate(settings), "x")["items"]
    for seconds, handed_on in ((0.0, 1), (60.0, 0)):
        buffers = Buffers(1_000, {}, seconds=seconds)
        assert len(list(buffers.add(resource, [b'{"id": 1}']))) == handed_on
        assert buffers.full == (seconds == 0)


def test_a_storm_of_faults_loses_and_doubles_nothing(serve: Serve) -> None:
    """Limits, cuts and tokens that expire all the time, while pages of children come at once."""
    tokens = 0
    lock, numbers = threading.Lock(), iter(range(10_000))

    def answer(asked: Asked) -> Answer:
        nonlocal tokens
        with lock:
            number = next(numbers)
            if asked.path == "/token":
                tokens += 1
                return Answer({"access_token": f"t{tokens}", "expires_in": 3600})
            if number % 9 == 5:
                return Answer(status=429, headers={"retry-after": "0"})
            if number % 11 == 7:
                return Answer({"items": []}, cut=70)
            if number % 17 == 16:
                tokens += 1  # the token in use is void from now on
            if asked.headers["authorization"] != f"Bearer t{tokens}":
                return Answer(status=401)
        if asked.path == "/items":
            return Answer({"items": [{"id": each} for each in range(40)]})
        return Answer([{"id": int(asked.path.split("/")[2])}])

    server = serve(answer)
    child = {"name": "notes", "path": "/items/{items.id}/notes", "primary_key": ["id"]}
    auth = {
        "type": "oauth2",
        "token_url": f"{server.url}/token",
        "client_id": "id",
        "client_secret": "secret",
    }
    settings = settings_of(server, items(), child, auth=auth, parallelism=4)
    runs = Runs({**settings, "attempts": 20}).run()
    assert sorted(runs.read) == sorted(
        f"{name}/{number}" for name in ("items", "notes") for number in range(40)
    )
    assert not runs.unread
    assert tokens > 3


def test_permissions_are_those_of_the_secrets() -> None:
    settings = {"base_url": "https://x", "resources": [items()]}
    auth = {
        "type": "oauth2",
        "token_url": "https://x/token",
        "client_id": "secret:env:ID",
        "client_secret": "secret:ssm:/api/secret",
    }
    given = RestApiSettings.model_validate({**settings, "auth": auth})
    (permission,) = RestApi.aws_permissions(given)
    assert permission.actions == ("ssm:GetParameter",)
    assert permission.resource == "arn:aws:ssm:*:*:parameter/api/secret"
    assert not RestApi.aws_permissions(RestApiSettings.model_validate(settings))


def test_the_state_of_other_settings_is_not_used(serve: Serve) -> None:
    rows = [{"id": 1, "at": moment(1)}]
    server = serve(lambda asked: Answer({"items": rows}))
    runs = Runs(settings_of(server, items(cursor=BY_CURSOR))).run()
    runs.settings["resources"] = [items(cursor=BY_CURSOR, params={"kind": "new"})]
    runs.run()
    assert [asked.target for asked in server.asked] == ["/items", "/items?kind=new"]
