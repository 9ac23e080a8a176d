"""REDCap server with a large project: `redcap_server.py RECORDS FIELDS SECONDS`.

Prints its URL and token, and ends with its standard input. Each answer about records
takes SECONDS, as a server needs its time, too. Records are kept as lines of CSV.
"""

import sys
import time
from collections.abc import Sequence

from reporting_redcap.testing import Project, RedcapServer, field
from reporting_redcap.testing.exports import Params, grouped, text
from reporting_redcap.testing.server import Answer, serving_on

KINDS: Sequence[tuple[dict[str, str], str]] = (
    ({"validation": "integer"}, "{at}"),
    ({"validation": "number"}, "{at}.25"),
    ({"validation": "date_mdy"}, "2026-01-{day:02}"),
    ({"kind": "radio", "choices": "0, No | 1, Yes | 2, Unknown"}, "{code}"),
    ({}, "text {at}"),
    ({"kind": "notes"}, ""),
)


class LargeServer(RedcapServer):
    """Server that joins lines."""

    lines: dict[str, str]
    seconds: float

    def answer(self, pairs: Sequence[tuple[str, str]]) -> Answer:
        """Return the answer to the parameters of a request."""
        params = grouped(pairs)
        if text(params, "content") != "record":
            return super().answer(pairs)
        time.sleep(self.seconds)
        return self._records(params)

    def _records(self, params: Params) -> Answer:
        if text(params, "format") == "json":
            ids = ",".join(f'{{"record_id":"{each}"}}' for each in self.lines)
            return Answer(200, f"[{ids}]".encode())
        names = [name for name, _ in self.project.export_names()]
        chosen = [self.lines[each] for each in params["records"]]
        return Answer(200, "\n".join([",".join(names), *chosen, ""]).encode())


def main() -> None:
    """Serve until the standard input ends."""
    records, fields, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    kinds = [KINDS[at % len(KINDS)] for at in range(fields - 2)]
    rows = [field(f"field_{at}", **kind) for at, (kind, _) in enumerate(kinds)]
    server = LargeServer(Project([field("record_id"), *rows]))
    server.seconds = seconds
    line = ",".join(["{at}", *(form for _, form in kinds), "2"])
    server.lines = {
        str(at): line.format(at=at, day=at % 28 + 1, code=at % 3)
        for at in range(1, records + 1)
    }
    with serving_on(server):
        print(server.url, server.token, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
