"""Queries of records: parameters of requests, and answers that are complete."""

from __future__ import annotations

from collections.abc import Sequence

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
        self._most = settings.chunk_records

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

        An answer that is not complete is asked for again, with fewer records, and so
        are further ones. A record that no longer exists has no row.

        Raises:
            ReportingError: See `RedcapApi.ask`.
        """
        form = "csv" if self._project.one_row else "json"
        parts: list[pl.DataFrame] = []
        while ids:
            now, ids = ids[: self._most], ids[self._most :]
            try:
                frame = self._ask(now, form)
            except TooMuchError:
                if len(now) > 1:
                    self._most = min(self._most, len(now) // 2)
                parts += self._halves(now, form)
            else:
                parts += self._found(frame, now, form)
        parts = [frame for frame in parts if not frame.is_empty()]
        if len(parts) == 1:
            return parts[0]
        return pl.concat(parts, how="diagonal") if parts else pl.DataFrame()

    def _parts(self, ids: Sequence[str], form: str) -> list[pl.DataFrame]:
        """Return the rows of records, in parts."""
        try:
            return self._found(self._ask(ids, form), ids, form)
        except TooMuchError:
            return self._halves(ids, form)

    def _halves(self, ids: Sequence[str], form: str) -> list[pl.DataFrame]:
        """Return the rows of records that were too much for one answer.

        Only JSON shows that the answer for one record is complete, whatever its values.
        """
        if len(ids) == 1 and form == "csv":
            return self._parts(ids, "json")
        if len(ids) == 1:
            raise StorageUnavailable(
                f"{self._api.subject}: the server did not complete the answer for one"
                " record; run again later, or read less with fields or forms"
            )
        middle = len(ids) // 2
        return self._parts(ids[:middle], form) + self._parts(ids[middle:], form)

    def _found(
        self, frame: pl.DataFrame, ids: Sequence[str], form: str
    ) -> list[pl.DataFrame]:
        """Return an answer, and the rows of records that it lacks.

        They are asked for as JSON until an answer has none of them: it is complete, so
        they no longer exist.
        """
        found = set() if frame.is_empty() else set(self._ids_in(frame))
        missing = [each for each in ids if each not in found]
        if not missing or (not found and form == "json"):
            return [frame]
        return [frame, *self._parts(missing, "json")]

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
        if not frame.is_empty():
            found = self._ids_in(frame)
            if len(found) < frame.height or not found.is_in(ids).all():
                raise TooMuchError  # rest of a row, or a text of the server
        return frame

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
