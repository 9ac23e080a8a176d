"""Queries of records: parameters of requests, and answers that are complete."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from reporting_framework import StorageUnavailable
from reporting_redcap.answers import TooMuchError
from reporting_redcap.api import RedcapApi
from reporting_redcap.project import ProjectInfo
from reporting_redcap.settings import RedcapSettings
from reporting_redcap.texts import from_csv, from_json

Params = list[tuple[str, str]]


class RecordQueries:
    """Queries of the records of a project.

    Args:
        api: The API.
        project: The project.
        settings: Settings of the source.
    """

    def __init__(
        self, api: RedcapApi, project: ProjectInfo, settings: RedcapSettings
    ) -> None:
        self._api, self._project, self._settings = api, project, settings

    def ids(self, begin: str | None) -> list[str]:
        """Return the ids of the records, sorted.

        Args:
            begin: Time of the server from which on records were created or changed.

        Raises:
            ReportingError: See `RedcapApi.ask`.
        """
        params = [*_array("fields", [self._project.record_id]), *self._narrowed()]
        if begin is not None:
            params.append(("dateRangeBegin", begin))
        try:
            frame = from_json(self._api.ask("record", params))
        except TooMuchError:
            raise StorageUnavailable(
                f"{self._api.subject}: the server did not complete the list of record"
                " ids; run again later, or read less with filter_logic or events"
            ) from None
        if frame.is_empty():
            return []
        return sorted(set(self._ids_in(frame)))

    def rows(self, ids: Sequence[str]) -> pl.DataFrame:
        """Return all rows of records, as texts.

        An answer that is not complete is asked for again, with fewer records. A record
        that no longer exists has no row.

        Raises:
            ReportingError: See `RedcapApi.ask`.
        """
        form = "csv" if self._project.one_row else "json"
        parts = [frame for frame in self._parts(ids, form) if not frame.is_empty()]
        if len(parts) == 1:
            return parts[0]
        return pl.concat(parts, how="diagonal") if parts else pl.DataFrame()

    def _parts(self, ids: Sequence[str], form: str) -> Iterable[pl.DataFrame]:
        """Yield the rows of records, in parts, until no record is missing."""
        try:
            frame = self._ask(ids, form)
        except TooMuchError:
            if len(ids) == 1:
                raise StorageUnavailable(
                    f"{self._api.subject}: the server did not complete the answer for"
                    " one record; run again later, or read less with fields or forms"
                ) from None
            middle = len(ids) // 2
            yield from self._parts(ids[:middle], form)
            yield from self._parts(ids[middle:], form)
            return
        yield frame
        found = set() if frame.is_empty() else set(self._ids_in(frame))
        missing = [each for each in ids if each not in found]
        if missing and (found or form == "csv"):
            yield from self._parts(missing, "json")

    def _ask(self, ids: Sequence[str], form: str) -> pl.DataFrame:
        """Return the rows of records that the server answers with.

        Raises:
            TooMuchError: The answer is not complete.
        """
        body = self._api.ask(
            "record",
            [*self._narrowed(), *self._chosen(), *_array("records", ids)],
            form=form,
            of_records=True,
            divisible=len(ids) > 1,
        )
        if form == "csv":
            frame = from_csv(body, self._project.record_id)
        else:
            frame = from_json(body)
        if frame.is_empty():
            return frame
        return frame.filter(pl.col(self._project.record_id).is_in(ids))

    def _ids_in(self, frame: pl.DataFrame) -> pl.Series:
        name = self._project.record_id
        if name not in frame.columns:
            raise StorageUnavailable(
                f"{self._api.subject}: the server answered without the record id; run"
                " again later"
            )
        return frame[name].drop_nulls()

    def _narrowed(self) -> Params:
        """Return parameters that leave rows out."""
        settings = self._settings
        logic = settings.filter_logic
        return [
            *_array("events", settings.events),
            *([("filterLogic", logic)] if logic else []),
        ]

    def _chosen(self) -> Params:
        """Return parameters of what a row has."""
        settings, record_id = self._settings, self._project.record_id
        params: Params = [("type", "flat"), ("decimalCharacter", ".")]
        if settings.data_access_groups:
            params.append(("exportDataAccessGroups", "true"))
        if settings.fields or settings.forms:
            params += _array("fields", [record_id, *settings.fields])
            params += _array("forms", settings.forms)
        return params


def report_rows(api: RedcapApi, report_id: str) -> pl.DataFrame:
    """Return all rows of a saved report, as texts; REDCap exports it as a whole.

    Raises:
        ReportingError: See `RedcapApi.ask`.
    """
    params = [("report_id", report_id), ("decimalCharacter", ".")]
    try:
        return from_json(api.ask("report", params))
    except TooMuchError:
        raise StorageUnavailable(
            f"{api.subject}: the server did not complete report {report_id}; give it"
            " fewer fields or a filter in REDCap, or read records without report_id"
        ) from None


def _array(name: str, values: Sequence[str]) -> Params:
    return [(f"{name}[{at}]", value) for at, value in enumerate(values)]
