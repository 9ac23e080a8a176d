"""Every error the framework raises on purpose, grouped by what the caller can do.

::

    ReportingError
    ├── ConfigurationError      fix the settings, the command or the installed
    │   │                       plugins, then run again
    │   ├── SettingsError       a setting is missing, unknown, contradictory or of the
    │   │                       wrong form
    │   ├── TriggerError        what started the run is not something that the report
    │   │                       understands
    │   ├── PluginError         a plugin is unknown, blocked, broken, incompatible or
    │   │                       doubly named
    │   │   └── NotSupported    a plugin lacks an optional method that is needed here
    │   ├── LocationError       a URI that cannot be used: no such bucket, not writable
    │   │   └── InvalidLocation it is not of the form that a URI or a path must have
    │   └── BuildError          no packages for Lambda can be made of what is installed
    ├── TransientError          run again later: nothing was changed
    │   ├── StorageUnavailable  the storage did not answer, or answered that it is busy
    │   ├── IncompleteRun       not all was read that the table was to be replaced by
    │   └── CommitConflict      another run kept winning the race for the same
    │                           checkpoint
    └── FatalError              stop: going on could lose or corrupt data
        ├── AccessDenied        the storage refused the credentials, or the right to
        │                       this place
        ├── CorruptCheckpoint   what lies at the checkpoint's place is not the
        │                       checkpoint it should be
        ├── ObjectMissing       an object that must be there is not
        ├── StepFailed          a plugin raised something that is not in this tree
        └── InvariantBroken     the counts of a run do not add up

A message says where, what was found, what is allowed and what to do. It is one line,
bounded, and never holds a value of a record or a secret: user info and query strings of
URIs are removed.
"""

from __future__ import annotations

from reporting_framework._text.messages import one_line

MESSAGE_LIMIT = 600
"""Longest message, in characters; what is beyond is cut."""


class ReportingError(Exception):
    """Base of all expected errors; the command line prints its message on one line.

    Attributes:
        exit_code: What the command line exits with.
    """

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message, MESSAGE_LIMIT))


class ConfigurationError(ReportingError):
    """Something that whoever runs the report can put right before running it again."""

    exit_code = 2


class SettingsError(ConfigurationError):
    """A setting is missing, unknown, contradictory or of the wrong form.

    Attributes:
        of_trigger: Whether the trigger alone is at fault, so that its sender can
            correct it; None if that is not known.
    """

    def __init__(self, message: str, *, of_trigger: bool | None = None) -> None:
        super().__init__(message)
        self.of_trigger = of_trigger


class TriggerError(ConfigurationError):
    """What started the run is not something that the report understands."""


class PluginError(ConfigurationError):
    """A plugin is unknown, blocked, broken, incompatible, or named like another one."""


class NotSupported(PluginError):
    """A plugin lacks an optional method that is needed here."""


class LocationError(ConfigurationError):
    """A URI that cannot be used: no such bucket or folder, not writable."""

    exit_code = 1


class InvalidLocation(LocationError):
    """A URI or a path that is not of the form that it must have."""

    exit_code = 2


class BuildError(ConfigurationError):
    """No packages for Lambda can be made.

    A dependency has no wheel for the target, or they are too large.
    """

    exit_code = 1


class TransientError(ReportingError):
    """Nothing was changed; the same run may succeed later."""


class StorageUnavailable(TransientError):
    """The storage did not answer, or kept answering that it is busy."""


class IncompleteRun(TransientError):
    """Not all was read that the table was to be replaced by."""


class CommitConflict(TransientError):
    """Other runs kept winning the race for the same checkpoint."""


class FatalError(ReportingError):
    """Going on could lose or corrupt data."""


class AccessDenied(FatalError):
    """The storage refused the credentials, or the right to this place."""


class CorruptCheckpoint(FatalError):
    """What lies at the checkpoint's place is not the checkpoint it should be."""


class ObjectMissing(FatalError):
    """An object that must be there is definitely not.

    It is another matter if the object could not be asked for.
    """


class StepFailed(FatalError):
    """A plugin raised an error of its own; the cause is chained."""


class InvariantBroken(FatalError):
    """The counts of a run do not add up: a defect, reported rather than hidden."""
