"""Three public APIs, rebuilt from their documentation: pages, increments, limits and errors as they publish them."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.plugins.rest.reading import Runs, settings_of
from tests.plugins.rest.server import Answer, Asked, Server, serving


@contextmanager
def api(answer: Any) -> Iterator[Server]:
    with serving(answer) as server:
        yield server


class GitHub:
    """Issues and their comments.

    https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """

    def __init__(self) -> None:
        self.issues = [self.issue(number, f"2024-05-0{number}") for number in (1, 2, 3)]
        self.limited = 1
        self.server: Server

    def issue(self, number: int, day: str) -> dict[str, Any]:
        return {
            "id": 1000 + number,
            "number": number,
            "title": f"issue {number}",
            "user": {"login": "octocat"},
            "labels": [],
            "updated_at": f"{day}T00:00:00Z",
        }

    def __call__(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != "Bearer ghp_secret":
            return Answer({"message": "Bad credentials", "status": "401"}, status=401)
        limits = {
            "x-ratelimit-limit": "5000",
            "x-ratelimit-remaining": "0",
            "x-ratelimit-reset": str(int(time.time())),
        }
        if self.limited and asked.param("page") == "2":
            self.limited -= 1
            body = {"message": "API rate limit exceeded for user ID 1."}
            return Answer(body, status=403, headers=limits)
        if asked.path.endswith("/comments"):
            number = int(asked.path.split("/")[-2])
            return Answer([{"id": number * 10, "body": f"on {number}"}])
        assert asked.param("state") == "all"
        since = asked.param("since", "")
        found = sorted(
            (each for each in self.issues if each["updated_at"] >= since),
            key=lambda each: each["updated_at"],
        )
        page = int(asked.param("page", "1"))
        rows, rest = found[2 * page - 2 : 2 * page], found[2 * page :]
        url = f"{self.server.url}{asked.path}?{asked.target.partition('?')[2]}"
        link = f'<{url}&page={page + 1}>; rel="next", <{url}&page=9>; rel="last"'
        tag = f'W/"{hash(json.dumps(rows))}"'
        if asked.headers.get("if-none-match") == tag:
            return Answer(status=304)
        return Answer(rows, headers={"etag": tag, **({"link": link} if rest else {})})


def test_github() -> None:
    github = GitHub()
    with api(github) as server:
        github.server = server
        settings = settings_of(
            server,
            {
                "name": "issues",
                "path": "/repos/a/b/issues",
                "params": {"state": "all", "sort": "updated", "direction": "asc"},
                "primary_key": ["id"],
                "cursor": {"field": "updated_at", "param": "since", "ordered": True},
                "paginator": {"type": "link_header"},
            },
            {
                "name": "comments",
                "path": "/repos/a/b/issues/{issues.number}/comments",
                "primary_key": ["id"],
                "include": {"issue": "issues.number"},
            },
            auth={"type": "bearer", "token": "ghp_secret"},
            headers={"X-GitHub-Api-Version": "2022-11-28"},
        )
        runs = Runs(settings).run()
        assert len(runs.read) == 6
        assert runs.rows["comments/20"] == {"issue": 2, "id": 20, "body": "on 2"}
        assert runs.rows["issues/1001"]["user"] == '{"login": "octocat"}'
        assert sum(asked.path.endswith("issues") for asked in server.asked) == 3
        assert runs.run().read == ["issues/1003", "comments/30"]
        server.take()
        assert runs.run().read == []  # 304: no comment was asked for
        assert [asked.param("since") for asked in server.take()] == [
            "2024-05-03T00:00:00Z"
        ]
        github.issues[0] = github.issue(1, "2024-05-09")
        runs.run()
        assert runs.rows["issues/1001"]["updated_at"] == "2024-05-09T00:00:00Z"


class Stripe:
    """Charges, newest first.

    https://docs.stripe.com/api/pagination https://docs.stripe.com/api/errors
    """

    def __init__(self) -> None:
        self.charges = [
            {
                "id": f"ch_{number}",
                "object": "charge",
                "created": 1_700_000_000 + number,
            }
            for number in range(7)
        ]
        self.storms = 2

    def __call__(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != "Basic c2tfdGVzdF9zZWNyZXQ6":
            error = {"type": "invalid_request_error", "message": "Invalid API Key"}
            return Answer({"error": error}, status=401)
        if self.storms:
            self.storms -= 1
            error = {"type": "invalid_request_error", "code": "rate_limit"}
            return Answer({"error": error}, status=429)
        least = int(asked.param("created[gte]", "0"))
        rows = [each for each in self.charges[::-1] if each["created"] >= least]
        if (after := asked.param("starting_after")) is not None:
            rows = rows[[each["id"] for each in rows].index(after) + 1 :]
        limit = int(asked.param("limit"))
        more = len(rows) > limit
        body = {"object": "list", "url": "/v1/charges", "has_more": more}
        return Answer({**body, "data": rows[:limit]})


def test_stripe() -> None:
    stripe = Stripe()
    with api(stripe) as server:
        settings = settings_of(
            server,
            {
                "name": "charges",
                "path": "/v1/charges",
                "params": {"limit": 3},
                "records": "data",
                "primary_key": ["id"],
                "cursor": {"field": "created", "param": "created[gte]"},
                "paginator": {
                    "type": "cursor",
                    "param": "starting_after",
                    "record_field": "id",
                    "more": "has_more",
                },
            },
            auth={"type": "basic", "username": "sk_test_secret", "password": ""},
        )
        runs = Runs(settings).run()
        assert len(runs.read) == len(runs.rows) == 7
        assert len(server.take()) == 2 + 3
        stripe.charges.append(
            {"id": "ch_new", "object": "charge", "created": 1_700_000_099}
        )
        assert runs.run().read == ["charges/ch_new", "charges/ch_6"]


class Notion:
    """Rows of a data source, asked for by POST.

    https://developers.notion.com/reference/intro#pagination
    https://developers.notion.com/reference/request-limits
    """

    def __init__(self) -> None:
        self.pages = [
            {
                "object": "page",
                "id": f"{number:08}-0000-4000-8000-000000000000",
                "last_edited_time": f"2024-05-01T00:0{number}:00.000Z",
                "properties": {"Name": {"title": [{"plain_text": f"page {number}"}]}},
            }
            for number in range(5)
        ]
        self.busy = True

    def __call__(self, asked: Asked) -> Answer:
        given = json.loads(asked.body)
        assert asked.headers["notion-version"] == "2025-09-03"
        assert given["page_size"] == 2
        if self.busy and "start_cursor" in given:
            self.busy = False
            body = {"object": "error", "status": 429, "code": "rate_limited"}
            return Answer(body, status=429, headers={"retry-after": "0"})
        ids = [page["id"] for page in self.pages]
        at = ids.index(given["start_cursor"]) if "start_cursor" in given else 0
        rest = ids[at + 2 :]
        return Answer(
            {
                "object": "list",
                "results": self.pages[at : at + 2],
                "next_cursor": rest[0] if rest else None,
                "has_more": bool(rest),
            }
        )


def test_notion() -> None:
    with api(Notion()) as server:
        settings = settings_of(
            server,
            {
                "name": "tasks",
                "path": "/v1/data_sources/d1/query",
                "method": "POST",
                "body": {"page_size": 2},
                "records": "results",
                "primary_key": ["id"],
                "cursor": {"field": "last_edited_time"},
                "paginator": {
                    "type": "cursor",
                    "param": "start_cursor",
                    "path": "next_cursor",
                    "more": "has_more",
                },
            },
            auth={"type": "bearer", "token": "ntn_secret"},
            headers={"Notion-Version": "2025-09-03"},
        )
        runs = Runs(settings).run()
        assert len(runs.read) == len(runs.rows) == 5
        assert len(server.asked) == 4
        first = next(iter(runs.rows.values()))
        assert json.loads(first["properties"])["Name"]["title"]
