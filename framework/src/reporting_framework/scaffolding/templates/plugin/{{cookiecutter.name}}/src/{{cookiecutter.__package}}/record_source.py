"""The source: records of an API that returns those changed after a number, page by page. Replace it with yours."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from typing import Any, ClassVar
from urllib.request import urlopen

from pydantic import Field
from reporting_framework import Batch, RecordSource, StorageUnavailable
from reporting_framework.plugin_api.settings import Settings
from typing_extensions import override


class ApiRecordsSettings(Settings):
    """Settings of the source."""

    url: str = Field(description="Address of the records, without a query")
    full_scan: bool = Field(False, description="Start from the first record this time")


class ApiRecords(RecordSource):
    """Records of an API; a record's version is the number of its last change."""

    name: ClassVar[str] = "{{ cookiecutter.name }}"
    Settings: ClassVar[type[ApiRecordsSettings]] = ApiRecordsSettings
    versions_ordered: ClassVar[bool] = True

    @override
    def pages(self, after: Mapping[str, Any] | None) -> Iterator[Batch]:
        last = after["change"] if after else 0
        while records := self._fetch(last):
            last = records[-1]["change"]
            keys = [f"records/{record['id']}" for record in records]
            versions = [f"{record['change']:020}" for record in records]
            payloads = [json.dumps(record).encode() for record in records]
            yield Batch(keys, versions, payloads, position={"change": last})

    def _fetch(self, last: int) -> Any:
        try:
            with urlopen(f"{self.settings.url}?after={last}", timeout=60) as answer:
                return json.load(answer)
        except (OSError, HTTPException, ValueError) as error:  # none, cut off, or no JSON
            raise StorageUnavailable(f"source {self.name}: page after {last}: no answer") from error
