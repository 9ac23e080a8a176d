"""Source state: how far the records of a project were read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from reporting_framework import SettingsError
from reporting_redcap.project import ProjectInfo
from reporting_redcap.settings import RedcapSettings


class Reading(NamedTuple):
    """Reading of records, complete or up to a record.

    Attributes:
        project: Number of the project.
        key: Columns that identify a row.
        began: Time of the server at which the reading began (ISO 8601, UTC).
        begin: Time from which on records were asked for, in the server's time zone;
            `None`: all records.
        last: Id of the last record that was read; `None`: all records were.
        full: Whether it is a full scan: all records, or all since ``date_begin``.
        scanned: Time of the server at which the last full scan began; empty if there
            was none.
        settings: Fingerprint of the settings that decide what is read; empty if it is
            not known.
    """

    project: str
    key: Sequence[str]
    began: str
    begin: str | None = None
    last: str | None = None
    full: bool = False
    scanned: str = ""
    settings: str = ""

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Reading:
        """Return the reading that a state describes."""
        return cls(**state)

    @property
    def began_at(self) -> datetime:
        """Time of the server at which the reading began."""
        return datetime.fromisoformat(self.began)

    def after(self, last: str | None) -> Mapping[str, Any]:
        """Return the state after a record.

        Args:
            last: Id of the record; `None`: all records were read.
        """
        ends = self.full and last is None
        scanned = self.began if ends else self.scanned
        return self._replace(last=last, scanned=scanned)._asdict()

    def check_key(self, project: ProjectInfo, subject: str) -> None:
        """Check that source keys are comparable with those of the state.

        Raises:
            SettingsError: The project got events or repeating instruments since.
        """
        if list(self.key) != list(project.key):
            raise SettingsError(
                f"{subject}: a row was identified by {', '.join(self.key)}, and now by"
                f" {', '.join(project.key)}: source keys cannot be compared; reset the"
                " report's state, or use another output"
            )

    def full_scan_due(self, days: float | None) -> datetime | None:
        """Return the time of the next full scan, `None` if none is asked for."""
        if days is None or not self.scanned:
            return None
        return datetime.fromisoformat(self.scanned) + timedelta(days=days)


def wants_full(state: Mapping[str, Any] | None, settings: RedcapSettings) -> bool:
    """Return whether a run reads all records, from the beginning.

    Args:
        state: State that the run starts from.
        settings: Settings of the source.
    """
    if state is None or settings.full_scan:
        return True
    reading = Reading.of(state)
    if reading.settings != settings.fingerprint:
        return True  # what was read before is not what the settings ask for
    if reading.full and reading.last is not None:
        return False  # a full scan that was stopped
    days = settings.full_scan_every_days
    due = reading.full_scan_due(days)
    return days is not None and (due is None or due <= datetime.now(UTC))
