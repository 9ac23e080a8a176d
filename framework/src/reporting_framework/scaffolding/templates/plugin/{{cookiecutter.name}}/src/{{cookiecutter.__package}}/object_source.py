"""The source: CSV files with a header line, one record for each line that follows. Replace it with yours."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field
from reporting_framework import ObjectInfo, ObjectRecords, ObjectSource, Rejection, single_source_key
from reporting_framework.plugin_api.settings import Settings
from reporting_framework.storage import list_keys, open_store
from typing_extensions import override


class CsvFilesSettings(Settings):
    """Settings of the source."""

    uri: str = Field(description="Folder of the files: s3://bucket/prefix/ or a path")


class CsvFiles(ObjectSource):
    """CSV files below a folder. A file is new when its key is not in the ledger."""

    name: ClassVar[str] = "{{ cookiecutter.name }}"
    Settings: ClassVar[type[CsvFilesSettings]] = CsvFilesSettings

    @override
    def list_objects(self) -> Iterator[ObjectInfo]:
        return (ObjectInfo(key) for key in list_keys(open_store(self.settings.uri)) if key.endswith(".csv"))

    @override
    def object_version(self, name: str) -> str | None:
        entry = open_store(self.settings.uri).head(name)
        return entry.version if entry else None

    @override
    def read_object(self, key: str) -> ObjectRecords | Rejection:
        stored = open_store(self.settings.uri).get(key)
        try:
            text = io.StringIO(stored.data.decode("utf-8-sig"), newline="")
            payloads = [json.dumps(row).encode() for row in csv.DictReader(text, strict=True)]
        except (csv.Error, UnicodeDecodeError):
            return Rejection(single_source_key(key), stored.version, "undecodable")
        return ObjectRecords(payloads, stored.version, multi_record=True)
