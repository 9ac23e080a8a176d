"""Every way from page to page: all records once, each page once, and what goes wrong."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from pydantic import ValidationError

from reporting_framework import SettingsError
from reporting_rest.paginators import PageView, Paginator
from reporting_rest.settings import RestApiSettings
from tests.plugins.rest.reading import Runs, items, settings_of
from tests.plugins.rest.server import Answer, Asked, Handler, Server, serving

RECORDS = [{"id": number, "note": f"n{number}"} for number in range(23)]
SIZE = 5


@pytest.fixture
def serve() -> Iterator[Callable[[Handler], Server]]:
    with ExitStack() as stack:
        yield lambda handler: stack.enter_context(serving(handler))


class Letters(Paginator):
    """A paginator of someone's own: pages are called a, b, c."""

    def params(self, token: Any) -> dict[str, Any]:
        return {"part": token or "a"}

    def next_token(self, page: PageView, token: Any) -> Any:
        return chr(ord(token or "a") + 1) if page.records == SIZE else None


def page(asked: Asked, form: str) -> Answer:
    """A page in the form of each kind of API."""
    if form == "offset":
        at = int(asked.param("offset", "0"))
        return Answer({"items": RECORDS[at : at + int(asked.param("limit"))]})
    if form == "letters":
        number = ord(asked.param("part")) - ord("a")
    elif form == "last":
        number = int(asked.param("starting_after", "-1")) // SIZE + 1
    else:
        number = int(asked.param("page", "0"))
    rows = RECORDS[number * SIZE : (number + 1) * SIZE]
    rest = len(RECORDS) > (number + 1) * SIZE
    url = f"/items?page={number + 1}"
    body: dict[str, Any] = {"items": rows, "pages": 5, "total": len(RECORDS)}
    headers = {}
    if form == "link":
        headers["link"] = '</items?page=0>; rel="first"' + (
            f', <{url}>; title="a, b"; rel="next"' if rest else ""
        )
    elif form == "url":
        body["links"] = {"next": url if rest else None}
    elif form == "cursor":
        body["meta"] = {"after": f"{number + 1}" if rest else ""}
    elif form == "header":
        headers["x-next-page"] = f"{number + 1}" if rest else ""
    elif form == "last":
        body["has_more"] = rest
    elif form == "list":
        return Answer(rows, headers=headers)
    return Answer(body, headers=headers)


