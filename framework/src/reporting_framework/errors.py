"""All errors that the framework raises on purpose, grouped by the caller's options.

::

    ReportingError
    ├── ConfigurationError      fix the settings, the command or the installed
    │   ├── SettingsError       a setting is missing, unknown, contradictory or of the
    │   │                       wrong form
    │   ├── TriggerError        the report does not understand the trigger
    │   ├── PluginError         a plugin is unknown, blocked, broken, incompatible or
    │   │                       doubly named
    │   │   └── NotSupported    a plugin lacks an optional method that is needed here
    │   ├── LocationError       a URI that cannot be used: no such bucket, not writable
    │   │   └── InvalidLocation a URI or a path of the wrong form
    │   └── BuildError          no packages for Lambda can be made
    ├── TransientError          run again later: nothing was changed
    │   ├── StorageUnavailable  the storage did not answer, or answered that it is busy
    │   ├── IncompleteRun       a table could not be replaced: not all records were read
    │   └── CommitConflict      other runs kept winning the race for the same
    │                           checkpoint
    └── FatalError              stop: going on could lose or corrupt data
        ├── AccessDenied        the storage refused the credentials or the permission
        ├── CorruptCheckpoint   a stored object is damaged or is not what it should be
        ├── ObjectMissing       a required object does not exist
        ├── SchemaChanged       a contract forbids the present columns of the source
        ├── CheckFailed         a check of severity fail did not pass
        ├── StepFailed          a plugin raised an error that is not in this tree
        └── InvariantBroken     the counts of a run do not add up

A message names the subject, the problem, the allowed values and the fix. It is one
short line, and never holds a value of a record or a secret: user info and query strings
of URIs are removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from reporting_framework._text.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

MESSAGE_LIMIT = 600
"""Maximum length of a message in characters; a longer one is cut."""


class ReportingError(Exception):
    """Base of all expected errors; the command line prints its message on one line.

    Attributes:
        exit_code: Exit code of the command line.
    """

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message, MESSAGE_LIMIT))


class ConfigurationError(ReportingError):
    """Base of errors that the user can correct before the next run."""

    exit_code = 2


class SettingProblem(NamedTuple):
    """One problem with a setting.

    Attributes:
        path: Path of the setting within the settings of its owner, outermost name
            first; empty if it concerns several settings.
        message: Message as of a `SettingsError`.
        place: Place that set the value, if known.
    """

    path: tuple[str, ...]
    message: str
    place: str | None = None


class SettingsError(ConfigurationError):
    """A setting is missing, unknown, contradictory or of the wrong form.

    Args:
        message: The message.
        of_trigger: See below.
        path: Path of the setting within the settings of its owner.
        problems: All problems, if there are several.

    Attributes:
        of_trigger: Whether the trigger alone is at fault, so that its sender can
            correct it; None if that is not known.
        problems: All problems that were found; the message is that of the first.
    """

    def __init__(
        self,
        message: str,
        *,
        of_trigger: bool | None = None,
        path: Sequence[str] = (),
        problems: Sequence[SettingProblem] = (),
    ) -> None:
        super().__init__(message)
        self.of_trigger = of_trigger
        self.problems = tuple(
            problem._replace(message=one_line(problem.message, MESSAGE_LIMIT))
            for problem in problems or [SettingProblem(tuple(path), str(self))]
        )


class TriggerError(ConfigurationError):
    """The report does not understand the trigger."""


class PluginError(ConfigurationError):
    """A plugin is unknown, blocked, broken, incompatible, or has a duplicate name."""


class NotSupported(PluginError):
    """A plugin lacks an optional method that is needed here."""


class LocationError(ConfigurationError):
    """A URI that cannot be used: no such bucket or folder, not writable."""

    exit_code = 1


class InvalidLocation(LocationError):
    """A URI or a path has the wrong form."""

    exit_code = 2


class BuildError(ConfigurationError):
    """No packages for Lambda can be made.

    A dependency has no wheel for the target, or the packages are too large.
    """

    exit_code = 1


class TransientError(ReportingError):
    """Nothing was changed; the same run may succeed later."""


class StorageUnavailable(TransientError):
    """The storage did not answer, or kept answering that it is busy."""


class IncompleteRun(TransientError):
    """A table could not be replaced, because not all records were read."""


class CommitConflict(TransientError):
    """Other runs kept winning the race for the same checkpoint."""


class FatalError(ReportingError):
    """Going on could lose or corrupt data."""


class AccessDenied(FatalError):
    """The storage refused the credentials or the permission."""


class CorruptCheckpoint(FatalError):
    """A stored object is damaged, or is not what it should be."""


class ObjectMissing(FatalError):
    """A required object definitely does not exist.

    A request without an answer raises another error.
    """


class SchemaChanged(FatalError):
    """The columns of the source changed in a way that the report's contract forbids.

    Attributes:
        changes: The changes, each a `SchemaChange`.
    """

    def __init__(self, message: str, changes: Sequence[Any]) -> None:
        super().__init__(message)
        self.changes = changes


class CheckFailed(FatalError):
    """A check of severity ``fail`` did not pass.

    The message says whether the rows of the run were committed.

    Attributes:
        result: `RunResult` with what is known of the run, and the outcomes of all
            checks; its status is ``failed``.
    """

    def __init__(self, message: str, result: Any) -> None:
        super().__init__(message)
        self.result = result


class StepFailed(FatalError):
    """A plugin raised an error of its own; the cause is chained."""


class InvariantBroken(FatalError):
    """The counts of a run do not add up: a defect, reported rather than hidden."""
