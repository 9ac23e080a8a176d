"""HTTP server of a project, which answers as REDCap's API does."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from typing_extensions import override

from reporting_redcap.testing.exports import (
    BadRequest,
    Params,
    grouped,
    record_table,
    report_table,
    text,
)
from reporting_redcap.testing.project import Project

HOST = "127.0.0.1"
TOKEN = "0123456789ABCDEF0123456789ABCDEF"  # noqa: S105 - of the loopback server
NO_RIGHTS = "You do not have permissions to use the API"

_TYPES = {"json": "application/json", "csv": "text/csv", "xml": "text/xml"}


class Answer(NamedTuple):
    """Response of the server.

    Attributes:
        status: Status code.
        body: Body.
        media_type: Media type.
        headers: Further headers.
        cut: Bytes after which the connection is cut, `None`: not at all.
    """

    status: int
    body: bytes
    media_type: str = "application/json"
    headers: Sequence[tuple[str, str]] = ()
    cut: int | None = None


Fault = Callable[[Params, Answer], Answer | None]
"""Function that may return another answer to a request."""


@dataclass
class RedcapServer:
    """Server of one project.

    Attributes:
        project: The project.
        token: Token that has all rights.
        zone: Time zone of the server, in which ``dateRangeBegin`` is.
        clock: Function that returns the time of the ``Date`` header (aware).
        faults: Faults by the next requests; the first that returns an answer counts.
        requests: Parameters of all requests with a valid token, without the token.
        port: Port that the server listens to.
    """

    project: Project = field(repr=False)
    token: str = TOKEN
    zone: tzinfo = UTC
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    faults: list[Fault] = field(default_factory=list)
    requests: list[Params] = field(default_factory=list, repr=False)
    port: int = 0

    @property
    def url(self) -> str:
        """URL of the API."""
        return f"http://{HOST}:{self.port}/redcap/api/"

    def answer(self, pairs: Sequence[tuple[str, str]]) -> Answer:
        """Return the answer to the parameters of a request."""
        params = grouped(pairs)
        form = text(params, "format", "xml")
        errors = text(params, "returnFormat", form)
        token = params.pop("token", [""])
        if token != [self.token]:
            return _failed(403, NO_RIGHTS, errors)
        self.requests.append(params)
        try:
            answer = self._export(params, form)
        except BadRequest as error:
            answer = _failed(400, str(error), errors)
        for fault in list(self.faults):
            if (other := fault(params, answer)) is not None:
                return other
        return answer

    def _export(self, params: Params, form: str) -> Answer:
        """Return an export.

        Raises:
            BadRequest: A parameter is not valid.
        """
        content, project = text(params, "content"), self.project
        if form not in _TYPES:
            raise BadRequest("The format that was specified is not valid")
        if content == "record":
            return self.table(*record_table(project, params, self.zone), form)
        if content == "report":
            return self.table(*report_table(project, params), form)
        if content == "metadata":
            rows = [list(row.values()) for row in self._fields(params)]
            return self.table(list(project.dictionary[0]), iter(rows), form)
        if content == "exportFieldNames":
            names = [
                [of, name.partition("___")[2], name]
                for name, of in project.export_names()
            ]
            columns = ["original_field_name", "choice_value", "export_field_name"]
            return self.table(columns, iter(names), form)
        if content == "project":
            return Answer(200, json.dumps(self._info()).encode())
        if content == "version":
            return Answer(200, b"14.5.5", "text/html; charset=utf-8")
        raise BadRequest('The value of the parameter "content" is not valid')

    def table(self, columns: list[str], rows: Iterator[list[str]], form: str) -> Answer:
        """Return rows in a format."""
        if form == "json":
            dicts = [dict(zip(columns, row, strict=True)) for row in rows]
            for each in dicts:
                if (instance := each.get("redcap_repeat_instance")) not in ("", None):
                    each["redcap_repeat_instance"] = int(instance)  # type: ignore[assignment]  # as REDCap
            body = json.dumps(dicts, separators=(",", ":"), ensure_ascii=False)
        elif form == "csv":
            target = io.StringIO()
            writer = csv.writer(target, lineterminator="\n")
            for at, row in enumerate(rows):
                if not at:
                    writer.writerow(columns)
                writer.writerow(row)
            body = target.getvalue() or "\n"
        else:
            body = '<?xml version="1.0" encoding="UTF-8" ?><records>'
            for row in rows:
                body += "<item>"
                for name, value in zip(columns, row, strict=True):
                    body += f"<{name}><![CDATA[{value}]]></{name}>"
                body += "</item>"
            body += "</records>"
        return Answer(200, body.encode(), f"{_TYPES[form]}; charset=utf-8")

    def _fields(self, params: Params) -> list[dict[str, str]]:
        wanted = set(params.get("fields") or ())
        return [
            row
            for row in self.project.dictionary
            if not wanted or row["field_name"] in wanted
        ]

    def _info(self) -> dict[str, Any]:
        codes = self.project.missing_codes.items()
        return {
            "project_id": 16,
            "project_title": "Loopback",
            "creation_time": "2026-01-01 00:00:00",
            "in_production": 0,
            "project_language": "English",
            "is_longitudinal": int(bool(self.project.events)),
            "has_repeating_instruments_or_events": int(self.project.repeating),
            "surveys_enabled": 0,
            "record_autonumbering_enabled": 1,
            "missing_data_codes": " | ".join(f"{code}, {name}" for code, name in codes),
        }


def _failed(status: int, message: str, form: str) -> Answer:
    """Return an error in the format that the request asked for."""
    if form == "json":
        body = json.dumps({"error": message})
    elif form == "csv":
        body = f"ERROR: {message}"
    else:
        body = (
            '<?xml version="1.0" encoding="UTF-8" ?>'
            f"<hash><error>{escape(message)}</error></hash>"
        )
    return Answer(status, body.encode(), _TYPES.get(form, "text/xml"))


@contextmanager
def serving(project: Project, **options: Any) -> Iterator[RedcapServer]:
    """Serve a project on a free port of loopback.

    Args:
        project: The project.
        **options: Attributes of the `RedcapServer`.
    """
    with serving_on(RedcapServer(project, **options)) as server:
        yield server


@contextmanager
def serving_on(server: RedcapServer) -> Iterator[RedcapServer]:
    """Serve with a server object on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(size).decode()
            pairs = parse_qsl(body, keep_blank_values=True)
            self._send(server.answer(pairs))

        def do_GET(self) -> None:
            message = "The requested method is not implemented."
            self._send(_failed(501, message, "xml"))

        def _send(self, answer: Answer) -> None:
            self.send_response_only(answer.status)
            self.send_header("Date", format_datetime(server.clock(), usegmt=True))
            self.send_header("Content-Type", answer.media_type)
            self.send_header("Content-Length", str(len(answer.body)))
            for name, value in answer.headers:
                self.send_header(name, value)
            with suppress(ConnectionError):  # a client may have left
                self.end_headers()
                self.wfile.write(answer.body[: answer.cut])
            if answer.cut is not None:
                self.close_connection = True

        @override
        def log_message(self, format: str, *args: Any) -> None:
            """Print nothing."""

    http = ThreadingHTTPServer((HOST, 0), Handler)
    http.daemon_threads = True
    server.port = http.server_port
    thread = threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