@pytest.mark.parametrize(
    ("form", "paginator", "requests"),
    [
        ("link", {"type": "link_header"}, 5),
        ("url", {"type": "next_url", "path": "links.next"}, 5),
        ("cursor", {"type": "cursor", "param": "page", "path": "meta.after"}, 5),
        ("header", {"type": "cursor", "param": "page", "header": "X-Next-Page"}, 5),
        (
            "last",
            {
                "type": "cursor",
                "param": "starting_after",
                "record_field": "id",
                "more": "has_more",
            },
            5,
        ),
        ("page", {"type": "page", "start": 0, "size": SIZE}, 6),
        ("page", {"type": "page", "start": 0, "total_pages": "pages"}, 5),
        ("page", {"type": "page", "start": 0, "size": 5, "total_records": "total"}, 5),
        ("offset", {"type": "offset", "limit": SIZE}, 7),
        (
            "letters",
            {"type": "import", "paginator": f"{__name__}:Letters"},
            5,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_all_records_come_once(
    serve: Callable[[Handler], Server],
    form: str,
    paginator: dict[str, Any],
    requests: int,
) -> None:
    server = serve(lambda asked: page(asked, form))
    runs = Runs(settings_of(server, items(paginator=paginator), parallelism=3)).run()
    assert list(runs.rows.values()) == RECORDS
    assert sorted(runs.read) == sorted(f"items/{row['id']}" for row in RECORDS)
    targets = [asked.target for asked in server.asked]
    assert len(targets) == len(set(targets)) == requests


@pytest.mark.parametrize("most", [1, 2, 3, 1_000])
@pytest.mark.parametrize(
    "paginator",
    [
        {"type": "page", "size": SIZE},
        {"type": "page", "size": SIZE, "total_records": "total"},
        {"type": "offset", "limit": SIZE},
        {"type": "offset", "limit": SIZE, "total": "total"},
    ],
    ids=str,
)
def test_a_server_may_give_less_or_more_than_it_is_asked_for(
    serve: Callable[[Handler], Server], most: int, paginator: dict[str, Any]
) -> None:
    """The size of pages is that of the server, also for children and pages with ETags."""

    def answer(asked: Asked) -> Answer:
        at = int(asked.param("offset", most * (int(asked.param("page", "1")) - 1)))
        body = {"items": RECORDS[at : at + most], "total": len(RECORDS)}
        if asked.headers.get("if-none-match") == f'"{at}"':
            return Answer(status=304)
        return Answer(body, headers={"etag": f'"{at}"'})

    server = serve(answer)
    resource = items(paginator=paginator)
    runs = Runs(settings_of(server, resource, parallelism=3)).run()
    assert list(runs.rows.values()) == RECORDS
    pages = len(server.take())
    assert runs.run().read == []
    assert len(server.asked) == pages
    parent = {"name": "lists", "path": "/lists", "primary_key": ["total"]}
    runs = Runs(settings_of(server, parent, {**resource, "path": "/{lists.total}"}))
    assert len(runs.run().rows) == len(RECORDS) + 1


@pytest.mark.parametrize("tags", [False, True], ids=["plain", "with ETags"])
@pytest.mark.parametrize(
    "sizes",
    [[5, 4, 4, 4, 4, 4], [1, 5, 5, 5, 5, 4], [9, 1, 1, 1, 13], [4, 4, 5, 4, 4, 4]],
    ids=str,
)
@pytest.mark.parametrize(
    "paginator",
    [
        {"type": "page", "size": 4, "size_param": "n", "total_records": "total"},
        {"type": "offset", "limit": 4, "total": "total"},
    ],
    ids=lambda value: value["type"],
)
def test_a_total_counts_also_if_pages_have_different_sizes(
    serve: Callable[[Handler], Server],
    paginator: dict[str, Any],
    sizes: list[int],
    tags: bool,
) -> None:
    """A pinned record, or a filter behind the limit, makes pages of other sizes."""
    table = [{"id": number, "value": 0} for number in range(sum(sizes))]

    def answer(asked: Asked) -> Answer:
        offset = asked.param("offset")
        if offset is None:
            page = int(asked.param("page", "1")) - 1
            begin, size = sum(sizes[:page]), sizes[page] if page < len(sizes) else 0
        else:
            begin = int(offset)
            size = sizes[begin % len(sizes)]
        body = {"items": table[begin : begin + size], "total": len(table)}
        tag = f'"{hash(str(body))}"'
        if not tags:
            return Answer(body)
        if asked.headers.get("if-none-match") == tag:
            return Answer(status=304)
        return Answer(body, headers={"etag": tag})

    runs = Runs(settings_of(serve(answer), items(paginator=paginator), parallelism=3))
    for changed in (None, 0, sum(sizes) - 1):
        if changed is not None:
            table[changed]["value"] += 1
        rows = runs.run().rows.values()
        assert sorted(rows, key=lambda row: row["id"]) == table
        assert not runs.unread


@pytest.mark.parametrize(
    "paginator",
    [
        {"type": "page", "size": 2, "total_records": "total"},
        {"type": "page", "size": 2},
        {"type": "offset", "limit": 2, "total": "total"},
        {"type": "offset", "limit": 2},
    ],
    ids=str,
)
def test_records_in_lists_of_items_are_not_what_pages_count(
    serve: Callable[[Handler], Server], paginator: dict[str, Any]
) -> None:
    """Sizes, offsets and totals are those of the items, some of which have no record."""
    counts = [0, 0, 3, 1, 0, 5, 2]
    groups: list[dict[str, Any]] = []
    for count in counts:
        begin = sum(len(group["parts"]) for group in groups)
        groups.append({"parts": [{"id": begin + at} for at in range(count)]})

    def answer(asked: Asked) -> Answer:
        at = int(asked.param("offset", 2 * (int(asked.param("page", "1")) - 1)))
        return Answer({"data": groups[at : at + 2], "total": len(groups)})

    resource = items(records="data[*].parts[*]", paginator=paginator)
    runs = Runs(settings_of(serve(answer), resource, parallelism=3)).run()
    assert list(runs.rows) == [f"items/{number}" for number in range(sum(counts))]
    assert not runs.unread


@pytest.mark.parametrize("last", ["missing", "again", "empty"])
def test_a_short_page_is_the_last_if_none_follows(
    serve: Callable[[Handler], Server], last: str
) -> None:
    """The server has no further page, or gives the last one again with another time."""

    def answer(asked: Asked) -> Answer:
        number = int(asked.param("page"))
        if number == 3 and last != "again":
            return Answer(status=404) if last == "missing" else Answer({"items": []})
        rows = RECORDS[:5] if number == 1 else RECORDS[5:8]
        return Answer({"items": [{**row, "now": number} for row in rows]})

    server = serve(answer)
    paginator = {"type": "page", "size": SIZE}
    runs = Runs(settings_of(server, items(paginator=paginator))).run()
    assert [row["id"] for row in runs.rows.values()] == list(range(8))
    assert (len(server.asked), runs.unread) == (3, [])


@pytest.mark.parametrize(
    ("records", "body", "found"),
    [
        ("$", [{"id": 1}, {"id": 2}], 2),
        ("$", {"id": 1}, 1),
        ("data.items", {"data": {"items": [{"id": 1}]}}, 1),
        ("$.data.edges[*].node", {"data": {"edges": [{"node": {"id": 1}}] * 1}}, 1),
        ("groups[*].rows", {"groups": [{"rows": [{"id": 1}]}, {"rows": []}]}, 1),
        ("items", {"items": None}, 0),
        ("edges[*].node", {"edges": []}, 0),
    ],
)
def test_paths_of_records(
    serve: Callable[[Handler], Server], records: str, body: Any, found: int
) -> None:
    server = serve(lambda asked: Answer(body))
    assert len(Runs(settings_of(server, items(records=records))).run().rows) == found


def test_a_page_without_end_is_noticed(
    serve: Callable[[Handler], Server], caplog: pytest.LogCaptureFixture
) -> None:
    """A server that ignores the parameter, one that says the same cursor again, and a child that does."""
    same = {"items": [{"id": 1}], "after": "x"}
    server = serve(lambda asked: Answer(same))
    runs = Runs(settings_of(server, items(paginator={"type": "page", "size": 1})))
    assert runs.run().unread
    assert not runs.state
    assert "/items: the server repeats a page, 3 attempts" in caplog.text
    others = iter(range(100))
    server = serve(lambda asked: Answer({**same, "items": [{"id": next(others)}]}))
    paginator = {"type": "cursor", "param": "at", "path": "after"}
    resource = items(paginator=paginator)
    assert Runs(settings_of(server, resource)).run().unread
    assert "items: the server repeats a page without end" in caplog.text
    assert len(server.asked) == 2
    child = {**items(paginator=paginator), "name": "child", "path": "/{items.id}"}
    assert Runs(settings_of(server, items(), child)).run().unread
    assert "child: the server repeats a page without end" in caplog.text


def test_pages_that_come_again_end_a_reading(
    serve: Callable[[Handler], Server], caplog: pytest.LogCaptureFixture
) -> None:
    """Pages that differ in a field alone, two that alternate, one for each row of a parent, and empty ones."""
    asked_for = iter(range(1_000_000))

    def answer(asked: Asked) -> Answer:
        kind, number = asked.path.rpartition("/")[2], int(asked.param("page", "1"))
        rows = {"alternate": RECORDS[number % 2 :][:1], "empty": []}
        given = rows.get(kind, RECORDS[:1])
        if kind == "differ":
            given = [{**given[0], "now": next(asked_for)}]
        return Answer({"items": given, "pages": 10**6, "next": f"?page={number + 1}"})

    server = serve(answer)
    by_number, by_url = {"type": "page"}, {"type": "next_url", "path": "next"}
    known = {"type": "page", "total_pages": "pages"}
    for kind, paginator, most in (
        ("differ", by_number, 6),
        ("alternate", by_number, 7),
        ("alternate", by_url, 7),
        ("empty", by_url, 1_002),
        ("empty", known, 1_200),
    ):
        child = items(name="child", path=f"/{{items.id}}/{kind}", paginator=paginator)
        root = items(path=f"/{kind}", paginator=paginator)
        for resources in ([root], [items(), child]):
            if resources[0] is not root and "empty" in kind:
                continue
            settings = settings_of(server, *resources, attempts=1)
            assert Runs(settings).run().unread
            assert len(server.take()) <= most
            named = f"resource {resources[-1]['name']}: "
            assert f"{named}the server repeats pages without end" in caplog.text or (
                f"{named}1,000 pages in a row have no records" in caplog.text
            )
            caplog.clear()
    child = items(name="child", path="/{items.id}/same", paginator=by_number)
    assert Runs(settings_of(server, items(), child)).run().unread
    assert "/{items.id}/same: the server repeats a page, 3 attempts" in caplog.text


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"paginator": {"type": "cursor", "param": "x"}}, "give one of path, header"),
        ({"paginator": {"type": "page", "size_param": "n"}}, "size_param and total_"),
        ({"records": "a..b"}, "not a path; use"),
        ({"columns": {"id": "number"}}, "must be one of string, int32"),
        ({"path": "/{others.id}"}, "refers to others, which is not before it"),
        ({"path": "https://x/"}, "path is relative to base_url"),
        ({"include": {"a": "b"}}, "must be RESOURCE.FIELD"),
        ({"params": {"key": "secret:env:KEY"}}, "a reference to a secret is not for"),
        (
            {"method": "POST", "body": {"a": [{"b": "secret:env:KEY"}]}},
            "a reference to a secret is not for",
        ),
        ({"sample": False}, "sample = false needs columns"),
        ({"body": {"a": 1}}, "body needs method"),
        ({"primary_key": []}, "at least 1 item"),
    ],
)
def test_settings_that_contradict_are_refused(
    changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        RestApiSettings.model_validate(
            {"base_url": "https://x", "resources": [items(**changed)]}
        )


def test_a_header_holds_no_reference_to_a_secret() -> None:
    with pytest.raises(ValidationError, match="secret is not for headers; use auth"):
        RestApiSettings.model_validate(
            {
                "base_url": "https://x",
                "headers": {"x-key": "secret:env:KEY"},
                "resources": [items()],
            }
        )


@pytest.mark.parametrize(("last", "read"), [(0, 2), (None, 1), ("", 1), (False, 1)])
def test_zero_is_a_cursor_as_any_other(
    serve: Callable[[Handler], Server], last: Any, read: int
) -> None:
    def answer(asked: Asked) -> Answer:
        if asked.param("at") is None:
            return Answer({"items": [{"id": 1}], "next": last})
        assert asked.param("at") == "0"
        return Answer({"items": [{"id": 2}]})

    paginator = {"type": "cursor", "param": "at", "path": "next"}
    runs = Runs(settings_of(serve(answer), items(paginator=paginator))).run()
    assert len(runs.read) == read


def test_a_paginator_that_cannot_be_imported_is_a_wrong_setting(
    serve: Callable[[Handler], Server],
) -> None:
    server = serve(lambda asked: Answer([]))
    for name in ("no.module:Name", f"{__name__}:SIZE", f"{__name__}:page"):
        paginator = {"type": "import", "paginator": name}
        with pytest.raises(SettingsError, match="resource items: paginator: "):
            Runs(settings_of(server, items(paginator=paginator))).run()
