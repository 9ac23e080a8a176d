"""The base class of every plugin, and what all roles share.

Nothing in this package imports polars or pydantic when it is imported, so that a plugin
module stays light.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeVar

if TYPE_CHECKING:
    from pydantic import BaseModel

    from reporting_framework.plugin_api.records import CheckResult

F = TypeVar("F", bound=Callable[..., Any])

Shape = Literal["payloads", "frames"]
"""What a source yields and a validator takes: raw records (bytes) or polars frames."""


class Permission(NamedTuple):
    """Permission that a plugin must have in AWS, and no more.

    It is one statement of an IAM policy.

    Attributes:
        actions: Actions, without wildcards, such as ``s3:GetObject``.
        resource: An ARN, or a pattern of ARNs.
        conditions: Conditions by operator, key and values.
    """

    actions: tuple[str, ...]
    resource: str
    conditions: Mapping[str, Mapping[str, Sequence[str]]] = {}


def optional(method: F) -> F:
    """Mark the default of a method that a plugin need not have; see `supports`."""
    method.__dict__["optional"] = True
    return method


def supports(plugin: object, method: str) -> bool:
    """Return whether a plugin, or its class, has an optional method of its own."""
    cls = plugin if isinstance(plugin, type) else plugin.__class__
    own = getattr(cls, method, None)
    return own is not None and not hasattr(own, "optional")


class _NoSettings:
    """The settings of a plugin that has none; pydantic is imported when it is asked."""

    def __get__(self, instance: object, owner: type) -> type[BaseModel]:
        from reporting_framework.plugin_api.settings import NoSettings

        return NoSettings


class Plugin(ABC):
    """Base class of every plugin.

    Attributes:
        name: Name that users select it by.
        Settings: Pydantic model of its settings; none unless set.
        settings: The settings that it was made with; the defaults unless given.
    """

    name: ClassVar[str]
    Settings: ClassVar[Any] = _NoSettings()

    def __init__(self, settings: Any = None) -> None:
        self.settings = self.Settings() if settings is None else settings

    @optional
    def health_checks(self, *, write: bool) -> Mapping[str, Callable[[], CheckResult]]:
        """Return checks of its surroundings by name, for ``reporting doctor REPORT``.

        Each is carried out on its own, in any order; for a sink after `open`.

        Args:
            write: Whether they may write a probe, which they remove again.
        """
        return {}

    @classmethod
    @optional
    def aws_permissions(cls, settings: Any) -> Sequence[Permission]:
        """Return what it must be allowed to do in AWS under these settings.

        It looks nothing up and opens nothing.
        """
        return ()

    @optional  # noqa: B027 - there is nothing to give up unless it is overridden
    def close(self) -> None:
        """Give up what is under way, and remove what is temporary.

        Called at the end of every run, however it ends; errors are logged.
        """
